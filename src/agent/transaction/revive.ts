import { Failure, messageOf } from '../../lib/index.ts'
import { applyTraffic } from './cutover.ts'
import { pullAll } from './pull.ts'
import { waitAnswering } from './readiness.ts'
import type { Plan, Run, World } from './world.ts'

/**
 * Brings back what serves by the state and does not answer, as after a `docker compose down`. What of it is there stays and is started
 * where it does not run; nothing is staged, since nothing else has its traffic.
 * @throws Failure `refused` when an image cannot be had, `failed` when it does not answer again.
 */
export async function revive({ instance, images, project }: Plan, run: Run, world: World): Promise<void> {
  const { release, services } = instance
  const names = services.flatMap((service) => service.containers)
  await run.report.step('start', `${release} does not answer: what of it does not run is started`)
  const isWhole = (await world.engine.containers({ names })).length === names.length
  if (!isWhole) await pullAll(images, run, world)
  try {
    if (!isWhole) await world.engine.create(project)
    await world.engine.start(names)
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
