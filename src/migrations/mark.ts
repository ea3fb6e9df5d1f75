import { badInput, refused } from '../lib/index.ts'
import type { Migration } from './files.ts'
import { type LeaseOptions, takeLease } from './lease.ts'
import type { Actor } from './ledger.ts'
import { LedgerWriter } from './ledger-writer.ts'
import type { Store } from './store.ts'

export interface MarkOptions extends Actor {
  /** Kept in the history: how it was found out. */
  reason: string
  signal: AbortSignal
  lease?: Omit<LeaseOptions, 'signal'>
}

/**
 * A person says what is true of a migration that nothing else can tell: interrupted with an unclear check, or a ledger edited by hand.
 * @throws Failure `bad-input` for an unknown id or no reason, `refused` when there is nothing to settle.
 */
export async function mark(
  store: Store,
  migrations: readonly Migration[],
  id: string,
  state: 'applied' | 'pending',
  options: MarkOptions,
): Promise<void> {
  const migration = migrations.find((one) => one.id === id)
  if (migration === undefined) throw badInput(`"${id}" is no migration of this release`)
  if (options.reason.trim().length < 10) throw badInput('reason: say in at least 10 characters how you found out')
  const { run, actor, host, signal, reason } = options
  await using lease = await takeLease(store.lease, { run, actor, host }, 'mark', { ...options.lease, signal })
  const ledger = await store.ledger.read()
  const writer = new LedgerWriter(store.ledger, lease, { run, actor, host }, ledger)
  const present = ledger.entries.find(({ _id }) => _id === id)
  const entry = writer.begin(migration, 'applied', present?.progress ?? {})
  if (state === 'applied') {
    await writer.announce('marked-applied', { ...entry, finishedAt: writer.now() }, reason)
    return
  }
  if (present === undefined) {
    if (!ledger.history.some((line) => line.migration === id)) throw refused(`${id} is pending already`)
    await writer.announce('marked-pending', { ...entry, state: 'failed', error: reason }, reason)
  }
  await writer.remove('marked-pending', entry, reason)
}
