import { Failure } from '../../lib/index.ts'
import { targetsOf } from './targets.ts'
import { trafficOf } from './traffic.ts'
import type { World } from './world.ts'

/** Milliseconds within which Traefik must serve a new file (lab: 0.003 to 0.07 s, throttled to one change per 0.1 s). */
const APPLY_LIMIT = 5000

/**
 * Makes Traefik serve what the state says, and Prometheus scrape it: writes both files and waits until every router in Traefik's API is enabled and names
 * the service that it should, and no other router is left.
 * @throws Failure `error` with the routers that are not as they should be after 5 s.
 */
export async function applyTraffic(world: World): Promise<void> {
  const { state } = world.store
  const receiver =
    state.phase === 'switched' ? state.candidate : (state.serving ?? state.candidate ?? state.undone?.instance ?? null)
  const traffic = trafficOf(state, receiver ? await world.certificateOf(receiver) : null)
  await world.edge.write(traffic.text)
  await world.writeTargets(targetsOf(state))
  const deadline = world.now() + APPLY_LIMIT
  for (;;) {
    const seen = await world.edge.routers()
    const wrong = seen ? differences(traffic.routers, seen) : ['its API does not answer']
    if (wrong.length === 0) return
    if (world.now() > deadline) {
      throw new Failure(
        'error',
        `Traefik does not serve what was written within 5 s: ${wrong.join('; ')} (its log says why)`,
      )
    }
    await world.sleep(10)
  }
}

function differences(
  wanted: ReadonlyMap<string, string>,
  seen: ReadonlyMap<string, { service: string; status: string }>,
): string[] {
  const wrong: string[] = []
  for (const [name, service] of wanted) {
    const router = seen.get(name)
    if (!router) wrong.push(`router ${name} is missing`)
    else if (router.status !== 'enabled') wrong.push(`router ${name} is ${router.status}`)
    else if (router.service !== service) wrong.push(`router ${name} leads to ${router.service}, not to ${service}`)
  }
  for (const name of seen.keys()) if (!wanted.has(name)) wrong.push(`router ${name} is still there`)
  return wrong
}
