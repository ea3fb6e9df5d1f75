import { formatDuration, messageOf } from '../../lib/index.ts'
import type { TransactionResult } from '../protocol.ts'
import { INSTANCE_LABEL } from '../server/engine.ts'
import { applyTraffic } from './cutover.ts'
import type { Reporter } from './journal.ts'
import type { Instance } from './state.ts'
import type { World } from './world.ts'

/** Milliseconds for which a candidate that was public still serves its assets: who got its page just now is loading them. */
const PAGE_LOAD = 5000

/**
 * Undoes what is not sealed, from any point of a transaction: traffic goes back first, then the candidate is removed. A
 * transaction that fails, an abort, and a start after a crash all come through here; done twice it does the same.
 * @returns the result `rolled-back`, already in the state.
 * @throws what stands in the way; phase and transaction are kept, so that it can be tried again.
 */
export async function undo(world: World, report: Reporter, reason: string): Promise<TransactionResult> {
  const { state } = world.store
  const { transaction, candidate, serving } = state
  if (!transaction) throw new Error('there is nothing to undo')
  const started = world.now()
  await report.step('undo', reason)
  if (state.phase === 'switched') await world.store.write({ ...state, phase: 'staging' })
  if (candidate) {
    await applyTraffic(world)
    if (state.phase === 'switched') await world.sleep(PAGE_LOAD)
    // A candidate that was warm before stays warm: pages of it are still open somewhere.
    if (candidate.instance !== state.warm?.instance.instance) await removeInstance(candidate, world)
  }
  const result: TransactionResult = {
    outcome: 'rolled-back',
    message: `${reason}; undone in ${formatDuration(world.now() - started)}: ${serving ? `${serving.release} serves` : 'nothing serves (it was the first installation)'}`,
    serving: serving?.release ?? null,
    previous: serving?.release ?? null,
  }
  await world.store.write({
    ...world.store.state,
    phase: 'idle',
    candidate: null,
    transaction: null,
    last: { transaction: transaction.id, result },
  })
  // Only the preview router is left to take away; should that fail, the file is written anew at the next change or start.
  await applyTraffic(world).catch((thrown) => report.note(`the preview router may still stand: ${messageOf(thrown)}`))
  return result
}

/** Stops the containers of an instance within their grace, removes them, and the instance's own networks. */
export async function removeInstance(instance: Instance, world: World): Promise<void> {
  const containers = await world.engine.containers({ label: `${INSTANCE_LABEL}=${instance.instance}` })
  const grace = Math.max(0, ...instance.services.map((service) => service.grace))
  await world.engine.remove(
    containers.map((container) => container.id),
    grace,
  )
  await world.engine.removeNetworks(`pacs-${instance.i8}`)
}
