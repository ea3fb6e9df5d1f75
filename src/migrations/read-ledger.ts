import { refused } from '../lib/index.ts'
import { told } from './connection-loss.ts'
import { contradictions } from './ledger.ts'
import type { LedgerState, Store } from './store.ts'

/**
 * Ledger and history, which must agree.
 * @throws Failure `refused` when one was edited by hand, `unreachable` when the database went away.
 */
export async function readState(store: Pick<Store, 'ledger'>): Promise<LedgerState> {
  const state = await store.ledger.read().catch((thrown: unknown) => {
    throw told(thrown, 'the ledger cannot be read')
  })
  const found = contradictions(state.entries, state.history)
  if (found.length > 0) {
    throw refused(
      `${found.join('\n')}\nthe ledger was edited by hand: find out what is true, then say it with "pacs-agent migrate mark ID applied|pending --reason …"`,
    )
  }
  return state
}
