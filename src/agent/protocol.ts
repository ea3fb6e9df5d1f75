// What goes over the agent's socket, shared by both sides. Objects are loose where the other side may be newer: unknown fields are ignored.
import { z } from 'zod'
import { digestSchema, releaseIdSchema } from '../release/index.ts'

/** Chosen by the client, so that asking twice is asking once. */
export const transactionIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{7,63}$/, 'is no transaction id (8 to 64 lower-case letters, digits and -)')

/** A registry login that lives as long as the transaction. */
const registryLogin = z.object({ server: z.string(), username: z.string(), password: z.string() })

const requester = {
  /** Who asked, as the client claims; the audit records the proven SSH key beside it. */
  actor: z.string().min(1).max(200),
  /** Where to read more, for example the URL of a workflow run. */
  run: z.string().max(300).default(''),
  registry: registryLogin.optional(),
}

const watching = {
  /** Milliseconds for which both releases are watched before the seal. */
  watch: z.number().int().min(0).max(3_600_000).default(60_000),
  /** Milliseconds for which a trouble that both releases share is waited out. */
  hold: z.number().int().min(0).max(3_600_000).default(300_000),
  /** Milliseconds for which the previous release keeps running after the seal. */
  keepWarm: z.number().int().min(0).max(86_400_000).default(600_000),
}

export const requestSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('deploy'),
    release: z.string(),
    allowCore: z.boolean().default(false),
    ...watching,
    ...requester,
  }),
  z.object({
    kind: z.literal('rollback'),
    /** The release to go back to; the previous one when absent. */
    to: releaseIdSchema.optional(),
    /** The config revision that ran with it, or the current one. */
    config: z.enum(['its-own', 'current']).default('its-own'),
    reason: z.string().min(1).max(500),
    ...watching,
    ...requester,
  }),
  z.object({ kind: z.literal('core'), release: z.string(), allowCore: z.boolean().default(false), ...requester }),
])
export type TransactionRequest = z.infer<typeof requestSchema>
export type RequestOf<K extends TransactionRequest['kind']> = Extract<TransactionRequest, { kind: K }>
/** A request as a client writes it: fields with a default may be left out. */
export type TransactionRequestInput = z.input<typeof requestSchema>

export const outcomeSchema = z.enum([
  'deployed',
  'unchanged',
  'done',
  'refused',
  'rolled-back',
  'failed',
  'locked',
  'bad-input',
])
export type Outcome = z.infer<typeof outcomeSchema>

export const resultSchema = z.object({
  outcome: outcomeSchema,
  /** One line: what happened, why, what to do. */
  message: z.string(),
  direction: z.enum(['forward', 'back']).optional(),
  /** A refused deploy fits once the core was brought up: ask for `core`, then for the deploy again. */
  coreFirst: z.boolean().optional(),
  /** The release that serves now; null when nothing does. */
  serving: releaseIdSchema.nullable(),
  /** What served before this transaction. */
  previous: releaseIdSchema.nullable(),
})
export type TransactionResult = z.infer<typeof resultSchema>

/** A line of the journal, and what followers see. `seq` counts from 1 in each transaction, `at` is ISO 8601. */
export const eventSchema = z.discriminatedUnion('type', [
  z.object({ seq: z.number().int(), at: z.string(), type: z.literal('step'), step: z.string(), message: z.string() }),
  z.object({
    seq: z.number().int(),
    at: z.string(),
    type: z.literal('progress'),
    step: z.string(),
    message: z.string(),
  }),
  z.object({ seq: z.number().int(), at: z.string(), type: z.literal('note'), message: z.string() }),
  z.object({ seq: z.number().int(), at: z.string(), type: z.literal('result'), result: resultSchema }),
])
export type TransactionEvent = z.infer<typeof eventSchema>

const instanceView = z.object({
  instance: z.string(),
  release: releaseIdSchema,
  config: z.string(),
  content: digestSchema,
})

export const statusSchema = z.object({
  agent: z.object({ version: z.string(), sha256: digestSchema, node: z.string(), engine: z.string() }),
  phase: z.enum(['idle', 'staging', 'switched']),
  transaction: z
    .object({ id: z.string(), kind: z.string(), actor: z.string(), since: z.string(), step: z.string() })
    .nullable(),
  serving: instanceView.nullable(),
  candidate: instanceView.nullable(),
  warm: instanceView.extend({ until: z.string() }).nullable(),
  last: z.object({ transaction: z.string(), result: resultSchema }).nullable(),
})
export type AgentStatus = z.infer<typeof statusSchema>

export const releasesSchema = z.object({
  releases: z.array(
    z.object({
      id: releaseIdSchema,
      reference: z.string(),
      content: digestSchema,
      commit: z.string(),
      accepted: z.string(),
      /** Why a rollback can go there, or cannot. */
      state: z.enum(['serving', 'warm', 'kept', 'pruned']),
    }),
  ),
})

/** One probe: `ok` needs an answer of the expected status and, where a version is known, that version. */
export const healthSchema = z.object({
  healthy: z.boolean(),
  checks: z.array(
    z.object({ name: z.string(), critical: z.boolean(), ok: z.boolean(), detail: z.string(), ms: z.number() }),
  ),
})
export type HealthReport = z.infer<typeof healthSchema>

/** What the agent answers when it does not do what was asked. */
export const problemSchema = z.object({
  kind: z.enum(['refused', 'locked', 'bad-input', 'restarting', 'failed']),
  message: z.string(),
})
