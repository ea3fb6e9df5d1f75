import { Failure } from '../../lib/index.ts'
import type { Container } from '../server/engine.ts'
import { faultOf } from '../server/probe.ts'
import type { Instance, RunningService } from './state.ts'
import type { Run, World } from './world.ts'

/** Milliseconds between two probes: often as long as most need to start, then seldom, since each probe may ask a database. */
const PROBE_EVERY = 25
const LATE_PROBE_EVERY = 250
const LATE = 3000
const LOOK_EVERY = 200

/**
 * Waits until every container of the instance answers the agent's own probe. How long that may take is the service's
 * `start_period`; a container that ends, or that Docker calls unhealthy, ends the wait before.
 * @throws Failure `error` that names the service and what it last answered.
 */
export async function waitAnswering(instance: Instance, run: Run, world: World): Promise<void> {
  const started = world.now()
  await Promise.all(
    instance.services.flatMap((service) =>
      service.containers.map((name) => waitContainer(name, service, started, run, world)),
    ),
  )
}

async function waitContainer(
  name: string,
  service: RunningService,
  started: number,
  run: Run,
  world: World,
): Promise<void> {
  let container = await look(name, world)
  let looked = started
  for (let answered = 'nothing yet'; ; ) {
    run.signal.throwIfAborted()
    if (world.now() - looked >= LOOK_EVERY || container.address === null) {
      container = await look(name, world)
      looked = world.now()
    }
    mustLive(container, service, world.now() - started, ` (${service.ready} last answered: ${answered})`)
    if (container.address !== null) {
      const fault = faultOf(await world.probe(container.address, service.port, service.ready))
      if (fault === null) return
      answered = fault
    }
    await world.sleep(world.now() - started < LATE ? PROBE_EVERY : LATE_PROBE_EVERY, run.signal)
  }
}

/**
 * Waits until Docker's own health check confirms every container that has one.
 * @param started when the wait for the instance began: the service's `start_period` counts from there.
 * @throws Failure `error` that names the service.
 */
export async function waitHealthy(instance: Instance, started: number, run: Run, world: World): Promise<void> {
  const names = instance.services.flatMap((service) => service.containers)
  for (;;) {
    run.signal.throwIfAborted()
    const containers = await world.engine.containers({ names })
    for (const service of instance.services) {
      for (const name of service.containers) {
        mustLive(found(containers, name), service, world.now() - started, ' (its health check never passed)')
      }
    }
    if (containers.every((one) => one.health !== 'starting')) return
    await world.sleep(PROBE_EVERY, run.signal)
  }
}

function mustLive(container: Container, service: RunningService, waited: number, last: string): void {
  if (!container.running)
    throw new Failure('error', `${service.name} ended with ${container.exitCode} before it was ready${last}`)
  if (container.health === 'unhealthy') throw new Failure('error', `${service.name} is unhealthy${last}`)
  if (waited > service.startLimit)
    throw new Failure('error', `${service.name} was not ready within ${service.startLimit / 1000} s${last}`)
}

async function look(name: string, world: World): Promise<Container> {
  return found(await world.engine.containers({ names: [name] }), name)
}

function found(containers: readonly Container[], name: string): Container {
  const container = containers.find((one) => one.name === name)
  if (!container) throw new Failure('error', `container ${name} is gone`)
  return container
}
