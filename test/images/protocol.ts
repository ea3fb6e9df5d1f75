import { z } from 'zod'
import { digestSchema, releaseMigrationSchema, verdictSchema } from '../../src/release/index.ts'
import { faultSchema } from './fake-registry.ts'

const draft = z.object({
  schema: z.literal(1),
  commit: z.string(),
  images: z.record(
    z.string(),
    z.object({
      local: z.string(),
      image: digestSchema,
      config: digestSchema,
      platform: z.string(),
      verdict: verdictSchema.nullable(),
      built: z.boolean(),
    }),
  ),
})

const login = z.object({ server: z.string(), username: z.string(), password: z.string() })

const buildOptions = z.object({
  directory: z.string(),
  composeFile: z.string(),
  prefix: z.string(),
  commit: z.string(),
  version: z.string().exactOptional(),
  source: z.string().exactOptional(),
  ca: z.string().exactOptional(),
  secrets: z.record(z.string(), z.string()).exactOptional(),
  dockerConfigDirectory: z.string(),
})

const pushOptions = z.object({
  draft,
  evidence: z.record(
    z.string(),
    z.object({ report: z.string(), sbom: z.string(), dockerfile: z.string().exactOptional() }),
  ),
  directory: z.string(),
  stackDirectory: z.string(),
  migrations: z.array(releaseMigrationSchema),
  prefix: z.string(),
  agentFile: z.string(),
  agentVersion: z.string(),
  actor: z.string(),
  repository: z.string(),
  run: z.string(),
  created: z.string(),
  registry: login.exactOptional(),
  cache: z.string(),
  dockerConfigDirectory: z.string(),
})

/** What a test asks the program in the runner to do. */
export const callSchema = z.discriminatedUnion('use', [
  z.object({ use: z.literal('build'), options: buildOptions }),
  z.object({ use: z.literal('push'), options: pushOptions }),
  /** Pushes to a registry with faults that listens at `port` of the runner's loopback meanwhile. */
  z.object({
    use: z.literal('push-to-fake'),
    port: z.number(),
    faults: z.array(faultSchema),
    times: z.number(),
    options: pushOptions,
  }),
  z.object({ use: z.literal('read'), options: z.object({ release: z.string(), into: z.string() }) }),
  /** As the agent of a server does it. */
  z.object({ use: z.literal('fetch'), options: z.object({ release: z.string(), releases: z.string() }) }),
])
export type Call = z.infer<typeof callSchema>

export const answerSchema = z.union([
  z.object({ request: z.string() }),
  z.object({ log: z.string() }),
  z.object({ result: z.unknown() }),
  z.object({ failure: z.object({ kind: z.string(), message: z.string() }) }),
])
export type Answer = z.infer<typeof answerSchema>

export { draft as draftSchema }

export const pushResultSchema = z.object({
  release: z.string(),
  manifest: z.unknown(),
  uploaded: z.array(z.string()),
  known: z.array(z.string()),
})
