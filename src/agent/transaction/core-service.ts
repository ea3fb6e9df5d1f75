import { Failure, formatDuration } from '../../lib/index.ts'
import type { Container } from '../server/engine.ts'
import type { CoreService } from './core-definition.ts'
import type { Replacing, State } from './state.ts'
import type { Run, World } from './world.ts'

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
  look: (container: Container) => boolean | string = isUp,
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

function isUp({ running, exitCode, health }: Container): boolean | string {
  if (!running) return `ended with ${exitCode}`
  return health === 'unhealthy' ? 'is unhealthy' : health !== 'starting'
}
