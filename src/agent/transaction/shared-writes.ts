import { coreContainers, isOf } from './core-containers.ts'
import type { CoreService } from './core-definition.ts'
import type { World } from './world.ts'

/**
 * Why services that are to start would write where another container of the core writes; null when none would. It counts where that one's
 * service does not share the place by this release, as one does that was renamed and runs on by its former name.
 */
export async function explainSharedWrites(
  starting: readonly CoreService[],
  services: readonly CoreService[],
  world: World,
): Promise<string | null> {
  const containers = await coreContainers(world)
  const problems = starting.flatMap((service) => {
    const own = containers.filter((one) => isOf(service, one))
    const had = own.flatMap(({ writes }) => writes)
    return containers.flatMap((other) => {
      if (own.includes(other)) return []
      const shared = services.find((one) => isOf(one, other))?.writes ?? []
      const place = service.writes.find(
        (one) => other.writes.includes(one) && !shared.includes(one) && !had.includes(one),
      )
      if (place === undefined) return []
      return `${service.name} would write to ${place} beside ${other.name}, and two on the same data destroy it: leave the service its former name (${other.service}), or in a quiet hour: docker stop ${other.name} && docker rm ${other.name}, then ask again`
    })
  })
  return problems.length === 0 ? null : problems.join('; ')
}
