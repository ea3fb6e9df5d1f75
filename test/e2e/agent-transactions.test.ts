// What a person can ask of an agent on a real server, and what becomes of it. The requests that were lost are counted.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../../src/release/index.ts'
import { type Machine, waitFor } from '../lab/index.ts'
import type { Counter } from '../load/counter.ts'
import { placesOf, traceAgent } from '../site/secrets.ts'
import { agent, configure, repositoryRoot, type SiteConfig, statusOf } from '../site/server.ts'
import { count, type Site, startSite } from '../site/site.ts'
import { ask, askAndKill, atRest, coreContainers, instancesOn, journalOf } from '../site/transactions.ts'
import { compose, configure as configureStandalone, copyDeployment } from '../stack/standalone.ts'
import { type Visit, visit } from '../stack/visit.ts'

const QUICK = ['--watch', '2s', '--hold', '3s', '--keep-warm', '10m']
const WARM_LIMIT = 120_000
/** Where the engine's command line finds Compose. */
const COMPOSE_PATH = '{{range .ClientInfo.Plugins}}{{if eq .Name "compose"}}{{.Path}}{{end}}{{end}}'

/** No request of many was lost, two releases answered, and no connection that had moved to the second came back. */
async function expectOneMove(counter: Counter): Promise<void> {
  await waitFor('load on the new release', () => counter.sent > 2000, WARM_LIMIT)
  const { lost, instances, moves } = await counter.stop()
  expect(lost).toEqual([])
  expect(instances.size).toBe(2)
  expect(new Set(moves.map(({ to }) => to)).size).toBe(1)
}

let site: Site
let server: Machine
let config: SiteConfig
const releases = { first: '', second: '', neverReady: '' }

beforeAll(async () => {
  site = await startSite(['transactions', 'bare'])
  server = site.lab.server('transactions')
  config = site.configs.get('transactions') ?? { env: {}, files: {} }
  releases.first = await site.repository.build()
  await site.repository.release('version-2.patch')
  releases.second = await site.repository.build()
  await site.repository.release('never-ready.patch')
  releases.neverReady = await site.repository.build()
})

afterAll(async () => {
  await site?.[Symbol.asyncDispose]()
})

/** Starts a deploy of the release that never gets ready, and waits until the event `step` of it is seen. */
async function startUnsealed(step: string) {
  let id = ''
  let reached: () => void = () => undefined
  const seen = new Promise<void>((resolve) => {
    reached = resolve
  })
  const ended = ask(server, ['deploy', releases.neverReady, ...QUICK], (event) => {
    if (event.type === 'step' && event.step === step) reached()
  })
  await Promise.race([seen, ended])
  id = (await statusOf(server)).transaction?.id ?? ''
  return { id, ended }
}

describe('a deploy', () => {
  it('is refused before the expands of its release are applied, which a migration does after the core', async () => {
    const early = await ask(server, ['deploy', releases.first, ...QUICK])
    expect(early.result).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('001_create_collections (expand) is not applied'),
    })
    const { code, result } = await ask(server, ['migrate', releases.first])
    expect(result).toMatchObject({
      outcome: 'done',
      message: expect.stringContaining('applied: 001_create_collections, 002_create_reports'),
    })
    expect(code).toBe(0)
    expect(await ask(server, ['migrate', releases.first])).toMatchObject({ code: 0, result: { outcome: 'done' } })
  })

  it('brings the first release to an empty server', async () => {
    const { code, result, steps } = await ask(server, ['deploy', releases.first, ...QUICK])
    expect(result).toMatchObject({ outcome: 'deployed', direction: 'forward', previous: null })
    expect(code).toBe(0)
    expect(steps).toEqual(['preflight', 'pull', 'staging', 'ready', 'preview', 'switched', 'watch', 'seal'])
    const { warm, serving } = await atRest(server)
    expect(warm).toBe(null)
    expect(serving?.release).toBe(result?.serving)
    expect((await agent(server, ['health'])).code).toBe(0)
  })

  it('of a second release loses no request', async () => {
    const first = (await statusOf(server)).serving
    const counter = await count(site.lab, server)
    expect(await ask(server, ['deploy', releases.second, ...QUICK])).toMatchObject({ result: { outcome: 'deployed' } })
    await expectOneMove(counter)
    const { warm, serving } = await atRest(server)
    expect(warm?.instance).toBe(first?.instance)
    expect(serving?.instance).not.toBe(first?.instance)
  })

  it('of what serves already changes nothing', async () => {
    const before = await statusOf(server)
    const { code, result, steps } = await ask(server, ['deploy', releases.second, ...QUICK])
    expect({ code, outcome: result?.outcome, steps }).toEqual({ code: 0, outcome: 'unchanged', steps: ['preflight'] })
    const { serving, warm } = await atRest(server)
    expect({ serving, warm }).toEqual({ serving: before.serving, warm: before.warm })
  })

  it('of a changed configuration alone is a new instance of the same release, without a lost request', async () => {
    const before = await statusOf(server)
    await configure(server, { ...config, env: { ...config.env, LOG_LEVEL: 'debug' } })
    const counter = await count(site.lab, server)
    expect(await ask(server, ['deploy', releases.second, ...QUICK])).toMatchObject({ result: { outcome: 'deployed' } })
    await expectOneMove(counter)
    const { serving } = await atRest(server)
    expect(serving?.release).toBe(before.serving?.release)
    expect(serving?.config).not.toBe(before.serving?.config)
  })

  it('of the release that is still warm takes it over, without a lost request', async () => {
    await configure(server, config)
    const { warm } = await statusOf(server)
    const counter = await count(site.lab, server)
    expect(await ask(server, ['deploy', releases.second, ...QUICK])).toMatchObject({ result: { outcome: 'deployed' } })
    await expectOneMove(counter)
    expect((await atRest(server)).serving?.instance).toBe(warm?.instance)
  })

  it('keeps the assets of pages that are open as long as the old release is warm, and no longer', async () => {
    const page = (await visit(site.lab, server, '/')).body.toString()
    const [, asset = ''] = /(?:src|href)="(\/assets\/[^"]+)"/.exec(page) ?? []
    expect(asset).not.toBe('')
    let switched: Promise<Visit> | undefined
    const request = ['deploy', releases.first, '--watch', '2s', '--keep-warm', '15s']
    const deploy = await ask(server, request, (event) => {
      if (event.type === 'step' && event.step === 'watch') switched ??= visit(site.lab, server, asset)
    })
    expect(deploy).toMatchObject({ result: { outcome: 'deployed' } })
    expect((await switched)?.status).toBe(200)
    const old = await visit(site.lab, server, asset)
    expect((await statusOf(server)).warm).not.toBe(null)
    expect(old.status).toBe(200)
    await waitFor('the end of keep-warm', async () => (await statusOf(server)).warm === null, WARM_LIMIT)
    await waitFor('the end of the asset', async () => (await visit(site.lab, server, asset)).status === 404, WARM_LIMIT)
    await atRest(server)
  })
})

describe('a rollback', () => {
  it('after keep-warm starts the old release anew, without a lost request', async () => {
    const before = await statusOf(server)
    expect(before.warm).toBe(null)
    const counter = await count(site.lab, server)
    const { result, steps } = await ask(server, ['rollback', '--reason', 'worse than before', ...QUICK])
    expect(result).toMatchObject({ outcome: 'deployed', direction: 'back', previous: before.serving?.release })
    expect(steps).toContain('staging')
    await expectOneMove(counter)
    expect((await atRest(server)).warm?.instance).toBe(before.serving?.instance)
  })

  it('inside keep-warm only moves traffic, without a lost request', async () => {
    const before = await statusOf(server)
    const counter = await count(site.lab, server)
    const { result, steps } = await ask(server, ['rollback', '--reason', 'better than it seemed', ...QUICK])
    expect(result).toMatchObject({ outcome: 'deployed', direction: 'back' })
    expect(steps).toEqual(['preflight', 'switched'])
    await expectOneMove(counter)
    const { serving, warm } = await atRest(server)
    expect([serving?.instance, warm?.instance]).toEqual([before.warm?.instance, before.serving?.instance])
  })

  it('asked for while a deploy is not sealed ends that deploy; a second deploy is told who holds the lock', async () => {
    const before = await statusOf(server)
    const counter = await count(site.lab, server)
    const unsealed = await startUnsealed('ready')
    const second = await agent(server, ['deploy', releases.first, ...QUICK])
    expect(second.code).toBe(30)
    expect(second.stderr).toMatch(new RegExp(`locked: deploy ${unsealed.id} of \\S+ runs since 20\\d\\d-`))
    const back = await ask(server, ['rollback', '--reason', 'it takes too long', ...QUICK])
    expect(back).toMatchObject({ code: 0, result: { outcome: 'deployed', direction: 'back' } })
    const deploy = await unsealed.ended
    expect(deploy).toMatchObject({ code: 20, result: { outcome: 'rolled-back' } })
    expect(deploy.result?.message).toContain('a rollback was asked by')
    expect((await counter.stop()).lost).toEqual([])
    const { serving, warm } = await atRest(server)
    expect({ serving, warm }).toEqual({ serving: before.serving, warm: before.warm })
  })

  it('to a release that this server never accepted is refused with those that it can go to', async () => {
    const { code, result } = await ask(server, [
      'rollback',
      '20200101t000000z-000000000000',
      '--reason',
      'a typing mistake',
    ])
    expect({ code, outcome: result?.outcome }).toEqual({ code: 10, outcome: 'refused' })
    expect(result?.message).toMatch(/was never accepted by this server.*it can go back to: 20\d{6}t/)
  })
})

describe('an abort', () => {
  it('undoes an unsealed deploy and leaves what served', async () => {
    const before = await statusOf(server)
    const { id, ended } = await startUnsealed('ready')
    expect((await agent(server, ['abort', id])).code).toBe(0)
    expect(await ended).toMatchObject({ code: 20, result: { outcome: 'rolled-back' } })
    expect((await atRest(server)).serving).toEqual(before.serving)
    expect((await journalOf(server, id)).at(-1)?.type).toBe('result')
    expect((await agent(server, ['abort', id])).code).toBe(10)
  })
})

describe('what cannot run is refused before anything changes:', () => {
  /** One line on standard error or in the result, with the exit code. */
  async function refusal(args: readonly string[], on = server): Promise<{ code: number; said: string }> {
    const instances = await instancesOn(on)
    const { code, stderr, result } = await ask(on, args)
    expect(await instancesOn(on)).toEqual(instances)
    return { code, said: result?.message ?? stderr.trim() }
  }

  async function imageOf(service: string): Promise<string> {
    const id = (await statusOf(server)).serving?.release
    const text = await server.readText(`/opt/pacs/releases/${id}/release.json`)
    const [, ref, digest] = new RegExp(`"${service}": \\{\\s*"ref": "([^"]+)",\\s*"digest": "([^"]+)"`).exec(text) ?? []
    return `${ref}@${digest}`
  }

  it('an image that is no release image', async () => {
    const { code, said } = await refusal(['deploy', await imageOf('backend')])
    expect(code).toBe(40)
    expect(said).toMatch(/is no release image .*give the output "release" of the push action/)
  })

  it('an index', async () => {
    const name = 'registry.lab:5000/org/pacs/index'
    await site.lab.runner.run(['docker', 'buildx', 'imagetools', 'create', '-t', `${name}:1`, releases.first])
    const { stdout } = await site.lab.runner.exec(['docker', 'buildx', 'imagetools', 'inspect', `${name}:1`])
    const [, digest = ''] = /^Digest:\s+(\S+)$/m.exec(stdout) ?? []
    const { code, said } = await refusal(['deploy', `${name}@${digest}`])
    expect(code).toBe(10)
    expect(said).toContain('index')
  })

  it('a release of a schema that this agent does not know', async () => {
    const name = 'registry.lab:5000/org/pacs/later'
    const { runner } = site.lab
    const later = '{ "schema": 2 }'
    await runner.copyIn(
      Buffer.from(
        `FROM ${releases.first}\nCOPY release.json /release.json\nLABEL org.pacs-deploy.manifest=${sha256(later)}\n`,
      ),
      '/srv/later/Dockerfile',
    )
    await runner.copyIn(Buffer.from(later), '/srv/later/release.json')
    const options = ['--network', 'host', '--provenance=false', '--sbom=false', '--metadata-file', '/srv/later.json']
    await runner.run(['docker', 'buildx', 'build', ...options, '-t', `${name}:1`, '--push', '/srv/later'])
    const [, digest = ''] = /"containerimage.digest": "([^"]+)"/.exec(await runner.readText('/srv/later.json')) ?? []
    const { code, said } = await refusal(['deploy', `${name}@${digest}`])
    expect(code).toBe(40)
    expect(said).toContain('schema')
  })

  it('a digest that the registry does not have', async () => {
    const { code, said } = await refusal(['deploy', releases.first.replace(/@.*/, `@sha256:${'0'.repeat(64)}`)])
    expect(code).toBe(40)
    expect(said).toContain('the registry has no such image')
  })

  it('a registry that is away, in one line', async () => {
    await site.lab.registry.disconnect()
    try {
      const { code, said } = await refusal(['deploy', releases.first.replace(/@.*/, `@sha256:${'1'.repeat(64)}`)])
      expect(code).not.toBe(0)
      expect(said.split('\n')).toHaveLength(1)
      expect(said).toContain('registry.lab:5000')
    } finally {
      await site.lab.registry.connect()
    }
  })

  it('an incomplete configuration, with everything that is missing', async () => {
    const { DICOM_MODALITIES: _missing, ...env } = config.env
    await configure(server, { files: { ...config.files, 'secrets/orthanc-password': '' }, env })
    const { code, said } = await refusal(['deploy', releases.second])
    await configure(server, config)
    expect(code).toBe(40)
    expect(said).toContain('DICOM_MODALITIES is missing')
    expect(said).toContain('secrets/orthanc-password is missing or empty')
  })

  it('a disk that is too small', async () => {
    // The agent alone sees a small disk where the engine keeps its images.
    const dropIn = '/etc/systemd/system/pacs-agent.service.d/small.conf'
    await server.copyIn(Buffer.from('[Service]\nTemporaryFileSystem=/var/lib/docker:size=64m\n'), dropIn)
    const restart = async () => {
      await server.run(['systemctl', 'daemon-reload'])
      await server.run(['systemctl', 'restart', 'pacs-agent'])
    }
    await restart()
    try {
      const { code, said } = await refusal(['deploy', releases.neverReady])
      expect(code).toBe(10)
      expect(said).toMatch(/the engine's disk has 0\.1 GiB free and needs at least 2\.0 GiB/)
    } finally {
      await server.run(['rm', dropIn])
      await restart()
    }
  })

  it('an engine that does not answer, and a Compose that is too old', async () => {
    const bare = site.lab.server('bare')
    await bare.run(['systemctl', 'stop', 'docker.socket', 'docker.service'])
    const away = await agent(bare, ['deploy', releases.first])
    await bare.run(['systemctl', 'start', 'docker.service'])
    expect(away.code).toBe(10)
    expect(away.stderr.trim()).toMatch(
      /the container engine does not answer: [^\n]+; does it run\? systemctl status docker$/,
    )

    const plugin = (await bare.run(['docker', 'info', '--format', COMPOSE_PATH])).trim()
    await bare.copyIn(Buffer.from('#!/bin/sh\necho 2.25.0-1\n'), '/root/old-compose', 0o755)
    await bare.run(['mount', '--bind', '/root/old-compose', plugin])
    const { code, said } = await refusal(['deploy', releases.first], bare)
    await bare.run(['umount', plugin])
    expect(code).toBe(10)
    expect(said).toMatch(/refused: Docker Compose is 2\.25\.0-1, too old, 2\.26\.0 or newer is needed: install [^\n]+$/)
  })

  it('a server where the stack runs without the agent, by the name of its project', async () => {
    const bare = site.lab.server('bare')
    for (const service of ['frontend', 'backend']) {
      const image = await imageOf(service)
      await bare.run(['docker', 'pull', '--quiet', image])
      await bare.run(['docker', 'tag', image, `localhost/pacs/${service}:local`])
    }
    await copyDeployment(bare)
    await configureStandalone(bare)
    await compose(bare, ['up', '-d', '--wait'])
    const { code, said } = await refusal(['deploy', releases.first], bare)
    expect(code).toBe(10)
    expect(said).toContain('the Compose project pacs-standalone runs services of this stack without the agent')
    expect(await bare.run(['docker', 'ps', '-aq', '--filter', 'label=com.docker.compose.project=pacs'])).toBe('')
    await compose(bare, ['down', '-v'])
  })
})

describe('a secret', () => {
  it('is found in no log, argument, image, manifest or file but the private ones', async () => {
    const { lab } = site
    const trace = await traceAgent(lab.runner, server)
    const registryPassword = randomBytes(24).toString('hex')
    const serving = (await statusOf(server)).serving?.release
    const accepted = (await agent(server, ['releases', '--json'])).stdout
    const next = accepted.includes(`"id":"${serving}","reference":"${releases.first}"`)
      ? releases.second
      : releases.first
    const registry = { server: 'registry.lab:5000', username: 'deployer', password: registryPassword }
    const request = { kind: 'deploy', release: next, actor: 'jane', watch: 10_000, hold: 3000, registry }
    const url = 'http://agent/v1/transactions/deploy-with-login'
    const put = ['curl', '-sS', '--fail-with-body', '-X', 'PUT', '-H', 'content-type: application/json', '-d', '@-']
    await server.run([...put, '--unix-socket', '/run/pacs/agent.sock', url], { input: JSON.stringify(request) })
    let preview: Promise<string> | undefined
    const { result } = await ask(server, ['follow', 'deploy-with-login'], (event) => {
      if (event.type === 'step' && event.step === 'watch') preview = server.readText('/opt/pacs/state.json')
    })
    expect(result?.outcome).toBe('deployed')
    const [, previewSecret = ''] = /"preview": "([^"]+)"/.exec((await preview) ?? '') ?? []
    const trail = await trace()
    expect(trail).toMatch(/execve\("[^"]*docker"/)

    const key = (path: string) => readFile(path, 'utf8').then((text) => text.trim().split('\n')[1] ?? '')
    const made = Object.entries(site.configs.get('transactions')?.secrets ?? {})
    const passwords = Object.fromEntries(made.map(([name, text]) => [name, text.split('\n')[0] ?? '']))
    expect(Object.keys(passwords)).toContain('orthancPassword')
    const secrets: Record<string, string> = {
      ...passwords,
      registryPassword,
      registryLogin: Buffer.from(`deployer:${registryPassword}`).toString('base64'),
      previewSecret,
      tlsKey: await key(lab.files.authority.issued(server.hostname).key),
      sshKey: await key(lab.sshKey),
    }
    for (const [name, secret] of Object.entries(secrets)) expect(secret.length, name).toBeGreaterThan(20)
    const places = await placesOf(server, secrets)
    const owned = /^\/opt\/pacs\/(config\/(next|[0-9a-f]{16})|stack\/[a-z]+\/[0-9a-f]{16})\/secrets\//
    const certificate = /^\/opt\/pacs\/(config\/(next|[0-9a-f]{16})\/certs\/tls\.key|traefik\/pacs\.yml)$/
    for (const name of Object.keys(passwords)) {
      expect(
        places[name]?.filter((place) => !owned.test(place)),
        name,
      ).toEqual([])
    }
    expect(places.orthancPassword?.length).toBeGreaterThan(2)
    expect(places.tlsKey?.length).toBeGreaterThan(2)
    expect(places.tlsKey?.filter((place) => !certificate.test(place))).toEqual([])
    expect([places.registryPassword, places.registryLogin, places.previewSecret, places.sshKey]).toEqual([
      [],
      [],
      [],
      [],
    ])
    for (const place of new Set(Object.values(places).flat())) {
      expect((await server.exec(['cat', place], { user: 'nobody' })).code, `${place} read by nobody`).not.toBe(0)
    }
  })
})

describe('the data of the server', () => {
  it('is backed up, proved by a restore, and brought back beside what lives', async () => {
    const taken = await ask(server, ['backup'])
    expect(taken).toMatchObject({ code: 0, result: { outcome: 'done' } })
    expect(taken.result?.message).toMatch(/^backup \d{8}t\d{6}z-[0-9a-f]{8} holds \d+ documents and \d+ studies$/)
    const [id = ''] = /\d{8}t\d{6}z-[0-9a-f]{8}/.exec(taken.result?.message ?? '') ?? []

    const proved = await ask(server, ['verify', id])
    expect(proved).toMatchObject({ code: 0, result: { outcome: 'done', message: expect.stringContaining('restores') } })
    expect(proved.result?.details).toMatch(/\| L4 \|[^|]+\| ✅ passed/)
    expect((await server.run(['docker', 'ps', '-aq', '--filter', 'label=pacs.verify'])).trim()).toBe('')

    const beside = await ask(server, ['restore', 'run', id, '--collection', 'auditlogs'])
    expect(beside.result?.message).toMatch(/nothing was replaced: type auditlogs to let it$/)
    expect(beside.code).toBe(0)
    expect((await ask(server, ['verify', '20260101t000000z-00000000'])).result).toMatchObject({ outcome: 'refused' })
  })

  it('changes nothing for a release whose migrations are applied', async () => {
    const counter = await count(site.lab, server)
    expect(await ask(server, ['migrate', releases.second])).toMatchObject({ code: 0, result: { outcome: 'done' } })
    expect((await counter.stop()).lost).toEqual([])
  })
})

describe('the stack of another team', () => {
  const vars = { IMAGES: 'registry.lab:5000/ward/notes' }
  let one: string

  /** A release of that stack whose core service `notices` has this text in its file. */
  async function withNotice(from: string, to: string): Promise<string> {
    await site.repository.edit('deployment/production/notices/notices.conf', (text) => text.replace(from, to))
    return site.repository.build({ vars })
  }

  const notice = async () => (await visit(site.lab, site.lab.server('bare'), '/notices')).body.toString()

  it('is built and deployed by the same code, its second release without a lost request', async () => {
    const bare = site.lab.server('bare')
    const { files } = site.configs.get('bare') ?? { files: {} }
    const certs = Object.fromEntries(Object.entries(files).filter(([path]) => path.startsWith('certs/')))
    const env = { PACS_PUBLIC_HOST: bare.hostname, LEDGER_START: '41' }
    await bare.run(['rm', '-rf', '/opt/pacs/config/next/secrets'])
    await configure(bare, { env, files: { ...certs, 'secrets/ledger-token': 'a token of this test' } })
    await site.repository.useStack('test/fixtures/other-stack')
    one = await site.repository.build({ vars })
    const first = await ask(bare, ['deploy', one, ...QUICK])
    expect(first).toMatchObject({ code: 0, result: { outcome: 'deployed' } })
    expect(JSON.parse((await visit(site.lab, bare, '/notes/count')).body.toString())).toEqual({ count: 41 })
    await site.repository.edit('deployment/production/app/pages.js', (text) => text.replace('<p>', '<p>second: '))
    const second = await site.repository.build({ vars })
    const core = await coreContainers(bare)
    const counter = await count(site.lab, bare, { api: ['/notes/count'] })
    expect(await ask(bare, ['deploy', second, ...QUICK])).toMatchObject({ code: 0, result: { outcome: 'deployed' } })
    await expectOneMove(counter)
    expect((await visit(site.lab, bare, '/')).body.toString()).toContain('<p>second: ')
    expect(await coreContainers(bare)).toEqual(core)
  })

  it('gets new files of a core service on its signal, also from an agent that was killed, without a lost request', async () => {
    const bare = site.lab.server('bare')
    const core = await coreContainers(bare)
    expect(await notice()).toBe('the first notice')
    const two = await withNotice('the first notice', 'the second notice')
    const counter = await count(site.lab, bare, { api: ['/notes/count', '/notices'] })
    const { result } = await askAndKill(bare, ['core', two], { coreStep: 'signal' })
    expect(result?.outcome).toBe('failed')
    expect(result?.message).toContain('notices runs by its new files; done: notices; left: nothing')
    expect(await notice()).toBe('the second notice')
    expect(await ask(bare, ['core', two])).toMatchObject({ code: 0, result: { outcome: 'unchanged' } })
    expect(await ask(bare, ['core', one])).toMatchObject({ code: 0, result: { message: 'reloaded notices' } })
    expect(await notice()).toBe('the first notice')
    const report = await counter.stop()
    expect(report.lost).toEqual([])
    expect(report.sent).toBeGreaterThan(1000)
    expect(await coreContainers(bare)).toEqual(core)
  })

  it('keeps the old file of a core service whose new one makes it unhealthy, without a lost request', async () => {
    const bare = site.lab.server('bare')
    const core = await coreContainers(bare)
    const bad = await withNotice('location = / {', 'location = / { no such word;')
    const counter = await count(site.lab, bare, { api: ['/notes/count', '/notices'] })
    const { code, result } = await ask(bare, ['core', bad])
    expect({ code, outcome: result?.outcome }).toEqual({ code: 20, outcome: 'rolled-back' })
    expect(result?.message).toMatch(/^notices is unhealthy; .*; notices runs by its old files again$/)
    expect((await counter.stop()).lost).toEqual([])
    expect(await notice()).toBe('the first notice')
    expect(await coreContainers(bare)).toEqual(core)
    const live = await bare.readText('/opt/pacs/stack/notices/live/notices/notices.conf')
    const good = await readFile(join(repositoryRoot, 'test/fixtures/other-stack/notices/notices.conf'), 'utf8')
    expect(live.trim()).toBe(good.trim())
  })
})
