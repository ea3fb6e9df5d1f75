import { CORE_LABEL, type Container } from '../server/engine.ts'
import type { CoreService } from './core-definition.ts'
import type { World } from './world.ts'

/** All containers of the core, of whichever release. */
export function coreContainers(world: World): Promise<Container[]> {
  return world.engine.containers({ label: CORE_LABEL })
}

/** Whether a container of the core is that of a service, also by a name that another definition gave it. */
export function isOf(service: CoreService, one: Container): boolean {
  return one.service === service.name || one.name === service.container
}

/** Stops and removes what runs of a service, by whichever definition. */
export async function removeContainers(service: CoreService, world: World): Promise<void> {
  const old = (await coreContainers(world)).filter((one) => isOf(service, one))
  if (old.length > 0)
    await world.engine.remove(
      old.map(({ id }) => id),
      service.grace,
    )
}
