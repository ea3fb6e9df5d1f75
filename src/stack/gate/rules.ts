import { posix } from 'node:path'
import { asMap } from '../definition.ts'
import { hasVariable, withDefaults } from '../interpolation.ts'
import { field } from '../sources.ts'
import type { Stack, StackService } from '../stack.ts'
import { hostMounts } from './host-mounts.ts'
import type { GateRuleId } from './rule-ids.ts'

/** What a rule found in one service: what stands there and what to write, and where below the service. */
export interface Breach {
  message: string
  path: readonly (string | number)[]
}

export interface GateRule {
  /** Why it matters, for a person who wants to allow it. */
  reason: string
  find(service: StackService, stack: Stack): Iterable<Breach>
}

/**
 * What a service must not have, or must have, so that one that is broken into stays what it is. Sources: the OWASP Docker Security
 * Cheat Sheet and the CIS Docker Benchmark, section 5 (container runtime).
 */
export const GATE_RULES: Readonly<Record<GateRuleId, GateRule>> = {
  privileged: {
    reason: 'a privileged container is root on the machine',
    *find({ definition }) {
      if (isOff(definition.privileged)) return
      yield { message: 'privileged: leave it out, and name under cap_add what it needs', path: ['privileged'] }
    },
  },
  'docker-socket': {
    reason: 'who talks to the engine is root on the machine',
    *find(service, stack) {
      for (const { source, said, path, unknown } of hostMounts(service, stack)) {
        const paths = [source, withDefaults(source, '')].map((path) => posix.normalize(path))
        if (unknown !== null) yield { message: `${unknown}: write it literally`, path }
        else if (paths.some((path) => ENGINE_SOCKET.test(path)))
          yield { message: `mounts ${said}, through which it reaches the engine: leave it out`, path }
      }
      // Compose mounts the socket then, with the logins of the registries.
      if (isOff(service.definition.use_api_socket)) return
      yield { message: 'use_api_socket: leave it out', path: ['use_api_socket'] }
    },
  },
  'host-namespace': {
    reason: 'it sees, and can reach, what belongs to the machine and to other services',
    *find({ definition }) {
      for (const key of ['network_mode', 'pid', 'ipc', 'uts', 'userns_mode', 'cgroup'] as const) {
        const value = definition[key]
        if (typeof value === 'string' && hasVariable(value))
          yield { message: `${key} is ${value}: write it literally`, path: [key] }
        if (value !== 'host') continue
        yield { message: `${key}: host takes away a wall of the container: leave it out`, path: [key] }
      }
    },
  },
  'host-device': {
    reason: 'a device of the machine knows no rights of files',
    *find({ definition }) {
      for (const key of ['devices', 'device_cgroup_rules'] as const) {
        const given = [definition[key] ?? []].flat()
        if (given.length === 0) continue
        const names = given.map((one) => field(one, 'source') ?? one).join(', ')
        yield { message: `${key}: ${names}: leave it out, or allow it and say what needs it`, path: [key] }
      }
    },
  },
  'host-folder': {
    reason: 'who writes there changes what the machine runs, and whom it lets in',
    *find(service, stack) {
      for (const { source, said, readOnly, path, unknown } of hostMounts(service, stack)) {
        const folder = posix.normalize(withDefaults(source, ''))
        if (unknown !== null || readOnly || !SYSTEM_FOLDER.test(folder)) continue
        const message = `mounts ${said}, which belongs to the system: leave it out, or write read_only: true`
        yield { message, path }
      }
    },
  },
  'added-capability': {
    reason: 'each capability is a part of root',
    *find({ definition }) {
      const added = [definition.cap_add ?? []].flat()
      if (added.length === 0) return
      yield {
        message: `cap_add: ${added.join(', ')}: leave it out, or allow it and say what needs it`,
        path: ['cap_add'],
      }
    },
  },
  'new-privileges': {
    reason: 'a setuid program inside could make its caller root',
    *find({ definition }) {
      const options = [definition.security_opt ?? []].flat().map(String)
      const own = options.filter((option) => option.startsWith('no-new-privileges'))
      if (own.length > 0 && own.every((option) => /^no-new-privileges(?:[:=]true)?$/.test(option))) return
      yield { message: 'write security_opt: ["no-new-privileges:true"]', path: ['security_opt'] }
    },
  },
  unconfined: {
    reason: 'it may call all of the kernel, and most ways out begin there',
    *find({ definition }) {
      const options = [definition.security_opt ?? []].flat().map(String)
      const off = options.filter((option) => UNCONFINED.test(option) || hasVariable(option))
      if (off.length === 0) return
      const message = `security_opt: ${off.join(', ')}: leave it out, or name a profile that allows what is needed`
      yield { message, path: ['security_opt'] }
    },
  },
  'writable-root': {
    reason: 'what breaks in can change the program that runs',
    *find({ definition }) {
      if (definition.read_only === true) return
      yield { message: 'write read_only: true, and tmpfs for the folders that it writes to', path: ['read_only'] }
    },
  },
  'root-user': {
    reason: 'root inside is one mistake of the kernel away from root outside',
    *find({ definition }) {
      const user = definition.user === undefined ? undefined : String(definition.user)
      if (user === undefined)
        yield { message: 'write user: "UID:GID" of its image, so that it is seen here', path: ['user'] }
      else if (hasVariable(user)) yield { message: `user is ${user}: write it literally`, path: ['user'] }
      // The engine reads a number with its sign, and takes no name for root.
      else if (/^(?:[+-]?0+|root)?(?::|$)/.test(user))
        yield { message: `runs as ${user || 'root'}: give it a user of its own`, path: ['user'] }
    },
  },
  'data-port': {
    reason: 'a database that the network reaches is one password away from everybody',
    *find({ definition, pacs }) {
      for (const [index, port] of (definition.ports ?? []).entries()) {
        const target = Number(field(port, 'target'))
        const isData = DATA_PORTS.has(target) || (pacs.data?.kind === 'mongodb' && pacs.data.port === target)
        const address = field(port, 'host_ip')
        if (!isData || address === '127.0.0.1' || address === '::1') continue
        const message = `publishes ${target} beyond this machine: leave it out, or write "127.0.0.1:${target}:${target}"`
        yield { message, path: ['ports', index] }
      }
    },
  },
  'plain-secret': {
    reason: 'docker inspect and every child process show it',
    *find({ definition }) {
      for (const [name, value] of Object.entries(asMap(definition.environment))) {
        const text = value === null || value === undefined ? '' : String(value)
        if (text === '' || !(SECRET_NAME.test(name) || LOGIN_IN_URL.test(text))) continue
        const message = `${name} is a secret in plain environment: give it as a file, by secrets and ${name}_FILE`
        yield { message, path: ['environment', name] }
      }
    },
  },
  limits: {
    reason: 'one service that grows takes the machine from all others',
    *find({ definition }) {
      const limits = field(field(definition.deploy, 'resources'), 'limits')
      const missing = [
        ['memory', definition.mem_limit],
        ['cpus', definition.cpus],
        ['pids', definition.pids_limit],
      ].flatMap(([name, old]) => ([old, field(limits, String(name))].some(isLimit) ? [] : String(name)))
      if (missing.length === 0) return
      yield {
        message: `has no limit of ${missing.join(', ')}: write deploy.resources.limits`,
        path: ['deploy', 'resources'],
      }
    },
  },
  restart: {
    reason: 'it stays down after a crash or a reboot',
    *find({ kind, definition }) {
      // The agent starts what serves; a core service nobody starts but the engine.
      if (kind === 'app') return
      // Compose takes the policy of deploy where both stand, and one without a condition for none.
      const policy = definition.deploy?.restart_policy
      const isOwn = policy === undefined || policy === null
      const written = isOwn ? definition.restart : field(policy, 'condition')
      if (['always', 'unless-stopped', 'any'].includes(String(written))) return
      const [key, write] = isOwn
        ? ['restart', 'restart: unless-stopped']
        : ['condition', 'condition: any, or leave deploy.restart_policy out and write restart: unless-stopped']
      const seen = written === undefined || written === null ? `has no ${key}` : `${key} is ${written}`
      const where = isOwn ? '' : 'deploy.restart_policy: '
      yield { message: `${where}${seen}: write ${write}`, path: isOwn ? ['restart'] : ['deploy', 'restart_policy'] }
    },
  },
  'health-check': {
    reason: 'nobody learns that it hangs',
    *find({ healthcheck }) {
      if (healthcheck) return
      yield { message: 'write a healthcheck that its image can run', path: ['healthcheck'] }
    },
  },
  'public-check': {
    reason: 'a deploy is green though no request may reach it',
    *find({ pacs }) {
      if (pacs.route === undefined || pacs.checks.length > 0) return
      const message =
        'has x-pacs.route and no x-pacs.checks: write what must answer through Traefik, like checks: [{ path: /, status: 200 }]'
      yield { message, path: ['x-pacs'] }
    },
  },
  'log-rotation': {
    reason: 'its log fills the disk, and a full disk stops the database',
    *find({ definition }) {
      const driver = String(field(definition.logging, 'driver') ?? 'json-file')
      if (hasVariable(driver)) {
        yield { message: `driver is ${driver}: write it literally`, path: ['logging', 'driver'] }
        return
      }
      const size = field(field(definition.logging, 'options'), 'max-size') ?? '-1'
      // The only driver that keeps all it gets: journald and local are bounded by themselves, others keep nothing on this machine.
      if (driver !== 'json-file' || String(size) !== '-1') return
      const message =
        'write logging: { driver: journald }, or { driver: json-file, options: { max-size: 10m, max-file: "5" } }'
      yield { message, path: ['logging'] }
    },
  },
  'moving-tag': {
    reason: 'what it is would change from build to build',
    *find({ image, build }) {
      if (build || image === undefined) return
      const resolved = withDefaults(image, 'x')
      const tag = /:([^/:]*)$/.exec(resolved)?.[1] ?? ''
      if (resolved.includes('@') || (tag !== '' && tag !== 'latest')) return
      const what = tag === '' ? 'has no tag' : 'is whatever is newest'
      yield { message: `image ${image} ${what}: name an exact version`, path: ['image'] }
    },
  },
}

/** The engine's socket, or a folder that holds it. */
const ENGINE_SOCKET = /(?:^\/(?:var\/?|run\/?|var\/run\/?)?$)|(?:docker|containerd|podman)[^/]*\.sock/

/** Folders from which the machine starts, or takes what it runs and whom it lets in. */
const SYSTEM_FOLDER =
  /^\/(?:bin|boot|dev|etc|lib|lib64|proc|root|sbin|sys|usr|var\/lib\/(?:docker|containerd)|var\/spool)(?:\/|$)/

/** Ways to take away a wall that the engine puts up by itself. */
const UNCONFINED = /^(?:(?:seccomp|apparmor|systempaths)[:=]unconfined|label[:=]disable)$/

/** Ports on which databases and caches listen: MongoDB, Redis, PostgreSQL, MySQL, Memcached, Elasticsearch, Orthanc's REST API. */
const DATA_PORTS = new Set([27017, 27018, 27019, 6379, 5432, 3306, 11211, 9200, 8042])

const SECRET_NAME =
  /(?:^|_)(?:(?:PG)?PASSWORD|PASSWD|PASSPHRASE|PASS|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIALS?)$|_PWD$|^REDISCLI_AUTH$/i
const LOGIN_IN_URL = /:\/\/[^/\s:@]*:[^@\s/]+@/

function isOff(value: unknown): boolean {
  return value === undefined || value === null || value === false || value === 'false'
}

/** Whether a value limits anything: none, 0 and -1 do not. */
function isLimit(value: unknown): boolean {
  return value !== undefined && value !== null && !(Number.parseFloat(String(value)) <= 0)
}
