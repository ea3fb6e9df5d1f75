import type { HealthReport } from '../protocol.ts'
import { CORE_LABEL } from '../server/engine.ts'
import { faultOf } from '../server/probe.ts'
import type { World } from './world.ts'

type Check = HealthReport['checks'][number]

/** Asks everything that serves, now: each container of the app, each core service, and the public entry. */
export async function checkHealth(world: World): Promise<HealthReport> {
  const { serving, core } = world.store.state
  if (!serving) {
    return {
      healthy: false,
      checks: [{ name: 'serving', critical: true, ok: false, detail: 'nothing was deployed yet', ms: 0 }],
    }
  }
  const checks: Promise<Check>[] = []
  const check = (name: string, critical: boolean, look: () => Promise<string | null>) => {
    checks.push(
      (async () => {
        const started = world.now()
        const fault = await look()
        return { name, critical, ok: fault === null, detail: fault ?? 'ok', ms: world.now() - started }
      })(),
    )
  }
  for (const service of serving.services) {
    for (const name of service.containers) {
      check(`${service.name}${service.ready}`, service.critical, async () => {
        const [container] = await world.engine.containers({ names: [name] })
        if (!container?.running || container.address === null) return 'does not run'
        return faultOf(await world.probe(container.address, service.port, service.ready))
      })
    }
    if (service.route === null) continue
    for (const { path, status } of service.checks) {
      check(`public ${path}`, service.critical, async () =>
        faultOf(await world.edge.ask(await world.publicHostOf(serving), path), status),
      )
    }
  }
  const names = Object.keys(core.services)
  const containers = names.length === 0 ? [] : world.engine.containers({ label: CORE_LABEL })
  for (const name of names) {
    check(`core ${name}`, true, async () => {
      const container = (await containers).find(({ service }) => service === name)
      if (!container?.running) return 'does not run'
      return container.health === 'healthy' || container.health === 'none' ? null : container.health
    })
  }
  const all = await Promise.all(checks)
  return { healthy: all.every((one) => one.ok || !one.critical), checks: all }
}
