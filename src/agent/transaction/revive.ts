import { Failure, messageOf } from '../../lib/index.ts'
import { applyTraffic } from './cutover.ts'
import { pullAll } from './pull.ts'
import { waitAnswering } from './readiness.ts'
import type { Instance } from './state.ts'
import type { Plan, Run, World } from './world.ts'

/**
 * Brings back what serves by the state and does not answer, as after a `docker compose down`. What of it is there stays and is started
 * where it does not run; nothing is staged, since nothing else has its traffic.
 * @throws Failure `refused` when an image cannot be had, `failed` when it does not answer again.
 */
export async function revive(plan: Plan, run: Run, world: World): Promise<void> {
  const { instance, images } = plan
  const { release } = instance
  await run.report.step('start', `${release} does not answer: what of it does not run is started`)
  if (!(await isWhole(instance, world))) await pullAll(images, run, world)
  try {
    await startAll(plan, world)
    await waitAnswering(instance, run, world)
    await applyTraffic(world)
  } catch (thrown) {
    throw new Failure(
      'failed',
      `${release} is what serves, and does not answer: ${messageOf(thrown)}; mend that and ask again, or go to another release: pacs-agent rollback ID --reason TEXT (pacs-agent releases lists them)`,
      { cause: thrown },
    )
  }
}

/** Whether every container of an instance is there, running or not. */
export async function isWhole({ services }: Instance, world: World): Promise<boolean> {
  const names = services.flatMap((service) => service.containers)
  return (await world.engine.containers({ names })).length === names.length
}

/** Starts what of an instance does not run, and makes what of it is gone, from images that are here. */
export async function startAll({ instance, project }: Plan, world: World): Promise<void> {
  if (!(await isWhole(instance, world))) await world.engine.create(project)
  await world.engine.start(instance.services.flatMap((service) => service.containers))
}
