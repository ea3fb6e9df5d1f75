import { badInput, refused } from '../lib/index.ts'
import type { Migration } from './files.ts'
import { type LeaseOptions, takeLease } from './lease.ts'
import { type Actor, contradictions, type HistoryLine, type LedgerEntry } from './ledger.ts'
import { LedgerWriter } from './ledger-writer.ts'
import { forgetUnwritten } from './restore.ts'
import type { Store } from './store.ts'
import { ask } from './verify.ts'

/** What a person can say of a migration. */
export type Marked = 'applied' | 'pending'

interface MarkOptions extends Actor {
  /** Kept in the history: how it was found out. */
  reason: string
  /** Whether it may be marked is all that is asked. */
  askOnly?: boolean | undefined
  signal: AbortSignal
  lease?: Omit<LeaseOptions, 'signal'>
}

/**
 * A person says what is true of a migration that nothing else can tell: interrupted with an unclear check, or a ledger edited by hand.
 * @throws Failure `bad-input` for an unknown id or no reason, `refused` when there is nothing to settle or the migration's own
 *   check says the contrary.
 */
export async function mark(
  store: Store,
  migrations: readonly Migration[],
  id: string,
  state: Marked,
  options: MarkOptions,
): Promise<void> {
  const migration = migrations.find((one) => one.id === id)
  if (migration === undefined) {
    throw badInput(
      `${id} is no migration of this release, which has ${migrations.map((one) => one.id).join(', ') || 'none'}`,
    )
  }
  if (options.reason.trim().length < 10) throw badInput('reason: say in at least 10 characters how you found out')
  const { run, actor, host, signal, reason } = options
  await using lease = await takeLease(store.lease, { run, actor, host }, 'mark', { ...options.lease, signal })
  const ledger = await store.ledger.read()
  const present = ledger.entries.find(({ _id }) => _id === id)
  refuseSettled(migration, present, ledger.history)
  const { kind } = await ask(store, migration, () => undefined, AbortSignal.any([signal, lease.signal]))
  if (kind === (state === 'applied' ? 'not-done' : 'done')) {
    throw refused(`${id} cannot be marked ${state}: its check says that it is ${kind === 'done' ? 'done' : 'not done'}`)
  }
  if (options.askOnly) return
  const writer = new LedgerWriter(store.ledger, lease, { run, actor, host }, ledger)
  const entry = writer.begin(migration, 'applied', present?.progress ?? {})
  if (state === 'applied') {
    await writer.announce('marked-applied', { ...entry, finishedAt: writer.now() }, reason)
    return
  }
  if (present === undefined) {
    await writer.announce('marked-pending', { ...entry, state: 'failed', error: reason }, reason)
  }
  // Images of what is written stay: by these the next run does nothing twice, and an undo finds the way back.
  await forgetUnwritten(store, id, () => lease.check())
  await writer.remove('marked-pending', entry, reason)
}

/** What ledger and history both say needs nobody's word. */
function refuseSettled(
  { id, sha256 }: Migration,
  entry: LedgerEntry | undefined,
  history: readonly HistoryLine[],
): void {
  const lines = history.filter(({ migration }) => migration === id)
  if (contradictions(entry === undefined ? [] : [entry], lines).length > 0) return
  if (entry === undefined) throw refused(`${id} is pending, and its history says nothing else: run it`)
  if (entry.sha256 !== sha256) {
    throw refused(
      `${id} is ${entry.state} in this database with another content: mark it with the release that ran it (--release)`,
    )
  }
  if (entry.state !== 'applied') return
  throw refused(`${id} is applied, and its history says the same: there is nothing to settle; to take it back, undo it`)
}
