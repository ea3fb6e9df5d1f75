import type { ReleaseManifest } from '../release/index.ts'
import type { LedgerEntry } from './ledger.ts'

/**
 * Whether a release may run on a database (I4): all its expands are applied as it knows them, and every contract that was
 * applied is one that it knows.
 * @returns why it may not, one line each; empty when it may.
 */
export function mayRun(migrations: ReleaseManifest['migrations'], ledger: readonly LedgerEntry[]): string[] {
  const refusals: string[] = []
  const entries = new Map(ledger.map((entry) => [entry._id, entry]))
  const known = new Map(migrations.map((migration) => [migration.id, migration]))
  for (const { id, phase, sha256 } of migrations) {
    const entry = entries.get(id)
    if (entry !== undefined && entry.state !== 'failed' && entry.sha256 !== sha256) {
      refusals.push(`${id} was applied with another content than this release has: it was edited after it ran`)
    } else if (phase === 'expand' && entry?.state !== 'applied') {
      refusals.push(
        `${id} (expand) is ${entry === undefined ? 'not applied' : wordOf(entry.state)}: run migrate with phase expand first`,
      )
    }
  }
  for (const { _id: id, phase, state } of ledger) {
    if (phase !== 'contract' || known.has(id)) continue
    refusals.push(
      `${id} (contract) is ${wordOf(state)}, and this release does not know it: its code still needs what that removes`,
    )
  }
  return refusals
}

function wordOf(state: LedgerEntry['state']): string {
  return state === 'rolling-back' ? 'half undone' : state === 'applying' ? 'half applied' : state
}
