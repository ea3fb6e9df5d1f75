import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { Failure, isMissing, messageOf, replaceFile, shortened } from '../../lib/index.ts'
import { digestSchema, releaseIdSchema } from '../../release/index.ts'
import { resultSchema, type TransactionResult } from '../protocol.ts'

/** A service of an instance as traffic and probes need it. */
const runningServiceSchema = z.object({
  name: z.string(),
  containers: z.array(z.string()),
  port: z.number().int(),
  /** Traefik's rule; null for a service that gets no public traffic. */
  route: z.string().nullable(),
  /** Names in the policy of the edge of its instance, in the order in which a request meets them. */
  middlewares: z.array(z.string()).default([]),
  /** Exceptions to `route`, with middlewares of their own. */
  routes: z.array(z.object({ rule: z.string(), middlewares: z.array(z.string()) })).default([]),
  ready: z.string(),
  checks: z.array(z.object({ path: z.string(), status: z.number().int() })),
  assets: z.string().nullable(),
  critical: z.boolean(),
  /** Where Prometheus asks it, and the gauge of the requests that it answers. */
  metrics: z
    .object({ port: z.number().int(), path: z.string(), inFlight: z.string().optional() })
    .nullable()
    .default(null),
  /** Seconds that a stop may take. */
  grace: z.number(),
  /** Milliseconds that a start may take. */
  startLimit: z.number(),
})
export type RunningService = z.infer<typeof runningServiceSchema>

/** A release with a config revision, as it runs or ran here. */
const instanceSchema = z.object({
  instance: z.string(),
  i8: z.string(),
  release: releaseIdSchema,
  reference: z.string(),
  config: z.string(),
  content: digestSchema,
  commit: z.string(),
  services: z.array(runningServiceSchema),
  /** What Traefik does with its requests and answers, in Traefik's words: middlewares and TLS options by name. */
  edge: z
    .object({
      middlewares: z.record(z.string(), z.record(z.string(), z.unknown())),
      tls: z.record(z.string(), z.record(z.string(), z.unknown())),
    })
    .nullable()
    .default(null),
})
export type Instance = z.infer<typeof instanceSchema>

const transactionSchema = z.object({
  id: z.string(),
  kind: z.enum(['deploy', 'rollback', 'core', 'migrate', 'undo', 'mark', 'backup', 'restore']),
  actor: z.string(),
  key: z.string(),
  since: z.string(),
  /** It only says what it would do. */
  plan: z.boolean().default(false),
})

const lastSchema = z.object({ transaction: z.string(), result: resultSchema })

const replacingSchema = z.object({
  service: z.string(),
  from: z.string().nullable(),
  to: z.string(),
  /** `mounted` and `signal` are those of a reload, too: of a change that leaves the definition as it is. */
  step: z.enum(['stop', 'start', 'mounted', 'signal']),
})
export type Replacing = z.infer<typeof replacingSchema>

export const stateSchema = z.object({
  schema: z.literal(1),
  phase: z.enum(['idle', 'staging', 'switched']),
  transaction: transactionSchema.nullable(),
  serving: instanceSchema.nullable(),
  candidate: instanceSchema.extend({ preview: z.string() }).nullable(),
  warm: z.object({ instance: instanceSchema, until: z.string() }).nullable(),
  /** A candidate that was public and was undone: it runs for its open pages only, and nobody can go back to it. */
  undone: z.object({ instance: instanceSchema, until: z.string() }).nullable().default(null),
  core: z.object({
    /** The keyed hash of what each core service runs: its definition, and after a dot its live files where it has any. */
    services: z.record(z.string(), z.string()),
    /** The release whose definitions those are. */
    release: releaseIdSchema.nullable(),
    /** Those that a step has begun for which is not over: at most one that is replaced or reloaded, and any number that start. */
    replacing: z.array(replacingSchema),
    /** The services of a core transaction that runs: those that are as it wants them, and those that are not yet. */
    work: z
      .object({ done: z.array(z.string()), left: z.array(z.string()) })
      .nullable()
      .default(null),
  }),
  /** Instances that were sealed here, newest first: what a rollback may go to. */
  history: z.array(
    z.object({
      instance: instanceSchema,
      accepted: z.string(),
      /** The definitions of core services that its release fits; null where an older agent sealed it. */
      core: z.record(z.string(), z.string()).nullable().default(null),
    }),
  ),
  /** After a crash its journal is completed from it. */
  last: lastSchema.nullable(),
  /** The newest failure that nothing has made good since. */
  failed: lastSchema.extend({ kind: transactionSchema.shape.kind }).nullable().default(null),
})

/** The one truth of a server; replaced whole, before the step that it announces. */
export type State = z.infer<typeof stateSchema>

export const emptyState: State = {
  schema: 1,
  phase: 'idle',
  transaction: null,
  serving: null,
  candidate: null,
  warm: null,
  undone: null,
  core: { services: {}, release: null, replacing: [], work: null },
  history: [],
  last: null,
  failed: null,
}

/**
 * What the state says of its transaction once that has come to `result`. A failure stays until its own undo is done, until another of
 * its kind succeeds, or until a deploy or rollback does: the backup of the night mends nothing of it, nor does a plan, whose own failure
 * leaves nothing to mend.
 */
export function ended({ transaction, failed }: State, result: TransactionResult): Pick<State, 'last' | 'failed'> {
  if (!transaction) throw new Error('there is no transaction that could end')
  const { id, kind, plan } = transaction
  const last = { transaction: id, result }
  if (plan) return { last, failed }
  if (result.outcome === 'failed') return { last, failed: { ...last, kind } }
  const isDone = ['deployed', 'unchanged', 'done'].includes(result.outcome)
  const mends = kind === 'deploy' || kind === 'rollback' || subjectOf(kind) === subjectOf(failed?.kind)
  return { last, failed: failed?.transaction === id || (isDone && mends) ? null : failed }
}

/** A failed migration may be run again, taken back or marked. */
function subjectOf(kind: string | undefined): string | undefined {
  return kind === 'undo' || kind === 'mark' ? 'migrate' : kind
}

/** Where the state is kept. */
export interface StateStore {
  readonly state: State
  /** Replaces the state durably; it is in force when the promise resolves. */
  write(next: State): Promise<void>
}

/**
 * Opens `state.json`, or starts with the empty state where there is none.
 * @throws Failure `error` when the file is damaged: an agent that guessed would be worse than one that stops.
 */
export async function openState(path: string): Promise<StateStore> {
  let state = emptyState
  try {
    state = stateSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (thrown) {
    if (!isMissing(thrown)) throw damaged(path, thrown)
  }
  return {
    get state() {
      return state
    },
    async write(next) {
      await replaceFile(path, `${JSON.stringify(next, null, 1)}\n`, 0o640)
      state = next
    },
  }
}

function damaged(path: string, thrown: unknown): Failure {
  const why =
    thrown instanceof SyntaxError
      ? 'it is no JSON'
      : thrown instanceof z.ZodError
        ? z.prettifyError(thrown)
        : messageOf(thrown)
  return new Failure(
    'error',
    `${path} cannot be read, and nothing else says what serves here: ${shortened(why)}. What runs goes on. Put back a good copy of the file, or rebuild the server from a backup, as one that is lost`,
    { cause: thrown },
  )
}
