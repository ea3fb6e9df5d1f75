// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} is Compose's here
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { checkStack, formatFinding } from '../../../src/stack/index.ts'
import { sourcesOf } from '../../../src/stack/sources.ts'
import { FIT, stackFrom } from './stack-from.ts'

test('a fit stack has no finding', () => {
  expect(checkStack(stackFrom(FIT)).map(formatFinding)).toEqual([])
})

/** [rule, what is changed (a path of keys and the new value; undefined takes the key away), what the message must say] */
const faults: [string, string, unknown, RegExp][] = [
  ['literal', 'services.api.deploy.replicas', '${N:-2}', /replicas is "\$\{N:-2\}": write the value itself/],
  ['literal', 'services.api.deploy.replicas', 'many', /whole number/],
  ['literal', 'services.api.stop_grace_period', '$G', /stop_grace_period/],
  ['literal', 'services.api.stop_grace_period', 'soon', /a duration like 30s/],
  ['literal', 'services.api.healthcheck.interval', '${I}', /healthcheck.interval/],
  ['literal', 'services.api.deploy.resources.limits.memory', '${M}', /resources.limits.memory/],
  ['literal', 'services.api.deploy.update_config.parallelism', '${P}', /update_config.parallelism/],
  ['literal', 'services.store.mem_limit', '${M}', /mem_limit/],
  ['literal', 'services.store.mem_limit', 'lots', /mem_limit is "lots": write a size like 512M/],
  ['literal', 'services.api.deploy.resources.limits.memory', '5ib', /limits.memory is "5ib": write a size like 512M/],
  ['literal', 'services.api.deploy.resources.limits.memory', '-64M', /limits.memory is "-64M": write a size/],
  ['literal', 'services.store.ulimits', { nofile: { soft: '${S}', hard: 1 } }, /ulimits.nofile.soft/],
  ['literal', 'services.store.ports', [{ target: 1, published: '${P}' }], /ports.0.published/],
  ['literal', 'services.store.ports', ['127.0.0.1:${P:-80}:80'], /write it as \{ target/],
  ['literal', 'services.api.x-pacs.port', '${P}', /x-pacs.port is "\$\{P\}"/],
  ['literal', 'services.page.x-pacs.route', 'Host(`${H}`)', /x-pacs.route/],
  ['literal', 'volumes.store.name', '${NAME}', /name/],
  ['interpolation', 'services.api.environment.TOKEN', '${TOKEN', /"\$\{TOKEN" is no variable/],
  ['env_file', 'services.api.env_file', [{ path: '.env' }], /under environment instead/],
  [
    'x-pacs',
    'services.api.x-pacs.routes',
    [{ route: 'Path(`/a`)', middlewares: [] }],
    /must be longer than x-pacs.route/,
  ],
  ['x-pacs', 'services.api.x-pacs.raedy', '/ready', /no key "raedy"; did you mean ready\?/],
  [
    'x-pacs',
    'services.api.x-pacs.metrics.inflight',
    'x',
    /x-pacs.metrics has no key "inflight"; did you mean in-flight\?/,
  ],
  [
    'x-pacs',
    'services.api.x-pacs.checks',
    [{ path: '/', code: 1 }],
    /x-pacs.checks.0 has no key "code"; did you mean path\?/,
  ],
  ['x-pacs', 'services.api.x-pacs.ready', 'ready', /x-pacs.ready: must be a path/],
  ['x-pacs', 'services.api.x-pacs.reload', 'SIGHUP', /for core services/],
  ['x-pacs', 'services.store.x-pacs', { reload: 'SIGHUP' }, /needs a mounted folder of the stack.*stays the old one/],
  ['x-pacs', 'services.store.x-pacs', { route: 'Path(`/`)' }, /for start-first services/],
  ['start-first', 'services.api.x-pacs.ready', undefined, /needs x-pacs.ready/],
  ['start-first', 'services.api.x-pacs.port', undefined, /needs x-pacs.port/],
  ['start-first', 'services.api.container_name', 'api', /container_name.*no reason can allow it/],
  [
    'start-first',
    'services.api.ports',
    [{ target: 3000, published: '3000' }],
    /cannot publish one port.*no reason can allow it/,
  ],
  ['start-first', 'services.api.stop_grace_period', undefined, /needs stop_grace_period/],
  ['start-first', 'services.api.network_mode', 'host', /network_mode/],
  ['start-first', 'services.api.links', ['store'], /links/],
  ['start-first', 'services.api.pid', 'service:store', /pid of another container/],
  ['start-first', 'services.api.networks.data', { aliases: ['a'] }, /aliases on data/],
  ['start-first', 'services.api.networks.front', { ipv4_address: '10.0.0.9' }, /fixed address/],
  ['image', 'services.page.image', undefined, /neither image nor build/],
  ['route', 'services.page.x-pacs.route', 'PathPrefix( `/api` )', /is that of api too/],
  ['x-pacs', 'services.api.x-pacs.middlewares', ['secure'], /no middleware secure in a file that x-pacs\.edge/],
  ['x-pacs', 'services.store.x-pacs', { edge: 'absent.yml' }, /absent\.yml cannot be read: ENOENT/],
  ['x-pacs', 'services.store.x-pacs', { edge: 'base.yml' }, /base\.yml is no policy of the edge.*http/],
  ['x-pacs', 'services.store.x-pacs', { edge: 'gate/policies/chain.yml' }, /is a chain or an error page/],
  ['x-pacs', 'services.store.x-pacs', { edge: 'gate/policies/instance.yml' }, /"instance" is the one that says which/],
  ['x-pacs', 'services.store.x-pacs', { edge: '../other.yml' }, /must be the path of a YAML file/],
  ['x-pacs', 'services.store.x-pacs', { edge: 'gate/../../other.yml' }, /leaves the stack's directory/],
  ['x-pacs', 'services.page.x-pacs.edge', 'gate/policies/chain.yml', /for the core service that is the edge/],
  ['x-pacs', 'services.store.x-pacs', { middlewares: ['secure'] }, /x-pacs\.middlewares is for start-first/],
  ['network', 'services.page.networks', { own: null }, /no network with a core service/],
  ['depends_on', 'services.store.depends_on', { api: { condition: 'service_started' } }, /core services start before/],
  ['undeclared', 'services.store.depends_on', { nobody: { condition: 'service_started' } }, /no service of the stack/],
  ['undeclared', 'services.store.networks.nowhere', null, /nowhere, which networks/],
  ['undeclared', 'services.store.secrets', [{ source: 'other' }], /other, which secrets/],
  ['undeclared', 'services.store.configs', [{ source: 'other' }], /other, which configs/],
  ['undeclared', 'services.store.volumes', [{ type: 'volume', source: 'other', target: '/o' }], /other, which volumes/],
  ['external', 'networks.data.external', true, /makes all that a stack needs/],
  ['external', 'volumes.store', { external: true, name: 'x' }, /external/],
  ['name', 'volumes.store', null, /add name: pacs-store/],
  ['name', 'networks.data', {}, /add name: pacs-data/],
  ['name', 'services.store.volumes', [{ type: 'volume', target: '/o' }], /lost with its container/],
  ['secret', 'secrets.password.file', './password', /outside \.\/secrets/],
  ['secret', 'secrets.password.file', './secrets/../password', /outside \.\/secrets/],
  ['secret', 'secrets.password.file', '/etc/password', /outside \.\/secrets/],
  ['path', 'services.store.volumes', [{ type: 'bind', source: './absent.yml', target: '/a' }], /does not exist/],
  ['path', 'services.store.volumes', [{ type: 'bind', source: '../check.test.ts', target: '/a' }], /leaves the stack/],
  ['path', 'services.store.volumes', [{ type: 'bind', source: './conf/${E}.yml', target: '/a' }], /holds a variable/],
  ['path', 'services.store.volumes', [{ type: 'bind', source: '${D:-../x}', target: '/a' }], /leaves the stack/],
  ['path', 'services.store.volumes', [{ type: 'bind', source: '~/x', target: '/a' }], /home directory/],
  ['path', 'services.store.volumes', [{ type: 'bind', source: '.', target: '/a' }], /whole stack directory/],
]

describe('a fault is found:', () => {
  test.each(faults)('%s at %s = %j', (rule, at, value, says) => {
    const findings = checkStack(stackFrom(changed(at, value)))
    const found = findings.filter((finding) => finding.rule === rule && says.test(finding.message))
    expect(found, findings.map(formatFinding).join('\n')).toHaveLength(1)
    const [kind, name] = at.split('.')
    if (kind === 'services' && found[0]?.service !== null) expect(found[0]?.service).toBe(name)
  })
})

test('a mount in short syntax with a variable is seen in the source, since Compose cuts it to pieces', () => {
  const short = changed('services.edge.volumes', ['${EDGE_DIR:-./gate}:/etc/dynamic'])
  const sources = sourcesOf(new Map([['compose.yml', short]]))
  const findings = checkStack({ ...stackFrom(FIT), sources })
  expect(findings).toMatchObject([{ rule: 'mount', service: 'edge' }])
  expect(findings[0]?.message).toContain('write it as { type: bind, source: …, target: … }')
})

describe('a service that is asked through Traefik', () => {
  const checks = [{ path: '/' }]
  const page = { 'x-pacs': { port: 8080, route: 'PathPrefix(`/`)', ready: '/healthz', checks } }
  const of = (edge: object, change: object = {}) => {
    const { services, ...rest } = Object(parse(FIT))
    const [given, data] = [{ ...services.page, ...page, ...change }, { networks: { data: null } }]
    return stackFrom(stringify({ ...rest, services: { ...services, page: { ...given, ...data }, edge } }))
  }
  const front = { image: 'traefik:v3', networks: { front: null } }
  const routes = { volumes: [{ type: 'bind', source: '${PACS_TRAEFIK_DIR:-./gate}', target: '/etc/dynamic' }] }
  const says =
    /^compose\.yml:\d+: page: has x-pacs\.route, but no network with edge, the edge: .* list front under networks/

  test.each([
    ['names its middlewares', { ...front, 'x-pacs': { edge: 'gate/traefik.yml' } }],
    ['mounts the routes', { ...front, ...routes }],
  ])('must share a network with the core service that %s', (_how, edge) => {
    expect(
      checkStack(of(edge))
        .filter(({ rule }) => rule === 'network')
        .map(formatFinding),
    ).toEqual([expect.stringMatching(says)])
    const reached = { ...edge, networks: { data: null } }
    expect(checkStack(of(reached)).filter(({ rule }) => rule === 'network')).toEqual([])
  })

  test('shares one also under another key of the same name', () => {
    const { networks, services, ...rest } = Object(parse(FIT))
    const given = { ...services.page, ...page, networks: { data: null } }
    const edge = { ...front, ...routes, networks: { other: null } }
    const more = { ...networks, other: { name: 'ward-data' } }
    const text = stringify({ ...rest, networks: more, services: { ...services, page: given, edge } })
    expect(checkStack(stackFrom(text)).map(formatFinding)).toEqual([])
  })

  test.each([
    [
      'the edge has the network of another container',
      { ...routes, image: 'traefik:v3', network_mode: 'service:store' },
      {},
    ],
    [
      'nothing asks, as in releases that serve from before',
      { ...front, ...routes },
      { 'x-pacs': { ...page['x-pacs'], checks: [] } },
    ],
  ])('need share none that can be known where %s', (_why, edge, change) => {
    expect(checkStack(of(edge, change)).filter(({ rule }) => rule === 'network')).toEqual([])
  })
})

test('an env_file of an include is found', () => {
  const text = `${FIT}include:\n  - a.yml\n  - { path: b.yml, env_file: b.env }\n`
  expect(checkStack(stackFrom(text))).toMatchObject([{ rule: 'env_file', service: null, line: 44 }])
})

test('a network that two kinds of service share without declaring it is found', () => {
  const text = FIT.replaceAll(/ {4}networks: \{ front: null \}\n/g, '')
  expect(checkStack(stackFrom(text)).map(formatFinding)).toEqual([
    expect.stringMatching(/^compose\.yml:24: page: shares Compose's default network with edge/),
  ])
})

test('a stack without start-first service has nothing to deploy', () => {
  const text = 'services: { a: { image: a:1 } }\nnetworks: { default: { name: n } }'
  expect(checkStack(stackFrom(text))).toMatchObject([{ rule: 'app', service: null, line: 1 }])
})

test('a fixed subnet of a network that each instance has for itself is found', () => {
  const text = changed('services.page.networks', { front: null, own: null })
  const subnet = 'networks:\n  own: { name: own, ipam: { config: [{ subnet: 10.1.0.0/24 }] } }\n'
  expect(checkStack(stackFrom(text.replace('networks:\n  data:', `${subnet}  data:`)))).toMatchObject([
    { rule: 'start-first', service: null, message: expect.stringContaining('fixed subnet') },
  ])
})

test('services of profiles are none of a release', () => {
  const stack = stackFrom(changed('services.debug', { image: 'x', profiles: ['debug'], env_file: 'x' }))
  expect([...stack.services.keys()]).not.toContain('debug')
  expect(checkStack(stack)).toEqual([])
})

test('findings name file and line and come in the order of the file', () => {
  const text = `services:
  api:
    image: api
    deploy:
      replicas: \${N}
      update_config: { order: start-first }
    stop_grace_period: 1s
    networks: [front]
    x-pacs:
      port: 80
      raedy: /ready
`
  const findings = checkStack(stackFrom(text.replace('[front]', '{ front: null }')))
  expect(findings.map(({ rule, line }) => [rule, line])).toEqual([
    ['literal', 5],
    ['undeclared', 8],
    ['start-first', 9],
    ['x-pacs', 11],
  ])
  expect(formatFinding(findings[0] ?? expect.fail('none'))).toBe(
    'compose.yml:5: api: deploy.replicas is "${N}": write the value itself here, no variable',
  )
})

function changed(at: string, value: unknown): string {
  const document: unknown = parse(FIT)
  const keys = at.split('.')
  let map = document
  for (const key of keys.slice(0, -1)) {
    const inner: unknown = Reflect.get(Object(map), key)
    if (inner === undefined || inner === null) Reflect.set(Object(map), key, {})
    map = Reflect.get(Object(map), key)
  }
  if (value === undefined) Reflect.deleteProperty(Object(map), keys.at(-1) ?? '')
  else Reflect.set(Object(map), keys.at(-1) ?? '', value)
  return stringify(document)
}
