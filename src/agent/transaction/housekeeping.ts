import { INSTANCE_LABEL } from '../server/engine.ts'
import { applyTraffic } from './cutover.ts'
import type { Planner } from './planner.ts'
import type { State } from './state.ts'
import { removeInstance, removeNetworks } from './undo.ts'
import type { World } from './world.ts'

/** The previous release is stopped; from here a rollback to it starts it anew. */
export async function endWarm(world: World, note: (message: string) => unknown): Promise<void> {
  const { warm } = world.store.state
  if (!warm) return
  await world.store.write({ ...world.store.state, warm: null })
  await applyTraffic(world)
  await removeInstance(warm.instance, world, note)
}

/** What was undone has loaded its open pages, and stops. */
export async function endUndone(world: World, note: (message: string) => unknown): Promise<void> {
  const { undone } = world.store.state
  if (!undone) return
  await world.store.write({ ...world.store.state, undone: null })
  await applyTraffic(world)
  await removeInstance(undone.instance, world, note)
}

/** Removes what no rollback can ask for any more, and networks that stayed behind; while no transaction runs, which could join one of these. */
export async function prune(world: World, planner: Planner, log: (message: string) => void): Promise<void> {
  const { history, serving, candidate, warm, undone, core } = world.store.state
  const kept = [...history.map((entry) => entry.instance), serving, candidate, warm?.instance, undone?.instance]
  await planner.prune({
    instances: kept.filter((one) => one !== null && one !== undefined),
    core: coreKept(core),
    coreRelease: core.release,
    serving: serving?.release ?? null,
  })
  const containers = await world.engine.containers({ label: INSTANCE_LABEL })
  const used = new Set(containers.map((one) => one.labels[INSTANCE_LABEL]))
  const named = namedInstances(world)
  const left = (await world.engine.networks()).filter(({ instance }) => !named.has(instance) && !used.has(instance))
  for (const project of new Set(left.map((one) => one.project))) await removeNetworks(project, world, log)
}

/** The definitions by which core services run: a container has that of one which is not settled yet, too, or may. */
function coreKept({ services, replacing }: State['core']): Record<string, string[]> {
  const hashes = [...Object.entries(services), ...replacing.map(({ service, to }) => [service, to] as const)]
  const hashesOf = (name: string) => hashes.flatMap(([service, hash]) => (service === name ? [hash] : []))
  return Object.fromEntries(hashes.map(([name]) => [name, hashesOf(name)]))
}

/**
 * Removes containers of instances that the state does not name: what a killed agent left behind, and what a seal superseded. One is removed when it was a
 * stranger at the last look too, since the engine may still be carrying out what a dead agent asked for.
 * @param before the strangers of the last look.
 * @returns the strangers of this look.
 */
export async function sweep(
  before: ReadonlySet<string>,
  world: World,
  log: (message: string) => void,
): Promise<Set<string>> {
  const named = namedInstances(world)
  const containers = await world.engine.containers({ label: INSTANCE_LABEL })
  const strangers = containers.filter((one) => !named.has(one.labels[INSTANCE_LABEL] ?? ''))
  const twice = strangers.filter((one) => before.has(one.id))
  if (twice.length > 0) {
    log(`removes ${twice.map((one) => one.name).join(', ')}: no instance of the state`)
    await world.engine.remove(twice.map((one) => one.id))
    // A transaction may have begun to bring one of them up again meanwhile.
    const left = twice.filter((one) => !namedInstances(world).has(one.labels[INSTANCE_LABEL] ?? ''))
    for (const project of new Set(left.map((one) => one.project))) await removeNetworks(project, world, log)
  }
  return new Set(strangers.map((one) => one.id))
}

function namedInstances({ store: { state } }: World): Set<string> {
  const named = [state.serving, state.candidate, state.warm?.instance, state.undone?.instance]
  return new Set(named.flatMap((one) => one?.instance ?? []))
}
