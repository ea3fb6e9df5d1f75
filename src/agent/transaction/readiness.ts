import { Failure } from '../../lib/index.ts'
import type { Container } from '../server/engine.ts'
import { faultOf } from '../server/probe.ts'
import type { Instance, RunningService } from './state.ts'
import type { Run, World } from './world.ts'

const PROBE_EVERY = 25
const LOOK_EVERY = 200

/**
 * Waits until every container of the instance answers the agent's own probe and Docker's health check confirms it. How long
 * that may take is the service's `start_period`; `unhealthy` ends the wait before.
 * @throws Failure `error` that names the container and what it last answered.
 */
export async function waitReady(instance: Instance, run: Run, world: World): Promise<void> {
  await Promise.all(
    instance.services.flatMap((service) => service.containers.map((name) => waitContainer(name, service, run, world))),
  )
}

async function waitContainer(name: string, service: RunningService, run: Run, world: World): Promise<void> {
  const started = world.now()
  let answered: string | null = 'nothing yet'
  let container = await look(name, world)
  let looked = started
  while (answered !== null || container.health === 'starting') {
    run.signal.throwIfAborted()
    if (world.now() - looked >= LOOK_EVERY || container.address === null) {
      container = await look(name, world)
      looked = world.now()
    }
    const last = answered === null ? '' : ` (${service.ready} last answered: ${answered})`
    if (!container.running)
      throw new Failure('error', `${service.name} ended with ${container.exitCode} before it was ready${last}`)
    if (container.health === 'unhealthy') throw new Failure('error', `${service.name} is unhealthy${last}`)
    if (world.now() - started > service.startLimit)
      throw new Failure('error', `${service.name} was not ready within ${service.startLimit / 1000} s${last}`)
    if (answered !== null && container.address !== null) {
      answered = faultOf(await world.probe(container.address, service.port, service.ready))
    }
    if (answered !== null || container.health === 'starting') await world.sleep(PROBE_EVERY, run.signal)
  }
}

async function look(name: string, world: World): Promise<Container> {
  const [container] = await world.engine.containers({ names: [name] })
  if (!container) throw new Failure('error', `container ${name} is gone`)
  return container
}
