import { Failure, messageOf } from '../../lib/index.ts'
import type { LockingRequest, TransactionRequest, TransactionResult } from '../protocol.ts'
import type { Audit } from './audit.ts'
import { Guest } from './guest.ts'
import type { Journal, JournalWriter } from './journal.ts'
import { outcomeOf } from './outcome.ts'
import { type Asked, perform } from './perform.ts'
import type { Planner } from './planner.ts'
import { completeRecords } from './recovery.ts'
import type { Run, World } from './world.ts'

/** The transaction that holds the lock. */
export interface Running {
  id: string
  kind: TransactionRequest['kind']
  actor: string
  since: string
  /** The proven SSH key of the requester. */
  key: string
  writer: JournalWriter
  guest: Guest
  /** Ends it, with the Failure that says who asked for that. */
  stop: AbortController
  /** Resolves after its result was written. */
  done: Promise<void>
}

interface Parts {
  world: World
  planner: Planner
  journal: Journal
  audit: Audit
  log(message: string): void
}

/** Who asked is in audit, state and journal before anything is done about it. */
export async function begin(id: string, { request }: Asked, key: string, parts: Parts): Promise<Running> {
  const { journal, world, audit, log } = parts
  const { kind, actor, run } = request
  // The state is about to forget it. A journal that cannot be read stops nothing.
  await completeRecords(world, journal, audit).catch((thrown) => log(messageOf(thrown)))
  const since = new Date(world.now()).toISOString()
  await audit({ at: since, transaction: id, kind, actor, key, run, ...reasonsOf(request) })
  // The state before the journal: a start after a crash writes the missing result of what the state names, and of nothing else.
  const { state } = world.store
  const plan = 'plan' in request && request.plan
  await world.store.write({ ...state, transaction: { id, kind, actor, key, since, plan } })
  const writer = await journal.writer(id)
  try {
    await writer.note(`${kind} asked by ${actor} with key ${key}${run ? `, ${run}` : ''}`)
  } catch (thrown) {
    await world.store.write(state)
    throw thrown
  }
  return {
    id,
    kind,
    actor,
    since,
    key,
    writer,
    guest: new Guest(),
    stop: new AbortController(),
    done: Promise.resolve(),
  }
}

/** Runs a transaction to what it comes to; what it throws is an outcome too. */
export async function runToResult(running: Running, asked: Asked, parts: Parts): Promise<TransactionResult> {
  const { world, planner, log } = parts
  const before = world.store.state.serving?.release ?? null
  const run: Run = { id: running.id, report: running.writer, guest: running.guest, signal: running.stop.signal }
  try {
    return await perform(asked, run, world, planner)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) log(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown))
    return { ...outcomeOf(thrown), serving: world.store.state.serving?.release ?? null, previous: before }
  }
}

/** What a person gave as a reason, or typed to allow something: the audit keeps it. */
function reasonsOf(request: LockingRequest): Readonly<Record<string, string | undefined>> {
  switch (request.kind) {
    case 'rollback':
      return { reason: request.reason }
    case 'migrate':
    case 'undo':
      return { reason: request.reason, noBackup: request.noBackup }
    case 'mark':
      return { reason: request.reason, migration: request.migration, as: request.as }
    case 'restore':
      return { typed: request.typed }
    default:
      return {}
  }
}
