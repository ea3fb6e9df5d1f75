// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} is Compose's here
// What the model of a stack rests on, with Docker Compose itself and a real engine.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { layout } from '../../src/agent/layout.ts'
import { planCore } from '../../src/agent/server/plan-core.ts'
import type { CoreService } from '../../src/agent/transaction/core-definition.ts'
import { run } from '../../src/lib/index.ts'
import {
  digestSchema,
  parseManifest,
  type ReleaseManifest,
  releaseIdSchema,
  repositorySchema,
  sha256,
} from '../../src/release/index.ts'
import {
  checkStack,
  containerNames,
  dataServices,
  filesOf,
  formatFinding,
  gateStack,
  instanceName,
  loadStack,
  type Rendered,
  renderApp,
  renderCore,
  type Stack,
  variablesOf,
} from '../../src/stack/index.ts'
import { docker, type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'

const repository = join(import.meta.dirname, '../..')
const shipped = join(repository, 'deployment/production')
const other = join(repository, 'test/fixtures/other-stack')
const NGINX = 'nginxinc/nginx-unprivileged:1.30.4-alpine'
const release = releaseIdSchema.parse('20261124t101500z-abc1234def01')

let lab: Lab
let server: Machine
let scratch: string
let env: Record<string, string>

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pacs-stack-'))
  lab = await startLab({ servers: ['staging'], runner: false })
  server = lab.server('staging')
  // The Compose that servers have, for this machine may have none.
  const plugins = join(scratch, 'docker/cli-plugins')
  await mkdir(plugins, { recursive: true })
  await docker(['cp', `${server.container}:/usr/libexec/docker/cli-plugins/docker-compose`, plugins])
  env = { PATH: process.env.PATH ?? '', HOME: scratch, DOCKER_CONFIG: join(scratch, 'docker') }
})

afterAll(async () => {
  await lab?.down()
  await rm(scratch, { recursive: true, force: true })
})

describe.each([
  ['the shipped stack', shipped],
  ["another team's stack", other],
])('%s', (_name, directory) => {
  test('is fit', async () => {
    const stack = await loadStack({ directory, env })
    expect([...checkStack(stack), ...gateStack(stack).blockers].map(formatFinding)).toEqual([])
    expect([...stack.services.values()].map(({ kind }) => kind)).toEqual(expect.arrayContaining(['app', 'core']))
  })

  test('is rendered into files that Compose takes, with values that no rendered file holds', async () => {
    const stack = await loadStack({ directory, env })
    // What a .env file or a shell would change on the way.
    const values = variablesOf(stack).map(({ name }, index) => [name, `sentinel${index} pa$word $\{HOME} "'#\\`])
    const given = Object.fromEntries(values.map(([name, value]) => [name, name?.endsWith('_DIR') ? '/srv/dir' : value]))
    for (const rendered of [app(stack, '00000000'), core(stack)]) {
      const text = JSON.stringify(rendered.document)
      expect(text).not.toContain('sentinel')
      const file = join(scratch, `${rendered.project}.json`)
      await writeFile(file, text)
      const compose = ['compose', '-f', file, '-p', rendered.project, '--env-file', '/dev/null', 'config']
      expect(await run('docker', [...compose, '-q'], { env: { ...env, ...given } })).toBe('')
      const printed = await run('docker', [...compose, '--format', 'json'], { env: { ...env, ...given } })
      const used = variablesOf(stack).filter(({ name }) => text.includes(`\${${name}`) && !name.endsWith('_DIR'))
      for (const { name } of used)
        expect(printed).toContain(JSON.stringify(given[name]).slice(1, -1).replaceAll('$', '$$$$'))
    }
  })

  test('misses a required variable by name, before anything runs', async () => {
    const stack = await loadStack({ directory, env })
    const [required] = variablesOf(stack).filter((variable) => variable.required && variable.server)
    const file = join(scratch, 'core.json')
    await writeFile(file, JSON.stringify(core(stack).document))
    const config = ['compose', '-f', file, '-p', 'pacs', '--env-file', '/dev/null', 'config', '-q']
    await expect(run('docker', config, { env })).rejects.toThrow(`required variable ${required?.name} is missing`)
  })
})

test('the small stack that Compose writes of the shipped one is fit, keeps its index in SQLite, and asks for nothing of PostgreSQL', async () => {
  const directory = join(scratch, 'small')
  await cp(shipped, directory, { recursive: true })
  const files = ['-f', 'docker-compose.prod.yml', '-f', 'docker-compose.small.yml']
  const flags = ['--env-file', '/dev/null', 'config', '--no-interpolate', '--no-path-resolution']
  const written = await run('docker', ['compose', ...files, ...flags], { env, cwd: directory })
  await writeFile(join(directory, 'docker-compose.prod.yml'), written)
  const stack = await loadStack({ directory, env })
  expect([...checkStack(stack), ...gateStack(stack).blockers].map(formatFinding)).toEqual([])
  const whole = await loadStack({ directory: shipped, env })
  expect([...stack.services.keys(), 'postgres'].toSorted()).toEqual([...whole.services.keys()].toSorted())
  expect(dataServices(stack).get('orthanc')).toEqual({ kind: 'orthanc', volume: 'pacs-orthanc', index: null })
  for (const names of [stack.networks, stack.volumes, stack.secrets])
    for (const name of names.keys()) expect(name).not.toMatch(/postgres|index/)
  expect(stack.services.get('orthanc')).toMatchObject({ dependsOn: [] })
})

describe('what Compose makes of a file', () => {
  test('keeps extends, short syntax and profiles apart from what a release runs', async () => {
    const stack = await loadStack({ directory: other, env })
    expect([...stack.services.keys()].toSorted()).toEqual(['gate', 'ledger', 'notes-api', 'notices', 'pages'])
    expect(stack.services.get('notes-api')).toMatchObject({
      kind: 'app',
      replicas: 2,
      stopGraceMs: 65_000,
      build: { context: '.', dockerfile: 'Dockerfile' },
      dependsOn: ['ledger'],
      pacs: { port: 8000, critical: false, checks: [{ path: '/notes/count', status: 200 }] },
    })
    expect(filesOf(stack, 'ledger')).toEqual({
      files: ['app/ledger.js', 'app/serve.js', 'limits.json'],
      secrets: ['secrets/ledger-token'],
    })
    expect(variablesOf(stack).map(({ name }) => name)).not.toContain('ONLY_FOR_A_PROFILE')
  })

  test.each([
    ['volumes: ["${DIR:-./gate}:/d"]', 'mount', 5],
    ['ports: ["${P:-80}:80"]', 'literal', 5],
    ['ports: ["127.0.0.1:${P:-80}:80"]', 'literal', 5],
    ['env_file: absent.env', 'env_file', 5],
    ['env_file: [{ path: limits.json }]', 'env_file', 5],
    ['deploy: { replicas: "${N:-2}" }', 'literal', 5],
    ['stop_grace_period: "${G:-1s}"', 'literal', 5],
    ['environment: ["A=${B"]', 'interpolation', 5],
    ['depends_on: [page]', 'depends_on', 5],
    ['depends_on: [debug]', 'undeclared', 5],
    ['secrets: [none]', 'undeclared', 5],
    ['networks: [none]', 'undeclared', 5],
    ['volumes: ["none:/n"]', 'undeclared', 5],
    ['volumes: ["/n"]', 'name', 5],
    ['volumes: ["./absent:/n"]', 'path', 5],
    ['volumes: ["../other-stack/limits.json:/n"]', 'path', 5],
    ['x-pacs: { raedy: /x }', 'x-pacs', 5],
  ])('%s is found by rule and line', async (line, rule, at) => {
    const text = `services:
  page: { image: page:1, stop_grace_period: 1s, deploy: { update_config: { order: start-first } }, x-pacs: { port: 1, ready: / } }
  store:
    image: store:1
    ${line}
  debug: { image: x, profiles: [debug] }
networks: { default: { name: n } }
`
    const directory = join(scratch, 'faulty')
    await cp(other, directory, { recursive: true })
    await writeFile(join(directory, 'faulty.yml'), text)
    const findings = checkStack(await loadStack({ directory, file: 'faulty.yml', env }))
    expect(findings).toEqual([expect.objectContaining({ rule, file: 'faulty.yml', line: at, service: 'store' })])
  })

  test.each([
    ['services: { a: { image: x, restrt: always } }', /faulty\.yml is refused by docker compose: .*restrt/],
    ['services: { a: { image: [x] } }', /faulty\.yml is refused by docker compose: .*image/],
  ])('%s is refused in one line', async (text, says) => {
    await writeFile(join(scratch, 'faulty.yml'), text)
    const loading = loadStack({ directory: scratch, file: 'faulty.yml', env })
    await expect(loading).rejects.toMatchObject({ kind: 'bad-input', message: expect.stringMatching(says) })
    await expect(loading).rejects.not.toThrow('\n')
  })
})

describe('on an engine', () => {
  const instances = [instanceName(release, '11111111'), instanceName(release, '22222222')]
  const given = { LEDGER_START: '41', PACS_TRAEFIK_DIR: '/srv/ward/dynamic' }
  let images: ReleaseManifest['images']
  let stack: Stack

  beforeAll(async () => {
    stack = await loadStack({ directory: other, env })
    await docker(['cp', other, `${server.container}:/srv/ward`])
    await server.copyIn(Buffer.from('a-token\n'), '/srv/ward/secrets/ledger-token', 0o444)
    await server.run(['mkdir', '-p', given.PACS_TRAEFIK_DIR])
    await server.run(['docker', 'build', '-q', '-t', 'node-of-ward', '/srv/ward'])
    await server.run(['docker', 'pull', '-q', 'traefik:v3.7.15'])
    await server.run(['docker', 'pull', '-q', NGINX])
    const gate = await push('traefik:v3.7.15', 'gate')
    const notices = await push(NGINX, 'notices')
    const node = await push('node-of-ward', 'node')
    images = { gate, notices, pages: node, 'notes-api': node, ledger: node }
    await up(renderCore(stack, { images, mountDirectory: () => '/srv/ward' }))
    for (const instance of instances) await up(appOf(instance))
  })

  test('containers have the names that were told before', async () => {
    const running = (await server.run(['docker', 'ps', '--format', '{{.Names}}'])).split('\n').toSorted()
    const told = [renderCore(stack, { images, mountDirectory: () => '/srv/ward' }), ...instances.map(appOf)].flatMap(
      (rendered) => rendered.services.flatMap(({ service }) => [...containerNames(rendered, service)]),
    )
    expect(running).toEqual(told.toSorted())
    expect(told).toHaveLength(3 + 2 * 3)
  })

  test('a plain name leads to the own instance only, and no core service knows it', async () => {
    const pages = await Promise.all(instances.map((instance) => addressesSeen(instance, 'pages')))
    const notes = await Promise.all(instances.map((instance) => addressesSeen(instance, 'notes')))
    expect(pages.map(({ length }) => length)).toEqual([1, 1])
    expect(notes.map(({ length }) => length)).toEqual([2, 2])
    expect(new Set([...pages.flat(), ...notes.flat()]).size).toBe(6)
    expect(await lookUp('pacs-ledger-1', 'notes-api')).toEqual(['ENOTFOUND'])
    for (const name of instances.flatMap((instance) => containerNames(appOf(instance), 'notes-api'))) {
      expect(await lookUp('pacs-ledger-1', name)).toEqual([expect.stringMatching(/^\d/)])
    }
  })

  test('an app service reaches the core with its secret, and both mount their files', async () => {
    const [first = ''] = containerNames(appOf(instances[0] ?? ''), 'notes-api')
    const ask = "fetch('http://127.0.0.1:8000/notes/count').then((r) => r.text()).then(console.log)"
    await waitFor(
      'the notes to be counted',
      async () => (await server.run(['docker', 'exec', first, 'node', '-e', ask])) === '{"count":41}',
      30_000,
    )
    const limits = (await readFile(join(other, 'limits.json'), 'utf8')).trim()
    expect(await server.run(['docker', 'exec', first, 'cat', '/etc/limits.json'])).toBe(limits)
    expect(await server.run(['docker', 'exec', 'pacs-ledger-1', 'cat', '/limits'])).toBe(limits)
  })

  test('a core service is planned to write where its container writes', async () => {
    const mounts = '{{range .Mounts}}{{if .RW}}{{or .Name .Source}} {{end}}{{end}}'
    const planned = await plannedCore(stack)
    expect(planned.flatMap(({ writes }) => writes)).toContain('ward-ledger')
    for (const { container, writes } of planned) {
      const seen = await server.run(['docker', 'inspect', '--format', mounts, container])
      expect(seen.split(' ').filter(Boolean).toSorted()).toEqual(writes.toSorted())
    }
  })

  test('the networks of the edge are known as the engine names them', async () => {
    const planned = await plannedCore(stack)
    expect(planned.flatMap(({ edge }) => edge ?? [])).toEqual(['ward-front'])
  })

  test('an instance goes with its own networks, and leaves core, shared networks, volumes and the other one', async () => {
    const list = (kind: string, format: string) =>
      server.run(['docker', kind, 'ls', '--format', format]).then((text) => text.split('\n'))
    const gone = appOf(instances[0] ?? '')
    await server.run(['docker', 'compose', '-p', gone.project, 'down'])
    const networks = await list('network', '{{.Name}}')
    const kept = appOf(instances[1] ?? '')
    const own = (rendered: Rendered) => [rendered.project, `ward-inner-${rendered.project.slice('pacs-'.length)}`]
    expect(networks).toEqual(expect.arrayContaining(['ward-front', 'ward-store', ...own(kept)]))
    expect(networks.filter((name) => own(gone).includes(name))).toEqual([])
    expect(await list('volume', '{{.Name}}')).toEqual(expect.arrayContaining(['ward-ledger', 'ward-exports']))
    const running = await list('container', '{{.Names}}')
    expect(running).toEqual(expect.arrayContaining(['pacs-ledger-1', ...containerNames(kept, 'pages')]))
  })

  function appOf(instance: string): Rendered {
    return renderApp(stack, { instance, release, images, stackDirectory: '/srv/ward', configDirectory: '/srv/ward' })
  }

  /** Puts an image into the lab's registry as a release does, and names it by digest. */
  async function push(image: string, name: string): Promise<ReleaseManifest['images'][string]> {
    const ref = `${lab.registry.address}/ward/${name}`
    await server.run(['docker', 'tag', image, `${ref}:1`])
    const said = await server.run(['docker', 'push', `${ref}:1`])
    const digest = digestSchema.parse(/digest: (sha256:[0-9a-f]{64})/.exec(said)?.[1])
    return { ref: repositorySchema.parse(ref), digest, config: digest, platform: 'linux/amd64', verdict: null }
  }

  async function up({ project, document, services }: Rendered): Promise<void> {
    const file = `/srv/${project}.json`
    await server.copyIn(Buffer.from(JSON.stringify(document)), file)
    const compose = ['docker', 'compose', '-f', file, '-p', project, '--env-file', '/dev/null']
    await server.run([...compose, 'create', '--no-build'], { env: given })
    await server.run(['docker', 'start', ...services.flatMap(({ containers }) => containers)])
  }

  /** The addresses that a container of an instance finds behind a name. */
  async function addressesSeen(instance: string, name: string): Promise<string[]> {
    const [first = ''] = containerNames(appOf(instance), 'notes-api')
    return lookUp(first, name)
  }

  async function lookUp(container: string, name: string): Promise<string[]> {
    const script = `require('dns').lookup('${name}', { all: true }, (error, found) => console.log(JSON.stringify(error ? [error.code] : found.map(({ address }) => address))))`
    const said = await server.run(['docker', 'exec', container, 'node', '-e', script])
    return z.array(z.string()).parse(JSON.parse(said))
  }
})

/** The core of a stack as an agent plans it. */
async function plannedCore(stack: Stack): Promise<CoreService[]> {
  const directory = await mkdtemp(join(scratch, 'release-'))
  const paths = layout(directory, directory)
  const config = { revision: '11111111', directory: join(directory, 'config'), env: {}, certificate: null }
  await cp(stack.directory, join(directory, 'stack'), { recursive: true })
  for (const service of stack.services.keys()) {
    for (const secret of filesOf(stack, service).secrets) {
      await mkdir(dirname(join(config.directory, secret)), { recursive: true })
      await writeFile(join(config.directory, secret), 'a-token')
    }
  }
  const manifest = parseManifest(
    'test',
    JSON.stringify({
      ...{
        schema: 1,
        id: release,
        commit: 'abc1234def01'.padEnd(40, '0'),
        repository: 'org/pacs',
        actor: 'jane',
        run: '',
      },
      ...{ created: '2026-11-24T10:15:00.000Z', images: someImages(stack), migrations: [], stack: sha256('stack') },
      agent: { version: '0.1.0', sha256: sha256('agent') },
    }),
  )
  const resolve = (_document: string, _config: unknown, { file }: { file: string }) =>
    run('docker', ['compose', '-p', 'pacs', '-f', file, '--env-file', '/dev/null', 'config', '--format', 'json'], {
      env: { ...env, LEDGER_START: '41', PACS_TRAEFIK_DIR: paths.traefik },
    })
  return planCore(stack, { id: release, reference: '', manifest, directory }, config, paths, resolve)
}

/** Images as a release names them, where none is run. */
function someImages(stack: Stack): ReleaseManifest['images'] {
  const names = [...stack.services.keys()]
  const image = (name: string) => ({
    ref: repositorySchema.parse(`registry.example/pacs/${name}`),
    digest: sha256(name),
    config: sha256(name),
    platform: 'linux/amd64',
    verdict: null,
  })
  return Object.fromEntries(names.map((name) => [name, image(name)]))
}

function app(stack: Stack, revision: string): Rendered {
  const instance = instanceName(release, revision)
  const directories = { stackDirectory: stack.directory, configDirectory: '/srv/config' }
  return renderApp(stack, { instance, release, images: someImages(stack), ...directories })
}

function core(stack: Stack): Rendered {
  return renderCore(stack, { images: someImages(stack), mountDirectory: (service) => `/srv/stack/${service}` })
}
