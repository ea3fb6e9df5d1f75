import { faultOf } from '../server/probe.ts'
import type { Instance } from './state.ts'
import type { World } from './world.ts'

/**
 * How many requests an instance still answers, by the gauges that its services name. One that cannot be read counts as none, and `log` is
 * told: what does not answer there ends no request either.
 */
export async function inFlight({ services }: Instance, world: World, log: (message: string) => void): Promise<number> {
  const asked = services.flatMap(({ containers, metrics }) => {
    const gauge = metrics?.inFlight
    return metrics === null || gauge === undefined ? [] : containers.map((name) => ({ ...metrics, name, gauge }))
  })
  const containers = await world.engine.containers({ names: asked.map(({ name }) => name) })
  const counts = await Promise.all(
    asked.map(async ({ name, port, path, gauge }) => {
      const address = containers.find((one) => one.name === name)?.address
      const answer = address ? await world.probe(address, port, path) : { error: 'it does not run' }
      const count = 'body' in answer && faultOf(answer) === null ? numberOf(gauge, answer.body) : null
      if (count === null)
        log(`${name}: its requests count as none: ${faultOf(answer) ?? `${path} has no number of ${gauge}`}`)
      return count ?? 0
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** The sum of a metric's values in Prometheus text; null where it has none. */
function numberOf(metric: string, text: string): number | null {
  const lines = [...text.matchAll(new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)`, 'gm'))]
  const sum = lines.reduce((total, [, value]) => total + Number(value), 0)
  return lines.length > 0 && Number.isFinite(sum) ? sum : null
}
