// One server with both sides on it: the shop deployed by the agent, and the same shop by plain Compose, each behind a Traefik of its own.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { parseManifest } from '../../src/release/index.ts'
import { installScanner, type Lab, type Machine, type Progress, startLab } from '../lab/index.ts'
import { agent, configure, repositoryRoot, resultOf, setUp } from '../site/server.ts'
import { copyTree, ShopJob } from './job.ts'
import type { Entry } from './observer.ts'

const IMAGES = 'registry.lab:5000/org/shop'
const PLAIN = '/srv/bench/plain'
/** The port of a lab's server that is meant for DICOM, which the shop does not speak. */
const PLAIN_PORT = 4242

/** A version of the shop, as both sides need it. */
export interface Version {
  commit: string
  /** The release by digest. */
  release: string
  /** The app's image by digest. */
  image: string
}

export interface BenchSite extends AsyncDisposable {
  lab: Lab
  server: Machine
  job: ShopJob
  versions: readonly [Version, Version]
  /** Public entry of the side that the agent deploys, and of the side of plain Compose. */
  entries: { ours: Entry; plain: Entry }
  sshKey: string
}

/** Brings up a lab with one server, builds two versions of the shop and deploys the first of them on both sides. */
export async function startBenchSite(progress: Progress): Promise<BenchSite> {
  const lab = await startLab({ servers: ['production'], progress })
  try {
    const server = lab.server('production')
    const sshKey = await readFile(lab.sshKey, 'utf8')
    await setUp(server, (await readFile(`${lab.sshKey}.pub`, 'utf8')).trim())
    const { certificate, key } = lab.files.authority.issued(server.hostname)
    const pem = { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') }
    const env = { PACS_PUBLIC_HOST: server.hostname }
    await configure(server, { env, files: { 'certs/tls.crt': pem.certificate, 'certs/tls.key': pem.key } })
    const job = await ShopJob.create(lab.runner, environmentsFile(server))
    const scan = {
      ...(await installScanner(lab.runner)),
      'scan-database': lab.registry.database,
      'scan-java-database': lab.registry.javaDatabase,
    }
    const build = (which: string) => progress.step(`build and push the ${which} version`, () => publish(job, scan))
    const [first, second] = [await build('first'), await build('second')]
    const released = []
    for (const { commit, release } of [second, first]) {
      released.unshift(
        await progress.step(`deploy ${commit.slice(0, 12)}`, async () => {
          const said = resultOf(
            await agent(server, ['deploy', release, '--watch', '0s', '--keep-warm', '0s', '--json']),
          )
          if (said.outcome !== 'deployed') throw new Error(`${said.outcome}: ${said.message}`)
          return { commit, release, image: await imageOn(server, release) }
        }),
      )
    }
    const [one, two] = released
    if (!one || !two) throw new Error('two versions were not deployed')
    await progress.step('bring plain Compose up', () => bringPlainUp(server, pem, one))
    const entry = { host: '127.0.0.1', servername: server.hostname, ca: await readFile(lab.ca, 'utf8') }
    return {
      ...{ lab, server, job, sshKey, versions: [one, two] },
      entries: { ours: { ...entry, port: server.port(443) }, plain: { ...entry, port: server.port(PLAIN_PORT) } },
      [Symbol.asyncDispose]: () => lab.down(),
    }
  } catch (thrown) {
    await lab.down()
    throw thrown
  }
}

/** `docker compose up -d --wait` of the plain side, at the server's console. */
export async function composeUp(server: Machine, { image }: Version): Promise<void> {
  await server.run(['docker', 'compose', 'up', '-d', '--wait'], { cwd: PLAIN, env: { SHOP_IMAGE: image } })
}

async function publish(
  job: ShopJob,
  scan: Readonly<Record<string, string>>,
): Promise<{ commit: string; release: string }> {
  const commit = await job.commit()
  const common = { images: IMAGES, 'compose-file': 'production/docker-compose.prod.yml' }
  const built = await job.run('build', { ...common, ...scan }, commit)
  const login = { 'registry-username': '', 'registry-password': '' }
  const pushed = await job.run('push', { ...common, ...login, manifest: built.outputs.manifest ?? '' }, commit)
  return { commit, release: z.string().min(1).parse(pushed.outputs.release) }
}

/** The shop's image by digest, as the release on the server names it. */
async function imageOn(server: Machine, release: string): Promise<string> {
  const [directory] = (await server.run(['grep', '-lrxF', release, '/opt/pacs/releases', '--include=reference'])).split(
    '/reference',
  )
  const path = `${directory}/release.json`
  const { shop } = parseManifest(path, await server.readText(path)).images
  if (!shop) throw new Error(`${release} holds no image of the shop`)
  return `${shop.ref}@${shop.digest}`
}

async function bringPlainUp(
  server: Machine,
  pem: { certificate: string; key: string },
  version: Version,
): Promise<void> {
  await copyTree(server, join(repositoryRoot, 'test/bench'), 'plain', '/srv/bench')
  await copyTree(server, join(repositoryRoot, 'test/bench'), 'shop', '/srv/bench')
  const dynamic = {
    http: {
      routers: { shop: { rule: 'PathPrefix(`/`)', service: 'shop' } },
      services: { shop: { loadBalancer: { servers: [{ url: 'http://plain-shop:3000' }] } } },
    },
    tls: { certificates: [{ certFile: pem.certificate, keyFile: pem.key }] },
  }
  await server.copyIn(Buffer.from(JSON.stringify(dynamic)), `${PLAIN}/dynamic/shop.yml`)
  await composeUp(server, version)
}

function environmentsFile(server: Machine): string {
  return `production:
  host: ${server.hostname}
  user: pacs
  host-keys:
    - ${server.hostKey}
  public-url: https://${server.hostname}
`
}
