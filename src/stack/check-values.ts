import { closest } from './closest.ts'
import type { Report } from './finding.ts'
import { hasVariable, interpolationOf } from './interpolation.ts'
import { field, type Path } from './sources.ts'
import { durationMs, memoryBytes, type Stack, type StackService, wholeNumber } from './stack.ts'
import { texts } from './texts.ts'
import { allowedKeys, xPacsSchema } from './x-pacs.ts'

// Where a number, a duration or a name must stand that the agent reads before any value is known. `*` is any key or index.
const LITERAL = [
  'services.*.{replicas,scale,stop_grace_period,cpus,cpu_count,cpu_percent,cpu_period,cpu_quota,cpu_shares,mem_limit,mem_reservation,mem_swappiness,memswap_limit,oom_score_adj,pids_limit,shm_size,stop_signal,container_name,network_mode}',
  'services.*.healthcheck.{interval,timeout,retries,start_period,start_interval}',
  'services.*.deploy.{mode,replicas}',
  'services.*.deploy.{update_config,rollback_config,restart_policy}.*',
  'services.*.deploy.resources.{limits,reservations}.{cpus,memory,pids}',
  'services.*.ulimits.*',
  'services.*.ulimits.*.{soft,hard}',
  'services.*.ports.*.{target,published}',
  'services.*.volumes.*.{type,target}',
  'services.*.volumes.*.tmpfs.size',
  'services.*.profiles.*',
  'services.*.x-pacs.**',
  '{networks,volumes}.*.name',
].map((pattern) => new RegExp(`^${patternSource(pattern)}$`))

function patternSource(pattern: string): string {
  return pattern
    .replaceAll('.', '\\.')
    .replaceAll(/\{([^}]*)\}/g, (_all, names: string) => `(?:${names.replaceAll(',', '|')})`)
    .replaceAll(/\*\*|\*/g, (star) => (star === '**' ? '.*' : '[^.]*'))
}

/** Values that Compose would only look at once the variables are known, and x-pacs, which it never looks at. */
export function* checkValues(stack: Stack): Generator<Report> {
  const shortMounts = [...checkShortMounts(stack)]
  yield* shortMounts
  yield* checkIncludes(stack)
  const cutToPieces = new Set(shortMounts.map(({ path }) => path[1]))
  for (const service of stack.services.values()) {
    const { volumes, ...rest } = service.definition
    const readable = cutToPieces.has(service.name) ? rest : { ...rest, volumes }
    yield* checkTexts(readable, ['services', service.name])
    yield* checkNumbers(service)
    yield* checkXPacs(service)
  }
  for (const kind of ['networks', 'volumes', 'secrets', 'configs'] as const) {
    for (const [name, resource] of stack[kind]) yield* checkTexts(resource, [kind, name])
  }
}

function* checkTexts(value: unknown, at: Path): Generator<Report> {
  for (const { text, path } of texts(value, at)) {
    if (path[2] !== 'x-pacs') {
      const { invalid } = interpolationOf(text)
      if (invalid !== null) {
        const message = `"${cut(invalid)}" is no variable that Compose can read; write \${NAME}, or $$ for a dollar sign`
        yield { rule: 'interpolation', message, path }
        continue
      }
    }
    if (!hasVariable(text)) continue
    if (LITERAL.some((pattern) => pattern.test(path.map(keyText).join('.')))) {
      yield {
        rule: 'literal',
        message: `${lastKeys(path)} is "${cut(text)}": write the value itself here, no variable`,
        path,
      }
    } else if (path[2] === 'ports') {
      const message = `port "${cut(text)}" holds a variable: write it as { target: …, published: … } with numbers`
      yield { rule: 'literal', message, path }
    }
  }
}

function* checkNumbers({ name, definition }: StackService): Generator<Report> {
  const replicas = definition.deploy?.replicas ?? definition.scale
  const path = ['services', name, 'deploy', 'replicas']
  if (replicas !== undefined && !isVariable(replicas) && wholeNumber(replicas) === null) {
    yield { rule: 'literal', message: `replicas is "${replicas}": write a whole number`, path }
  }
  const durations: [Path, unknown][] = [
    [['services', name, 'stop_grace_period'], definition.stop_grace_period],
    ...['interval', 'timeout', 'start_period', 'start_interval'].map((key): [Path, unknown] => [
      ['services', name, 'healthcheck', key],
      field(definition.healthcheck, key),
    ]),
  ]
  for (const [at, value] of durations) {
    if (typeof value !== 'string' || isVariable(value) || durationMs(value) !== null) continue
    yield {
      rule: 'literal',
      message: `${lastKeys(at)} is "${cut(value)}": write a duration like 30s or 1m30s`,
      path: at,
    }
  }
  const sizes: [Path, unknown][] = [
    [['services', name, 'mem_limit'], definition.mem_limit],
    [
      ['services', name, 'deploy', 'resources', 'limits', 'memory'],
      field(field(field(definition.deploy, 'resources'), 'limits'), 'memory'),
    ],
  ]
  for (const [at, value] of sizes) {
    if (typeof value !== 'string' || isVariable(value) || memoryBytes(value) !== null) continue
    const message = `${lastKeys(at)} is "${cut(value)}": write a size like 512M or 1.5GiB`
    yield { rule: 'literal', message, path: at }
  }
}

function* checkXPacs({ name, definition }: StackService): Generator<Report> {
  const path = ['services', name, 'x-pacs']
  const value = definition['x-pacs']
  if (value === undefined || texts(value, path).some(({ text }) => hasVariable(text))) return
  const parsed = xPacsSchema.safeParse(value)
  for (const issue of parsed.error?.issues ?? []) {
    const inner = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
    const at = ['x-pacs', ...inner].join('.')
    if (issue.code !== 'unrecognized_keys') {
      yield { rule: 'x-pacs', message: `${at}: ${issue.message}`, path: [...path, ...inner] }
      continue
    }
    const allowed = allowedKeys(inner, value)
    for (const key of issue.keys) {
      const message = `${at} has no key "${cut(key)}"; did you mean ${closest(key, allowed)}? (allowed: ${allowed.join(', ')})`
      yield { rule: 'x-pacs', message, path: [...path, ...inner, key] }
    }
  }
}

/** Compose splits a short mount at its colons, also at those inside a variable: only the source still shows what was meant. */
function* checkShortMounts(stack: Stack): Generator<Report> {
  for (const { value } of stack.sources.files) {
    const services = field(value, 'services')
    if (services === null || typeof services !== 'object') continue
    for (const [name, service] of Object.entries(services)) {
      const volumes = field(service, 'volumes')
      if (!stack.services.has(name) || !Array.isArray(volumes)) continue
      for (const [index, mount] of volumes.entries()) {
        if (typeof mount !== 'string' || !mount.includes('$')) continue
        const message = `mount "${cut(mount)}" holds a variable: write it as { type: bind, source: …, target: … }`
        yield { rule: 'mount', message, path: ['services', name, 'volumes', index] }
      }
    }
  }
}

function* checkIncludes(stack: Stack): Generator<Report> {
  for (const { value } of stack.sources.files) {
    const include = field(value, 'include')
    for (const [index, entry] of Array.isArray(include) ? include.entries() : []) {
      if (field(entry, 'env_file') === undefined) continue
      const message = 'env_file of an include is no part of a release: leave it out, a server has one .env for all'
      yield { rule: 'env_file', message, path: ['include', index] }
    }
  }
}

function isVariable(value: unknown): boolean {
  return typeof value === 'string' && hasVariable(value)
}

function keyText(step: string | number): string {
  return String(step).replaceAll('.', '_')
}

function lastKeys(path: Path): string {
  return path.slice(2).join('.') || path.join('.')
}

/** A value for a message: nobody reads more of it. */
function cut(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`
}
