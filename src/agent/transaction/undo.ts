import { formatDuration, messageOf } from '../../lib/index.ts'
import type { TransactionResult } from '../protocol.ts'
import { INSTANCE_LABEL } from '../server/engine.ts'
import { applyTraffic } from './cutover.ts'
import type { Reporter } from './journal.ts'
import { publicFault } from './public-entry.ts'
import { ended, type Instance } from './state.ts'
import type { World } from './world.ts'

/** Milliseconds for which a candidate that was public still serves its assets: who got its page just now is loading them. */
const PAGE_LOAD = 5000

/**
 * Undoes what is not sealed, from any point of a transaction: traffic goes back first, then the candidate goes. One that nobody
 * was sent to is killed; one that was public becomes `undone` in the state, which housekeeping ends in its time. A transaction
 * that fails, an abort, and a start after a crash all come through here; done twice it does the same.
 * @returns the result `rolled-back`, already in the state.
 * @throws what stands in the way; phase and transaction are kept, so that it can be tried again.
 */
export async function undo(world: World, report: Reporter, reason: string): Promise<TransactionResult> {
  const { transaction, candidate, serving, warm, phase, undone } = world.store.state
  if (!transaction) throw new Error('there is nothing to undo')
  const started = world.now()
  await report.step('undo', reason)
  // A candidate that was warm before stays warm: pages of it are still open somewhere.
  const leaving = candidate && candidate.instance !== warm?.instance.instance ? candidate : null
  if (phase === 'switched') {
    const until = new Date(world.now() + PAGE_LOAD).toISOString()
    const left = leaving ? { instance: leaving, until } : undone
    await world.store.write({ ...world.store.state, phase: 'staging', candidate: null, undone: left })
  }
  await applyTraffic(world)
  if (phase === 'staging' && leaving) await removeInstance(leaving, world, report.note, 0)
  const result: TransactionResult = {
    outcome: 'rolled-back',
    message: `${reason}; undone in ${formatDuration(world.now() - started)}: ${await standing(serving, world)}`,
    serving: serving?.release ?? null,
    previous: serving?.release ?? null,
  }
  const { state } = world.store
  await world.store.write({ ...state, phase: 'idle', candidate: null, transaction: null, ...ended(state, result) })
  // Only the preview router is left to take away; should that fail, the file is written anew at the next change or start.
  await applyTraffic(world).catch((thrown) => report.note(`the preview router may still stand: ${messageOf(thrown)}`))
  return result
}

/** What serves after an undo, as the public entry shows it. */
async function standing(serving: Instance | null, world: World): Promise<string> {
  if (!serving) return 'nothing serves (it was the first installation)'
  const fault = await publicFault(serving, await world.publicHostOf(serving), {}, world)
  return fault === null
    ? `${serving.release} serves`
    : `${serving.release} has its traffic back, but does not answer well: ${fault}`
}

/**
 * Stops the containers of an instance and removes them, and the instance's own networks. A network that cannot go, as one that somebody
 * joined to look into it, is only noted: it harms nothing, and prune removes it later.
 * @param grace seconds that each may take to stop; what its service says when absent.
 */
export async function removeInstance(
  instance: Instance,
  world: World,
  note: (message: string) => unknown,
  grace?: number,
): Promise<void> {
  const containers = await world.engine.containers({ label: `${INSTANCE_LABEL}=${instance.instance}` })
  await world.engine.remove(
    containers.map((container) => container.id),
    grace,
  )
  await removeNetworks(`pacs-${instance.i8}`, world, note)
}

/** Removes the networks of a project, or notes why they stay. */
export async function removeNetworks(project: string, world: World, note: (message: string) => unknown): Promise<void> {
  try {
    await world.engine.removeNetworks(project)
  } catch (thrown) {
    await note(`networks of ${project} stay until a later prune: ${messageOf(thrown)}`)
  }
}
