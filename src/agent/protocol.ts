// What goes over the agent's socket, shared by both sides. Objects are loose where the other side may be newer: unknown fields are ignored.
import { z } from 'zod'
import { digestSchema, migrationPhaseSchema, releaseIdSchema, releaseMigrationSchema } from '../release/index.ts'

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

const absolutePath = z.string().startsWith('/', 'must be an absolute path on the server')

/** A second of UTC; the oplog counts no finer. */
export const secondSchema = z.iso.datetime({ precision: 0, error: 'is no second of UTC like 2026-11-28T10:15:00Z' })

/** What is restored; directories lie on the server. */
export const restoreTargetSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('database'),
    /** As it was when this second began. */
    to: secondSchema.optional(),
  }),
  z.object({ kind: z.literal('collection'), collection: z.string().min(1) }),
  z.object({
    kind: z.literal('study'),
    study: z.string().regex(/^[0-9.]{1,64}$/, 'is no StudyInstanceUID'),
    directory: absolutePath,
  }),
  z.object({ kind: z.literal('everything'), directory: absolutePath }),
])

/** How a backup is named. */
const BACKUP = /^(newest|\d{8}t\d{6}z-[0-9a-f]{8})$/

/** The one on the server, or the one off it. */
export const repositoryChoiceSchema = z.enum(['first', 'second'])

/** Which backup is verified: `newest`, `random`, or the id of one. */
export const verifiableSchema = z
  .string()
  .regex(/^(newest|random|\d{8}t\d{6}z-[0-9a-f]{8})$/, 'is neither newest, random nor the id of a backup')

/** How far a verification goes: L0 and L1 look at the repository, L2 and above restore. */
export const throughSchema = z.enum(['L1', 'L2', 'L3', 'L4', 'L5', 'L6'], 'is none of L1 to L6')

/** Says of each limit that a verification does not come to, as it ends before the level that judges it. @param prefix stands before the names */
export function unjudged(
  prefix: string,
  given: {
    through?: z.infer<typeof throughSchema> | undefined
    'newest-within'?: unknown
    'restore-within'?: unknown
  },
): string[] {
  const { through = 'L6' } = given
  const limits = [
    { name: 'newest-within', level: 'L5' },
    { name: 'restore-within', level: 'L6' },
  ] as const
  return limits
    .filter(({ name, level }) => given[name] !== undefined && through < level)
    .map(
      ({ name, level }) => `${prefix}${name} is judged at ${level}, and through is ${through}: leave one of them out`,
    )
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
    /** The config revision that ran with it, or the one that a deploy would seal now. */
    config: z.enum(['its-own', 'current']).default('its-own'),
    reason: z.string().min(1).max(500),
    ...watching,
    ...requester,
  }),
  z.object({ kind: z.literal('core'), release: z.string(), allowCore: z.boolean().default(false), ...requester }),
  z.object({
    kind: z.literal('migrate'),
    release: z.string(),
    /** expand is run by the requester through its tunnel, while this transaction holds the lock; data and contract run here. */
    phase: migrationPhaseSchema,
    /** What it may do to the core that must come first. */
    allowCore: z.boolean().default(false),
    /** Only looks: no backup is taken, and the requester writes nothing. */
    plan: z.boolean().default(false),
    /** Why this runs without a fresh backup; the journal keeps it. */
    noBackup: z.string().min(1).max(500).optional(),
    /** Why this is done now; the journal keeps it. */
    reason: z.string().min(1).max(500).optional(),
    ...requester,
  }),
  z.object({
    kind: z.literal('undo'),
    /** The last migration that stays applied; null undoes all. */
    to: z.string().min(1).max(200).nullable(),
    /** The release that has the migrations; what serves when absent. */
    of: releaseIdSchema.optional(),
    reason: z.string().min(1).max(500),
    /** Documents that were edited since, like `reports "r7"`, or a whole collection by its name: kept as they are now, … */
    keep: z.array(z.string()).default([]),
    /** … or put back as they were. */
    restore: z.array(z.string()).default([]),
    noBackup: z.string().min(1).max(500).optional(),
    ...requester,
  }),
  z.object({
    kind: z.literal('mark'),
    /** A migration of which nothing but a person can tell whether it is done. */
    migration: z.string().min(1).max(200),
    as: z.enum(['applied', 'pending'], 'is neither applied nor pending'),
    /** The release that has the migration; what serves when absent. */
    of: releaseIdSchema.optional(),
    /** How it was found out; the ledger's history keeps it. */
    reason: z.string().min(10, 'must say in at least 10 characters how you found out').max(500),
    ...requester,
  }),
  z.object({ kind: z.literal('backup'), ...requester }),
  z.object({
    kind: z.literal('verify'),
    backup: verifiableSchema.default('newest'),
    repository: repositoryChoiceSchema.default('first'),
    through: throughSchema.default('L6'),
    /** Milliseconds that the backup may be old; where it is absent 26 hours for the newest one, and any age for another. */
    maxAge: z.number().int().positive().optional(),
    /** Milliseconds that the newest record may have been old when the backup was made; where it is absent data may rest. */
    newestWithin: z.number().int().positive().optional(),
    /** Milliseconds that the restore may take. */
    restoreWithin: z.number().int().positive().optional(),
    ...requester,
  }),
  z.object({
    kind: z.literal('restore'),
    backup: z.string().regex(BACKUP, 'is neither newest nor the id of a backup').default('newest'),
    repository: repositoryChoiceSchema.default('first'),
    target: restoreTargetSchema,
    /** Only says what it would do. */
    plan: z.boolean().default(false),
    /** The name that a person typed, where something is replaced. */
    typed: z.string().optional(),
    ...requester,
  }),
])
export type TransactionRequest = z.infer<typeof requestSchema>
export type RequestOf<K extends TransactionRequest['kind']> = Extract<TransactionRequest, { kind: K }>
/** Everything but a verification holds the server's one lock. */
export type LockingRequest = Exclude<TransactionRequest, { kind: 'verify' }>
/** A request as a client writes it: fields with a default may be left out. */
export type TransactionRequestInput = z.input<typeof requestSchema>

const ids = z.array(z.string())
/** Ids of migrations by phase. */
export const pendingSchema = z.object({ expand: ids, data: ids, contract: ids })

export const outcomeSchema = z.enum([
  'deployed',
  'unchanged',
  'done',
  'refused',
  'unhealthy',
  'rolled-back',
  'failed',
  'locked',
  'bad-input',
])
export type Outcome = z.infer<typeof outcomeSchema>

/** What a verification found, as its requester sees it; findings are cut to a length that a person reads. */
export const verificationViewSchema = z.object({
  backup: z.string(),
  repository: z.string(),
  startedAt: z.string(),
  finishedAt: z.string(),
  outcome: z.enum(['passed', 'failed']),
  holds: z.record(z.string(), z.number()),
  /** Documents, files and keys that did not come back as they were; null where nobody could count. */
  lost: z.number().nullable(),
  levels: z.array(
    z.object({
      level: z.string(),
      proves: z.string(),
      outcome: z.enum(['passed', 'failed', 'skipped']),
      checked: z.number(),
      lost: z.number(),
      /** How many findings there are; `findings` has the first. */
      found: z.number(),
      findings: z.array(z.string()),
      seconds: z.number(),
    }),
  ),
})
export type VerificationView = z.infer<typeof verificationViewSchema>

export const resultSchema = z.object({
  outcome: outcomeSchema,
  /** One line: what happened, why, what to do. */
  message: z.string(),
  /** More for a person to read, as Markdown. */
  details: z.string().optional(),
  verification: verificationViewSchema.optional(),
  /** The agent ended during this verification, as for a newer one: nothing was proved or refuted, so it is asked for again. */
  interrupted: z.boolean().optional(),
  direction: z.enum(['forward', 'back']).optional(),
  /** A refused deploy fits once the core was brought up: ask for `core`, then for the deploy again. */
  coreFirst: z.boolean().optional(),
  /** The ids of the release's migrations that are still to be applied, by phase; of a migration only. */
  pending: pendingSchema.optional(),
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
  /** The newest failure that nothing has made good since. */
  failed: z.object({ transaction: z.string(), result: resultSchema }).nullish(),
  /** The core services, and the release whose definitions they run: after a rollback of the app still that of before. */
  core: z.object({ release: releaseIdSchema, reference: z.string(), services: z.array(z.string()) }).nullish(),
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

/** What the repositories of backups hold. */
export const backupsSchema = z.object({
  repositories: z.array(
    z.object({
      repository: repositoryChoiceSchema,
      /** Why it could not be read, in one line; null where it was. */
      problem: z.string().nullable(),
      /** Newest first. */
      backups: z.array(
        z.object({
          id: z.string(),
          /** The host name of the server that took it. */
          server: z.string(),
          startedAt: z.string(),
          /** Before deduplication; 0 where that is not known. */
          bytes: z.number(),
          /** Whether all its snapshots are there. */
          whole: z.boolean(),
        }),
      ),
    }),
  ),
})
export type HeldBackups = z.infer<typeof backupsSchema>

/** How a database is reached: a login, and the port on the server's loopback. */
export const databaseSchema = z.object({
  port: z.number().int(),
  database: z.string(),
  username: z.string(),
  password: z.string(),
})
export type DatabaseAccess = z.infer<typeof databaseSchema>

/** A database that is open to a requester, and the migrations of the release for which it is. */
export const openDatabaseSchema = databaseSchema.extend({
  release: releaseIdSchema,
  migrations: z.array(releaseMigrationSchema),
})
export type OpenDatabase = z.infer<typeof openDatabaseSchema>

/** Characters of a report's message that an agent takes. */
export const LONGEST_REPORT = 2000

/** What a requester says that its own part of a transaction came to. */
export const reportSchema = z.object({
  outcome: z.enum(['done', 'refused', 'failed']),
  message: z.string().max(LONGEST_REPORT),
})
export type RequesterReport = z.infer<typeof reportSchema>

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
