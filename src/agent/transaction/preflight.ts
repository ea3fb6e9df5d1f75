import { Problems, refused } from '../../lib/index.ts'
import type { Plan, World } from './world.ts'

/** Below this the engine's disk is too full to take in a release: images are unpacked beside those that run. */
const LEAST_DISK = 2 * 1024 ** 3
/** A release that is older than this server's clock by more than a clock's ordinary error. */
const CLOCK_ERROR = 5 * 60_000

/**
 * Everything that can be known before the first change, beyond manifest, stack, configuration and core.
 * @throws Failure `refused` with all that speaks against it.
 */
export async function preflight({ release, instance, memory }: Plan, world: World): Promise<void> {
  const problems = new Problems()
  const ahead = Date.parse(release.manifest.created) - world.now()
  if (ahead > CLOCK_ERROR) {
    problems.add(
      `${release.id} was made ${Math.round(ahead / 1000)} s in the future of this server's clock: set the clock`,
    )
  }
  const [free, available, strangers] = await Promise.all([
    world.engine.freeDisk(),
    world.availableMemory(),
    foreignProjects(
      instance.services.map((service) => service.name),
      world,
    ),
  ])
  if (free < LEAST_DISK) {
    problems.add(
      `the engine's disk has ${gib(free)} free and needs at least ${gib(LEAST_DISK)}: make room (docker system df)`,
    )
  }
  if (memory > available) {
    problems.add(
      `a second release beside the first may use ${gib(memory)} of memory, and ${gib(available)} are available`,
    )
  }
  for (const problem of strangers) {
    problems.add(problem)
  }
  if (problems.found.length > 0) throw refused(problems.found.join('; '))
}

/** What speaks against each Compose project that is not the agent's and has a service of the same name. */
export async function foreignProjects(services: readonly string[], world: World): Promise<string[]> {
  const containers = await world.engine.containers({ label: 'com.docker.compose.project' })
  const foreign = containers.filter(
    (one) => !/^pacs(-[0-9a-f]{8})?$/.test(one.project) && services.includes(one.service),
  )
  return [...new Set(foreign.map((one) => one.project))]
    .sort()
    .map(
      (project) =>
        `the Compose project ${project} runs services of this stack without the agent: take it down first (docker compose -p ${project} down)`,
    )
}

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`
}
