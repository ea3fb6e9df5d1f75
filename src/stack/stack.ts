import { parseDuration } from '../lib/index.ts'
import { asMap, type ResourceDefinition, type ServiceDefinition, type StackDefinition } from './definition.ts'
import { field, type Sources } from './sources.ts'
import { type XPacs, xPacsSchema } from './x-pacs.ts'

/** How an image is built; paths are relative to the stack's directory. */
export interface Build {
  context: string
  /** Relative to the context. */
  dockerfile: string
  target?: string
  /** Null takes the value from the environment. */
  args: Readonly<Record<string, string | null>>
}

export interface StackService {
  name: string
  /** `app`: a new release runs beside the old one (`deploy.update_config.order: start-first`). `core`: replaced stop-first. */
  kind: 'app' | 'core'
  image?: string
  build?: Build
  replicas: number
  pacs: XPacs
  /** Milliseconds between SIGTERM and SIGKILL: the drain limit. */
  stopGraceMs: number
  /** Whether Compose gives it a health check; the image may hold another. */
  healthcheck: boolean
  /** Services of the stack that it wants started first. */
  dependsOn: readonly string[]
  definition: ServiceDefinition
}

/**
 * A team's stack. Values that cannot be read (a variable where a number must stand, an unknown x-pacs key) have their
 * defaults here: ask `checkStack` before you believe them.
 */
export interface Stack {
  directory: string
  file: string
  services: ReadonlyMap<string, StackService>
  networks: ReadonlyMap<string, ResourceDefinition>
  volumes: ReadonlyMap<string, ResourceDefinition>
  secrets: ReadonlyMap<string, ResourceDefinition>
  configs: ReadonlyMap<string, ResourceDefinition>
  /** What Compose read, less the services of profiles. */
  definition: StackDefinition
  sources: Sources
}

const DEFAULT_GRACE_MS = 10_000

/** Makes the model of a stack from what Compose read; services of profiles are none of a release. */
export function stackOf(
  place: { directory: string; file: string; sources: Sources },
  definition: StackDefinition,
): Stack {
  const services = Object.entries(definition.services).filter(([, service]) => !service.profiles?.length)
  return {
    ...place,
    services: new Map(services.map(([name, service]) => [name, serviceOf(name, service)])),
    networks: new Map(Object.entries(definition.networks)),
    volumes: new Map(Object.entries(definition.volumes)),
    secrets: new Map(Object.entries(definition.secrets)),
    configs: new Map(Object.entries(definition.configs)),
    definition: { ...definition, services: Object.fromEntries(services) },
  }
}

/** The networks that a service joins: `default` when it names none, none under a `network_mode`. */
export function networksOf({
  definition,
}: StackService): ReadonlyMap<string, { aliases?: string[] | undefined } | null> {
  if (definition.network_mode !== undefined) return new Map()
  return new Map(Object.entries(definition.networks ?? { default: null }))
}

/** The services of a kind. */
export function servicesOf(stack: Stack, kind: StackService['kind']): StackService[] {
  return [...stack.services.values()].filter((service) => service.kind === kind)
}

function serviceOf(name: string, definition: ServiceDefinition): StackService {
  const pacs = xPacsSchema.safeParse(definition['x-pacs'] ?? {})
  const build = buildOf(definition)
  return {
    name,
    kind: definition.deploy?.update_config?.order === 'start-first' ? 'app' : 'core',
    ...(definition.image === undefined ? {} : { image: definition.image }),
    ...(build === null ? {} : { build }),
    replicas: wholeNumber(definition.deploy?.replicas ?? definition.scale ?? 1) ?? 1,
    pacs: pacs.success ? pacs.data : xPacsSchema.parse({}),
    stopGraceMs: durationMs(definition.stop_grace_period ?? DEFAULT_GRACE_MS) ?? DEFAULT_GRACE_MS,
    healthcheck: hasHealthcheck(definition),
    dependsOn: Object.keys(definition.depends_on ?? {}),
    definition,
  }
}

function buildOf({ build }: ServiceDefinition): Build | null {
  if (!build) return null
  const args = Object.entries(asMap(build.args)).map(([name, value]) => [name, value === null ? null : String(value)])
  return {
    context: build.context,
    dockerfile: build.dockerfile,
    ...(build.target === undefined ? {} : { target: build.target }),
    args: Object.fromEntries(args),
  }
}

function hasHealthcheck({ healthcheck }: ServiceDefinition): boolean {
  if (!healthcheck || healthcheck.disable === true) return false
  const [first] = [healthcheck.test ?? []].flat()
  return first !== undefined && first !== 'NONE'
}

/** Bytes that each container of a service may use; 0 where that has no limit. */
export function memoryLimit({ definition }: StackService): number {
  const limits = field(field(definition.deploy, 'resources'), 'limits')
  return memoryBytes(field(limits, 'memory') ?? 0) || memoryBytes(definition.mem_limit ?? 0) || 0
}

/** Bytes of a size as Compose reads it (`64M`, `1.5 GiB`, a bare number; one below 0 is none), null where it is none. */
export function memoryBytes(value: unknown): number | null {
  if (typeof value === 'number') return Math.max(value, 0)
  const [, number, unit = ''] = /^(.*[\d.]) ?(?:b|([kmgtp])(?:i?b)?)?$/i.exec(String(value)) ?? []
  const bytes = Math.floor(Number(number) * 1024 ** 'bkmgtp'.indexOf(unit.toLowerCase() || 'b'))
  return bytes >= 0 ? bytes : null
}

/** A count as written, null where it is none. */
export function wholeNumber(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : null
}

/** Milliseconds of a duration as Compose writes it (`1m30s`; a bare number is milliseconds here), null where it is none. */
export function durationMs(value: string | number): number | null {
  if (typeof value === 'number') return value
  try {
    return parseDuration('duration', value)
  } catch {
    return null
  }
}
