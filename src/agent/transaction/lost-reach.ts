import type { CoreService } from './core-definition.ts'
import type { World } from './world.ts'

/**
 * Why the edge, once it is replaced, would no longer reach what serves or is warm: it would share no network with that. Null when it
 * reaches them. The new release, which may be on other networks, comes only after it.
 */
export async function explainLostReach(changed: readonly CoreService[], world: World): Promise<string | null> {
  const { serving, warm } = world.store.state
  const edge = changed.find((service) => service.edge !== null)
  if (edge === undefined) return null
  for (const instance of [serving, warm?.instance]) {
    const routed = instance?.services.filter(({ route }) => route !== null) ?? []
    const containers = await world.engine.containers({ names: routed.flatMap((service) => service.containers) })
    const lost = containers.find(({ networks }) => !networks.some((network) => edge.edge?.includes(network)))
    if (lost === undefined) continue
    const why = `${edge.name} would no longer reach ${lost.name} of ${instance?.release}, which is on ${lost.networks.join(', ')} only`
    return instance === serving
      ? `${why}, and serves: keep ${edge.name} on that network as well for one release, and take it off with the next`
      : `${why}, and is warm until ${warm?.until}: ask again after that`
  }
  return null
}
