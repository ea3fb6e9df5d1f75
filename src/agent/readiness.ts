import { Failure } from '../lib/index.ts'
import type { Container } from './engine.ts'
import { faultOf } from './probe.ts'
import type { Instance, RunningService } from './state.ts'
import type { Run, World } from './world.ts'

const PROBE_EVERY = 25
const LOOK_EVERY = 200
/** For a service without a health check of its own, whose time Compose does not limit. */
const UNCHECKED_LIMIT = 60_000
/** A health check that never decides must not hold a transaction for ever. */
const LONGEST = 600_000

/**
 * Waits until every container of the instance answers the agent's own probe and Docker's health check confirms it. How long a
 * service may take is what its health check allows: `unhealthy` ends the wait.
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
    const limit = container.health === 'none' ? UNCHECKED_LIMIT : LONGEST
    if (world.now() - started > limit)
      throw new Failure('error', `${service.name} was not ready within ${limit / 1000} s${last}`)
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
