// The shipped stack on a server without an agent, brought up as a person does: copy, secrets, build, `docker compose up -d`.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { type RunResult, run } from '../../src/lib/index.ts'
import type { Lab, Machine } from '../lab/index.ts'
import { makeSecrets, type ServerSecrets } from '../site/make-secrets.ts'

const root = join(import.meta.dirname, '../..')
export const STACK = '/srv/pacs/deployment/production'
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt'

const routesSchema = z.object({
  http: z.object({
    routers: z.record(
      z.string(),
      z.object({ rule: z.string(), service: z.enum(['frontend', 'backend']), middlewares: z.array(z.string()) }),
    ),
  }),
})

/**
 * Lays deployment/ down at /srv/pacs, with `patch` of test/fixtures/releases applied.
 */
export async function copyDeployment(server: Machine, patch?: string): Promise<void> {
  const env = { PATH: process.env.PATH ?? '', GIT_CEILING_DIRECTORIES: tmpdir() }
  const directory = await mkdtemp(join(tmpdir(), 'pacs-deployment-'))
  try {
    await cp(join(root, 'deployment'), join(directory, 'deployment'), {
      recursive: true,
      filter: (source) => !/\/(node_modules|dist|secrets|\.env)$/.test(source),
    })
    if (patch) await run('git', ['apply', join(root, 'test/fixtures/releases', patch)], { env, cwd: directory })
    await run('tar', ['-cf', 'deployment.tar', 'deployment'], { env, cwd: directory })
    await server.copyIn(join(directory, 'deployment.tar'), '/srv/pacs/deployment.tar')
    await server.run(['tar', '-xf', '/srv/pacs/deployment.tar', '-C', '/srv/pacs', '--no-same-owner'])
  } finally {
    await rm(directory, { recursive: true })
  }
}

/**
 * Builds the image of `service` as a person behind a TLS-inspecting network does.
 * @param variant another tag than the stack's, and further build arguments
 * @returns output and exit code
 */
export function build(
  server: Machine,
  service: 'frontend' | 'backend',
  commit: string,
  { tag = 'local', args = [] }: { tag?: string; args?: readonly string[] } = {},
): Promise<RunResult> {
  return server.exec(
    [
      ...['docker', 'buildx', 'build', '--network', 'host', '--progress', 'plain', '--secret', `id=ca,src=${BUNDLE}`],
      ...['--build-arg', `COMMIT=${commit}`, '--build-arg', 'VERSION=1.0.0'],
      ...args.flatMap((arg) => ['--build-arg', arg]),
      ...['--file', `production/Dockerfile.${service}`, '--tag', `localhost/pacs/${service}:${tag}`, '.'],
    ],
    { cwd: '/srv/pacs/deployment' },
  )
}

/** Writes `.env` and the secret files as .env.example says. @returns the passwords and keys in them */
export async function configure(server: Machine): Promise<ServerSecrets> {
  const { values, files } = await makeSecrets()
  const all = { ...files, '.env': `DICOM_MODALITIES='{"ct1":["CT1","10.0.0.5",104]}'\n` }
  for (const [name, content] of Object.entries(all)) await server.copyIn(Buffer.from(content), `${STACK}/${name}`)
  return values
}

/** Routes to containers by name and a certificate of the lab's authority, in one file that is put in place by a rename. */
export async function route(
  lab: Lab,
  server: Machine,
  targets: Readonly<Record<'frontend' | 'backend', string>>,
): Promise<void> {
  const { certificate, key } = lab.files.authority.issued(server.hostname)
  const pem = { certFile: await readFile(certificate, 'utf8'), keyFile: await readFile(key, 'utf8') }
  const shipped = routesSchema.parse(
    parse(await readFile(join(root, 'deployment/production/traefik/dynamic/routes.yml'), 'utf8')),
  )
  const routers = Object.entries(shipped.http.routers).map(([name, router]) => [
    name,
    { ...router, middlewares: [router.service, ...router.middlewares] },
  ])
  const service = (url: string) => ({ loadBalancer: { servers: [{ url }] } })
  const marked = (name: string) => ({ headers: { customResponseHeaders: { 'X-Pacs-Instance': name } } })
  const content = {
    http: {
      routers: Object.fromEntries(routers),
      services: {
        frontend: service(`http://${targets.frontend}:8080`),
        backend: service(`http://${targets.backend}:3000`),
      },
      middlewares: { frontend: marked(targets.frontend), backend: marked(targets.backend) },
    },
    tls: { certificates: [pem] },
  }
  const folder = `${STACK}/traefik/dynamic`
  await server.copyIn(Buffer.from(JSON.stringify(content)), `${folder}/routes.next`)
  await server.run(['mv', `${folder}/routes.next`, `${folder}/routes.yml`])
}

/** Runs `docker compose` on the shipped file. */
export function compose(server: Machine, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  return server.run(['docker', 'compose', '-f', 'docker-compose.prod.yml', ...args], { cwd: STACK, env })
}
