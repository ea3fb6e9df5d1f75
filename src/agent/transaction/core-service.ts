import { Failure, formatDuration } from '../../lib/index.ts'
import type { Container } from '../server/engine.ts'
import type { CoreService } from './core-definition.ts'
import type { Replacing, State } from './state.ts'
import type { Run, World } from './world.ts'

/** Starts by the engine after which a service counts as one that does not come up: some end once or twice before they find what they need. */
const STARTS = 5
/** Milliseconds in which a service is to be healthy, whatever Docker makes of it meanwhile. */
const UP_LIMIT = 30 * 60_000

/** Writes down the step that a service is about to take. */
export function announce(step: Replacing, world: World): Promise<void> {
  return writeCore(world, { replacing: [...replacingOthers(step.service, world), step] })
}

/** What is under way of other services than `name`. */
export function replacingOthers(name: string, world: World): Replacing[] {
  return world.store.state.core.replacing.filter(({ service }) => service !== name)
}

/** Changes the core's part of the state. */
export function writeCore(world: World, change: Partial<State['core']>): Promise<void> {
  const { state } = world.store
  return world.store.write({ ...state, core: { ...state.core, ...change } })
}

/** The service runs by this hash; `isNew` says whether that is the one which the transaction wants. */
export function settle(name: string, hash: string, isNew: boolean, world: World): Promise<void> {
  const { services, work } = world.store.state.core
  const replacing = replacingOthers(name, world)
  const settled = work && isNew ? { done: [...work.done, name], left: work.left.filter((one) => one !== name) } : work
  return writeCore(world, { services: { ...services, [name]: hash }, replacing, work: settled })
}

/**
 * Waits until a core service runs and is healthy, or what else `look` asks for.
 * @param look judges the container: true when it is as it should be, false to look again, a text for what is wrong with it for good.
 * @throws Failure `failed` with what is wrong.
 */
export async function waitUp(
  service: CoreService,
  run: Pick<Run, 'report'>,
  world: World,
  look: (container: Container) => boolean | string = untilUp(world),
): Promise<void> {
  const started = world.now()
  let said = started
  for (;;) {
    const [container] = await world.engine.containers({ names: [service.container] })
    const seen = container ? look(container) : 'is gone'
    if (seen === true) return
    if (seen !== false)
      throw new Failure('failed', `${service.name} ${seen}; its log: docker logs ${service.container}`)
    if (world.now() - said >= 5000) {
      said = world.now()
      await run.report.progress(`${service.name} is not healthy yet after ${formatDuration(said - started)}`)
    }
    await world.sleep(100)
  }
}

/** Looks until a service is healthy; one that the engine starts again and again runs whenever it is looked at. */
export function untilUp(world: World, limit = UP_LIMIT): (container: Container) => boolean | string {
  const since = world.now()
  const starts = new Set<string>()
  let ended = 0
  return ({ running, exitCode, startedAt, health }) => {
    if (!running) return `ended with ${exitCode}`
    if (health === 'unhealthy') return 'is unhealthy'
    if (health !== 'starting') return true
    starts.add(startedAt)
    // It is 0 while it runs.
    if (exitCode !== 0) ended = exitCode
    if (starts.size > STARTS) return `ended with ${ended} and is started again and again`
    return world.now() - since > limit && `is not healthy after ${formatDuration(limit)}`
  }
}
