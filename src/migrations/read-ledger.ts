import { refused } from '../lib/index.ts'
import { told } from './connection-loss.ts'
import { contradictions } from './ledger.ts'
import type { LedgerState, LedgerStore } from './store.ts'

/** A run that ends meanwhile writes between the reading of the one and of the other; what a hand wrote stays. */
const READS = 3

/**
 * Ledger and history, which must agree.
 * @throws Failure `refused` when one was edited by hand, `unreachable` when the database went away.
 */
export async function readState(store: { ledger: Pick<LedgerStore, 'read'> }): Promise<LedgerState> {
  let found: string[] = []
  for (let read = 0; read < READS; read += 1) {
    const state = await store.ledger.read().catch((thrown: unknown) => {
      throw told(thrown, 'the ledger cannot be read')
    })
    found = contradictions(state.entries, state.history)
    if (found.length === 0) return state
  }
  throw refused(
    `${found.join('\n')}\nthe ledger was edited by hand: find out what is true, then say it with "pacs-agent migrate mark ID applied|pending --reason …"`,
  )
}
