import { z } from 'zod'
import { digestSchema } from '../release/index.ts'
import { phaseSchema } from './definition.ts'

/** How far a walk over documents came. */
const walkSchema = z.strictObject({
  /** The last `_id` of the last finished batch, as EJSON text; null before the first. */
  after: z.string().nullable(),
  /** Documents written. */
  done: z.number(),
  finished: z.boolean(),
})
export type Walk = z.infer<typeof walkSchema>

/** One migration in `_migrations`: written before any work, so that a crash always leaves a mark. */
export const ledgerEntrySchema = z.strictObject({
  _id: z.string().regex(/^\d{3}_[a-z0-9_]+$/),
  sha256: digestSchema,
  phase: phaseSchema,
  state: z.enum(['applying', 'applied', 'failed', 'rolling-back']),
  /** What started it, like the URL of a workflow run. */
  run: z.string(),
  actor: z.string(),
  host: z.string(),
  /** The lease under which it was written: a later owner's entry is not overwritten. */
  owner: z.string(),
  startedAt: z.date(),
  finishedAt: z.date().nullable(),
  progress: z.record(z.string(), walkSchema),
  /** Without values of documents; null unless failed. */
  error: z.string().nullable(),
})
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>

const historyEvents = [
  'applying',
  'applied',
  'kept',
  'failed',
  'rolling-back',
  'undone',
  'marked-applied',
  'marked-pending',
] as const

/** One line of `_migrations_history`, which is only ever added to; written before the ledger says the same. */
export const historyLineSchema = z.strictObject({
  /** Counts up; two writers of one line collide. */
  _id: z.number().int(),
  migration: z.string(),
  event: z.enum(historyEvents),
  sha256: digestSchema,
  phase: phaseSchema,
  run: z.string(),
  actor: z.string(),
  host: z.string(),
  at: z.date(),
  /** Assurances, reasons, errors: text without values of documents. */
  note: z.string().nullable(),
  /** What collections were before the migration changed them, as EJSON text; with the event `applied` also what it left them as. */
  kept: z.array(z.strictObject({ collection: z.string(), before: z.string() })).optional(),
})
export type HistoryLine = z.infer<typeof historyLineSchema>

/** Who works: said in ledger, history and lease. */
export interface Actor {
  run: string
  actor: string
  host: string
}

/** A line is written before the entry that it announces, so a crash leaves the announcement alone. */
const APPLIED: readonly (HistoryLine['event'] | undefined)[] = ['applied', 'marked-applied', 'rolling-back']
/** What is applied says so in the ledger before anything else may be said of it. */
const NEVER_AFTER_APPLIED: readonly LedgerEntry['state'][] = ['failed', 'rolling-back']
const GONE: readonly HistoryLine['event'][] = ['undone', 'marked-pending', 'applying']

/**
 * Where ledger and history contradict each other: someone wrote by hand.
 * @returns one line for each migration concerned.
 */
export function contradictions(ledger: readonly LedgerEntry[], history: readonly HistoryLine[]): string[] {
  const last = new Map<string, HistoryLine>()
  for (const line of history.toSorted((one, other) => one._id - other._id)) last.set(line.migration, line)
  const found: string[] = []
  for (const entry of ledger) {
    const line = last.get(entry._id)
    if (entry.state === 'applied' && !APPLIED.includes(line?.event)) {
      found.push(`${entry._id} is applied by the ledger, but its history ends with ${line?.event ?? 'nothing'}`)
    } else if (line?.event === 'applied' && NEVER_AFTER_APPLIED.includes(entry.state)) {
      found.push(`${entry._id} is ${entry.state} by the ledger, but its history ends with applied`)
    } else if (line !== undefined && line.sha256 !== entry.sha256) {
      found.push(`${entry._id} has another hash in the ledger than in its history`)
    }
  }
  const present = new Set(ledger.map(({ _id }) => _id))
  for (const [id, { event, run }] of last) {
    if (present.has(id) || GONE.includes(event)) continue
    found.push(`${id} is missing from the ledger, but its history ends with ${event} (run ${run})`)
  }
  return found
}
