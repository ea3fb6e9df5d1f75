import { z } from 'zod'
import { badInput } from '../lib/index.ts'

// The model as `docker compose config --no-interpolate --no-path-resolution --no-normalize` prints it: short forms are long
// already, but a value with a variable is still a string, and lists of NAME=value stay lists.

const listOrMap = z.union([z.array(z.string()), z.record(z.string(), z.unknown())])

const buildDefinition = z.looseObject({
  context: z.string().default('.'),
  dockerfile: z.string().default('Dockerfile'),
  target: z.string().optional(),
  args: listOrMap.optional(),
})

/** A mount of a service; `source` is a path for binds, a key of `volumes` for volumes. */
const mountDefinition = z.looseObject({
  type: z.string(),
  source: z.string().optional(),
  target: z.string().optional(),
})
export type MountDefinition = z.infer<typeof mountDefinition>

/** How a service uses a secret or a config. */
const grantDefinition = z.looseObject({ source: z.string(), target: z.string().optional() })
export type GrantDefinition = z.infer<typeof grantDefinition>

const attachmentDefinition = z.looseObject({ aliases: z.array(z.string()).optional() }).nullable()

export const serviceDefinition = z.looseObject({
  image: z.string().optional(),
  build: z.union([z.string().transform((context) => buildDefinition.parse({ context })), buildDefinition]).optional(),
  container_name: z.string().optional(),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string().optional() })).optional(),
  deploy: z
    .looseObject({
      replicas: z.union([z.number(), z.string()]).optional(),
      update_config: z.looseObject({ order: z.string().optional() }).nullish(),
    })
    .nullish(),
  scale: z.union([z.number(), z.string()]).optional(),
  env_file: z.unknown().optional(),
  environment: listOrMap.optional(),
  healthcheck: z
    .looseObject({ disable: z.unknown().optional(), test: z.union([z.string(), z.array(z.string())]).optional() })
    .nullish(),
  labels: listOrMap.optional(),
  network_mode: z.string().optional(),
  networks: z.record(z.string(), attachmentDefinition).optional(),
  ports: z
    .array(
      z.union([
        z.string(),
        z.number(),
        z.looseObject({ target: z.unknown().optional(), published: z.unknown().optional() }),
      ]),
    )
    .optional(),
  profiles: z.array(z.string()).optional(),
  secrets: z.array(grantDefinition).optional(),
  configs: z.array(grantDefinition).optional(),
  stop_grace_period: z.union([z.string(), z.number()]).optional(),
  volumes: z.array(mountDefinition).optional(),
  'x-pacs': z.unknown().optional(),
})
export type ServiceDefinition = z.infer<typeof serviceDefinition>

/** A network, volume, secret or config of the file. */
const resourceDefinition = z.looseObject({
  name: z.string().optional(),
  external: z.unknown().optional(),
  file: z.string().optional(),
})
export type ResourceDefinition = z.infer<typeof resourceDefinition>

const resources = z
  .record(
    z.string(),
    z.preprocess((resource) => resource ?? {}, resourceDefinition),
  )
  .default({})

export const stackDefinition = z.looseObject({
  services: z.record(z.string(), serviceDefinition).default({}),
  networks: resources,
  volumes: resources,
  secrets: resources,
  configs: resources,
})
export type StackDefinition = z.infer<typeof stackDefinition>

/**
 * Reads what Compose printed.
 * @throws Failure `bad-input` that names the place in `file`
 */
export function parseDefinition(file: string, value: unknown): StackDefinition {
  const parsed = stackDefinition.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw badInput(`${file} cannot be read as a stack: ${problems.join('; ')}`)
}

/** A list of `NAME=value` or a map, as a map; a name without a value has null. */
export function asMap(
  value: readonly string[] | Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> {
  if (value === undefined) return {}
  if (!Array.isArray(value)) return { ...value }
  return Object.fromEntries(
    value.map((item: string) => {
      const at = item.indexOf('=')
      return at === -1 ? [item, null] : [item.slice(0, at), item.slice(at + 1)]
    }),
  )
}
