import { INSTANCE_HEADER } from '../../stack/index.ts'
import { faultOf } from '../server/probe.ts'
import type { Instance } from './state.ts'
import type { World } from './world.ts'

/**
 * Asks every check of every routed service through the public entry.
 * @returns why an answer is not right, or does not come from this instance; null when all are right.
 */
export async function publicFault(
  instance: Instance,
  publicHost: string,
  headers: Readonly<Record<string, string>>,
  world: World,
): Promise<string | null> {
  for (const service of instance.services) {
    if (service.route === null) continue
    for (const { path, status } of service.checks) {
      const answer = await world.edge.ask(publicHost, path, headers)
      const fault = faultOf(answer, status) ?? ('headers' in answer ? foreign(answer.headers, instance) : null)
      if (fault !== null) return `${service.name}: ${path} through Traefik: ${fault}`
    }
  }
  return null
}

function foreign(headers: Readonly<Record<string, string | string[] | undefined>>, instance: Instance): string | null {
  const seen = headers[INSTANCE_HEADER.toLowerCase()]
  return seen === instance.i8 ? null : `answered by instance ${seen ?? 'unknown'}, not by ${instance.i8}`
}
