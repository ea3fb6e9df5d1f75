// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} is Compose's here
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import {
  checkStack,
  formatFinding,
  GATE_RULE_IDS,
  GATE_RULES,
  type GateRuleId,
  gateStack,
} from '../../../src/stack/index.ts'
import { stackFrom } from './stack-from.ts'

const HARDENED = {
  image: 'store:1.2',
  user: '1000:1000',
  restart: 'unless-stopped',
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  logging: { driver: 'json-file', options: { 'max-size': '10m' } },
  healthcheck: { test: ['CMD', 'true'] },
  deploy: { resources: { limits: { memory: '64M', cpus: '0.5', pids: 64 } } },
}

/** Volumes and configs that a service can mount: some are a folder of the machine in other words. */
const DECLARED = {
  volumes: {
    own: null,
    share: { driver_opts: { type: 'nfs', o: 'addr=10.0.0.5,rw', device: ':/etc' } },
    records: { driver_opts: { type: 'none', o: 'bind', device: '/srv/records' } },
    run: { driver_opts: { type: 'none', o: 'bind', device: '/var/run' } },
    cron: { driver_opts: { type: 'none', o: 'rw,rbind', device: '/etc/cron.d/' } },
    given: { driver_opts: { type: 'none', o: 'bind', device: '${FOLDER:-/srv/records}' } },
    perhaps: { driver_opts: { type: 'none', o: '${HOW}', device: '/srv/records' } },
  },
  configs: { socket: { file: '/var/run/docker.sock' }, limits: { file: './limits.json' } },
}

/** A stack of one hardened service with `changes`; a key that is undefined is taken away. */
function stackWith(changes: Readonly<Record<string, unknown>>) {
  return stackFrom(stringify({ services: { store: { ...HARDENED, ...changes } }, ...DECLARED }))
}

/** [rule, what is changed, what the message must say] */
const breaches: [GateRuleId, Record<string, unknown>, RegExp][] = [
  ['privileged', { privileged: true }, /cap_add.*root on the machine/],
  ['privileged', { privileged: '${P}' }, /cap_add/],
  ['docker-socket', { volumes: [bind('/var/run/docker.sock')] }, /mounts \/var\/run\/docker.sock/],
  ['docker-socket', { volumes: [bind('/run/containerd/containerd.sock')] }, /containerd.sock/],
  ['docker-socket', { volumes: [bind('/var/run')] }, /mounts \/var\/run/],
  ['docker-socket', { volumes: [bind('/')] }, /mounts \//],
  ['docker-socket', { volumes: [bind('//run/../var/run/.')] }, /mounts \/\/run/],
  ['docker-socket', { volumes: [bind('${DIR:-/run}')] }, /mounts \$\{DIR:-\/run\}/],
  ['docker-socket', { volumes: [volume('run')] }, /mounts \/var\/run by volume run, through which/],
  ['docker-socket', { volumes: [{ ...volume('run'), read_only: true }] }, /mounts \/var\/run/],
  ['docker-socket', { volumes: [volume('given')] }, /volume given is \$\{FOLDER:-\/srv\/records\}: write it literally/],
  ['docker-socket', { volumes: [volume('perhaps')] }, /volume perhaps is \$\{HOW\}: write it literally/],
  ['docker-socket', { configs: [{ source: 'socket' }] }, /mounts \/var\/run\/docker.sock by config socket/],
  ['docker-socket', { use_api_socket: true }, /use_api_socket: leave it out/],
  ['host-namespace', { network_mode: 'host' }, /network_mode: host/],
  ['host-namespace', { pid: 'host' }, /pid: host/],
  ['host-namespace', { ipc: 'host' }, /ipc: host/],
  ['host-namespace', { uts: 'host' }, /uts: host/],
  ['host-namespace', { userns_mode: 'host' }, /userns_mode: host/],
  ['host-namespace', { cgroup: 'host' }, /cgroup: host/],
  ['host-namespace', { pid: '${PID:-host}' }, /pid is \$\{PID:-host\}: write it literally/],
  ['host-namespace', { ipc: '${IPC}' }, /ipc is \$\{IPC\}: write it literally/],
  ['host-device', { devices: ['/dev/sda:/dev/sda'] }, /devices: \/dev\/sda/],
  ['host-device', { devices: [{ source: '/dev/kvm', target: '/dev/kvm' }] }, /devices: \/dev\/kvm/],
  ['host-device', { device_cgroup_rules: ['c 1:3 mr'] }, /device_cgroup_rules: c 1:3 mr/],
  ['host-folder', { volumes: [bind('/etc')] }, /mounts \/etc, .*read_only: true/],
  ['host-folder', { volumes: [bind('/etc/cron.d')] }, /mounts \/etc\/cron.d/],
  ['host-folder', { volumes: [bind('/srv/../usr/local/bin')] }, /mounts \/srv/],
  ['host-folder', { volumes: [bind('${DIR:-/root}/.ssh')] }, /mounts \$\{DIR/],
  ['host-folder', { volumes: [volume('cron')] }, /mounts \/etc\/cron.d\/ by volume cron, .*read_only: true/],
  ['added-capability', { cap_add: ['NET_ADMIN', 'SYS_TIME'] }, /NET_ADMIN, SYS_TIME/],
  ['new-privileges', { security_opt: undefined }, /no-new-privileges:true/],
  ['new-privileges', { security_opt: ['no-new-privileges:false'] }, /no-new-privileges:true/],
  ['new-privileges', { security_opt: ['no-new-privileges:true', 'no-new-privileges:false'] }, /no-new-privileges:true/],
  ['unconfined', { security_opt: ['no-new-privileges:true', 'seccomp:unconfined'] }, /seccomp:unconfined/],
  ['unconfined', { security_opt: ['no-new-privileges:true', 'apparmor=unconfined'] }, /apparmor=unconfined/],
  ['unconfined', { security_opt: ['no-new-privileges:true', 'label=disable'] }, /label=disable/],
  ['unconfined', { security_opt: ['no-new-privileges:true', 'seccomp=${PROFILE:-unconfined}'] }, /PROFILE/],
  ['writable-root', { read_only: undefined }, /read_only: true/],
  ['writable-root', { read_only: false }, /tmpfs/],
  ['root-user', { user: undefined }, /UID:GID/],
  ['root-user', { user: '0' }, /runs as 0/],
  ['root-user', { user: 'root:1000' }, /runs as root:1000/],
  ['root-user', { user: '+0' }, /runs as \+0/],
  ['root-user', { user: ':1000' }, /runs as :1000/],
  ['root-user', { user: '' }, /runs as root/],
  ['root-user', { user: '${UID}' }, /literally/],
  ['data-port', { ports: [{ target: 27017, published: '27017' }] }, /publishes 27017 beyond this machine/],
  ['data-port', { ports: [{ target: 6379, published: '1', host_ip: '10.0.0.5' }] }, /127.0.0.1:6379:6379/],
  ['plain-secret', { environment: { DB_PASSWORD: '${PW}' } }, /DB_PASSWORD_FILE/],
  ['plain-secret', { environment: ['API_KEY=abc'] }, /API_KEY is a secret/],
  ['plain-secret', { environment: { PGPASSWORD: 'abc' } }, /PGPASSWORD is a secret/],
  ['plain-secret', { environment: { MYSQL_PWD: 'abc' } }, /MYSQL_PWD is a secret/],
  ['plain-secret', { environment: { REDISCLI_AUTH: 'abc' } }, /REDISCLI_AUTH is a secret/],
  ['plain-secret', { environment: { KEY_PASSPHRASE: 'abc' } }, /KEY_PASSPHRASE is a secret/],
  ['plain-secret', { environment: { URL: 'mongodb://app:${PW}@db/pacs' } }, /URL is a secret/],
  ['limits', { deploy: {} }, /no limit of memory, cpus, pids/],
  ['limits', { deploy: { resources: { limits: { memory: '64M' } } } }, /no limit of cpus, pids/],
  ['limits', { deploy: { resources: { limits: { memory: '64M', cpus: '0', pids: -1 } } } }, /no limit of cpus, pids/],
  ['limits', { deploy: {}, mem_limit: '0', cpus: 0.5, pids_limit: 0 }, /no limit of memory, pids/],
  ['health-check', { healthcheck: { disable: true } }, /write a healthcheck/],
  ['log-rotation', { logging: undefined }, /driver: journald .*max-size/],
  ['log-rotation', { logging: { driver: 'json-file', options: { tag: 'page' } } }, /max-size/],
  ['log-rotation', { logging: { driver: '${LOG_DRIVER:-journald}' } }, /write it literally/],
  ['log-rotation', { logging: { driver: 'json-file', options: { 'max-size': '-1' } } }, /max-size/],
  ['public-check', routed(), /x-pacs.route and no x-pacs.checks: .*checks: \[\{ path: \/, status: 200 \}\]/],
  ['restart', { restart: undefined }, /has no restart: write restart: unless-stopped/],
  ['restart', { restart: 'no' }, /restart is no: write/],
  // After a clean stop, as at a shutdown, the engine does not start it.
  ['restart', { restart: 'on-failure:3' }, /restart is on-failure:3: write/],
  ['restart', { restart: '${RESTART:-always}' }, /restart is \$\{RESTART:-always\}: write/],
  [
    'restart',
    { deploy: { ...HARDENED.deploy, restart_policy: { condition: 'none' } } },
    /deploy.restart_policy.*is none/,
  ],
  ['restart', { deploy: { ...HARDENED.deploy, restart_policy: { delay: '5s' } } }, /restart_policy.*has no condition/],
  ['moving-tag', { image: 'page' }, /no tag: name an exact version/],
  ['moving-tag', { image: 'registry:5000/page' }, /no tag/],
  ['moving-tag', { image: 'page:latest' }, /whatever is newest/],
  ['moving-tag', { image: 'page:${V:-latest}' }, /whatever is newest/],
]

/** What makes of the store an app service to which Traefik leads. */
function routed(pacs: object = {}) {
  return {
    deploy: { ...HARDENED.deploy, update_config: { order: 'start-first' } },
    'x-pacs': { port: 3000, ready: '/ready', route: 'PathPrefix(`/`)', ...pacs },
  }
}

function bind(source: string) {
  return { type: 'bind', source, target: '/inside' }
}

function volume(source: string) {
  return { type: 'volume', source, target: '/inside' }
}

test('a hardened service passes', () => {
  expect(gateStack(stackWith({}))).toEqual({ blockers: [], allowed: [] })
})

test('what is as safe in other words passes', () => {
  const stack = stackWith({
    privileged: false,
    security_opt: ['apparmor:pacs', 'no-new-privileges'],
    logging: { driver: 'journald' },
    mem_limit: '64M',
    cpus: 0.5,
    pids_limit: 10,
    deploy: undefined,
    ports: [
      { target: 27017, published: '27017', host_ip: '127.0.0.1' },
      { target: 4242, published: '4242' },
    ],
    environment: { PASSWORD_FILE: '/run/secrets/password', TOKEN: '', PWD: '/app', URL: 'mongodb://db:27017/pacs' },
    volumes: [
      bind('./run'),
      bind('/srv/etc'),
      { ...bind('/etc/localtime'), read_only: true },
      bind('${DIR:-./run}'),
      { type: 'volume', source: 'own', target: '/var/run' },
      volume('share'),
      volume('records'),
      { ...volume('cron'), read_only: true },
    ],
    configs: [{ source: 'limits' }],
    use_api_socket: false,
  })
  expect(gateStack(stack).blockers.map(formatFinding)).toEqual([])
})

test.each([
  { restart: 'always' },
  { restart: 'no', deploy: { ...HARDENED.deploy, restart_policy: { condition: 'any' } } },
  // The agent starts what serves.
  { ...routed({ route: undefined }), restart: undefined },
])('a service passes that comes back after a reboot: %j', (change) => {
  expect(gateStack(stackWith(change)).blockers).toEqual([])
})

test('a service passes that is asked through Traefik, and one to which nothing leads', () => {
  const asked = routed({ checks: [{ path: '/' }] })
  for (const change of [asked, routed({ route: undefined })]) expect(gateStack(stackWith(change)).blockers).toEqual([])
})

describe('a breach', () => {
  test.each(breaches)('%s by %j is refused with its place', (rule, change, says) => {
    const { blockers } = gateStack(stackWith(change))
    expect(blockers).toEqual([
      { rule, service: 'store', message: expect.stringMatching(says), file: 'compose.yml', line: expect.any(Number) },
    ])
  })

  test.each(breaches)('%s by %j is allowed with a reason, and then told apart', (rule, change) => {
    const because = 'the vendor needs it until its version 3'
    const stack = stackWith({ ...change, 'x-pacs': { ...Object(change['x-pacs']), allow: { [rule]: because } } })
    expect(gateStack(stack)).toEqual({ blockers: [], allowed: [expect.objectContaining({ rule, because })] })
    expect(checkStack(stack).filter((finding) => finding.rule === 'x-pacs')).toEqual([])
  })

  test('has a case here for every rule', () => {
    expect(new Set(breaches.map(([rule]) => rule))).toEqual(new Set(GATE_RULE_IDS))
  })

  test('is said on its own line', () => {
    const text = stringify({ services: { store: { ...HARDENED, cap_add: ['SYS_TIME'] } } })
    const line = text.split('\n').findIndex((one) => one.includes('cap_add')) + 1
    expect(gateStack(stackFrom(text)).blockers[0]?.line).toBe(line)
  })
})

describe('an allowance', () => {
  test('that nothing needs is refused', () => {
    const { blockers } = gateStack(stackWith({ 'x-pacs': { allow: { privileged: 'it was needed once' } } }))
    expect(blockers.map(formatFinding)).toEqual([
      expect.stringMatching(/store: x-pacs.allow.privileged allows what is not there/),
    ])
  })

  test('that only a pull request brings does not count; what the default branch allows does, as long as both do', () => {
    const changed = (allow: Record<string, string>) => {
      return stackWith({ cap_add: ['SYS_TIME'], privileged: true, 'x-pacs': { allow } })
    }
    const [capability, privileged] = [{ 'added-capability': 'sets the clock' }, { privileged: 'sets the clock' }]
    const pull = changed({ ...capability, ...privileged })
    const judged = gateStack(pull, changed(capability))
    expect(judged.allowed).toMatchObject([{ rule: 'added-capability', because: 'sets the clock' }])
    expect(judged.blockers).toMatchObject([
      {
        rule: 'privileged',
        message: expect.stringMatching(
          /; that this pull request allows it does not count, since the default branch does not: /,
        ),
      },
    ])
    const nothing = expect.stringMatching(
      /does not count, since the default branch has no Compose file that can be read/,
    )
    expect(gateStack(pull, null).blockers).toMatchObject([
      { rule: 'added-capability', message: nothing },
      { rule: 'privileged', message: nothing },
    ])
    // What it takes out is taken out.
    expect(gateStack(changed(privileged), pull).blockers.map(({ rule }) => rule)).toEqual(['added-capability'])
  })

  test.each([
    [{ privileged: 'because' }, /x-pacs.allow.privileged: must say why/],
    [{ priviledged: 'a long enough reason' }, /x-pacs.allow has no key "priviledged"; did you mean privileged\?/],
    // What no agent could run is no finding of the gate.
    [{ 'start-first': 'a long enough reason' }, /x-pacs.allow has no key "start-first"; .*\(allowed: privileged, /],
  ])('%j is no allowance', (allow, says) => {
    const messages = checkStack(stackWith({ 'x-pacs': { allow } })).map(formatFinding)
    expect(messages).toContainEqual(expect.stringMatching(says))
  })
})

test('docs/stack.md has every rule with its reason', async () => {
  const text = await readFile(new URL('../../../docs/stack.md', import.meta.url), 'utf8')
  const table = text.slice(text.indexOf('| rule | because |')).split('\n\n')[0]?.split('\n').slice(2)
  expect(table).toEqual(GATE_RULE_IDS.map((id) => `| ${id} | ${GATE_RULES[id].reason} |`))
})
