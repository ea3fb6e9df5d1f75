import { Failure, formatDuration } from '../../lib/index.ts'
import type { ArchivePlace } from '../../stack/index.ts'
import type { Container, Project } from '../server/engine.ts'
import type { Replacing, State } from './state.ts'
import type { Run, World } from './world.ts'

/** A core service as a release defines it: one Compose project file of its own in the project `pacs`. */
export interface CoreService {
  name: string
  /** The services that it starts after; nothing is known of a definition that ran before. */
  after: readonly string[]
  /** Keyed, over the definition with its values and the contents of its files and secrets; see {@link hashesOf}. */
  hash: string
  image: string
  container: string
  project: Project
  /** Seconds that a stop may take. */
  grace: number
  /** The files that it takes up anew on a signal; null when it has none. */
  live: LiveFiles | null
  /** Where its images lie, if it is an archive; nothing is known of a definition that ran before. */
  archive: ArchivePlace | null
  /** Lays down the files that it mounts; doing it again changes nothing. */
  materialize(): Promise<void>
}

/** The mounted folders of a service with `x-pacs.reload`, of which several versions are kept. */
export interface LiveFiles {
  signal: string
  /** The hash of the files that this release brings. */
  version: string
  /** Renames the files of a version into the mounted folders; doing it again changes nothing. */
  place(version: string): Promise<void>
  /** What the service must see of a version: path in its container → text. */
  seen(version: string): Promise<ReadonlyMap<string, string>>
}

/** The two halves of a core service's hash: what only a replacement changes, and the live files, where it has any. */
export function hashesOf(hash: string): { definition: string; files: string | null } {
  const [definition = '', files = null] = hash.split('.')
  return { definition, files }
}

/** Whether what leads from one hash of a service to another is a change of its live files alone. */
export function isReload(from: string | null | undefined, to: string): boolean {
  return from != null && hashesOf(to).files !== null && hashesOf(from).definition === hashesOf(to).definition
}

/** Writes down the step that a service is about to take. */
export function announce(step: Replacing, world: World): Promise<void> {
  return writeCore(world, { replacing: [...replacingOthers(step.service, world), step] })
}

/** What is under way of other services than `name`. */
export function replacingOthers(name: string, world: World): Replacing[] {
  return world.store.state.core.replacing.filter(({ service }) => service !== name)
}

/** Changes the core's part of the state. */
export function writeCore(world: World, change: Partial<State['core']>): Promise<void> {
  const { state } = world.store
  return world.store.write({ ...state, core: { ...state.core, ...change } })
}

/** The service runs by this hash; `isNew` says whether that is the one which the transaction wants. */
export function settle(name: string, hash: string, isNew: boolean, world: World): Promise<void> {
  const { services, work } = world.store.state.core
  const replacing = replacingOthers(name, world)
  const settled = work && isNew ? { done: [...work.done, name], left: work.left.filter((one) => one !== name) } : work
  return writeCore(world, { services: { ...services, [name]: hash }, replacing, work: settled })
}

/**
 * Waits until a core service runs and is healthy, or what else `look` asks for.
 * @param look judges the container: true when it is as it should be, false to look again, a text for what is wrong with it for good.
 * @throws Failure `failed` with what is wrong.
 */
export async function waitUp(
  service: CoreService,
  run: Pick<Run, 'report'>,
  world: World,
  look: (container: Container) => boolean | string = isUp,
): Promise<void> {
  const started = world.now()
  let said = started
  for (;;) {
    const [container] = await world.engine.containers({ names: [service.container] })
    const seen = container ? look(container) : 'is gone'
    if (seen === true) return
    if (seen !== false)
      throw new Failure('failed', `${service.name} ${seen}; its log: docker logs ${service.container}`)
    if (world.now() - said >= 5000) {
      said = world.now()
      await run.report.progress(`${service.name} is not healthy yet after ${formatDuration(said - started)}`)
    }
    await world.sleep(100)
  }
}

function isUp({ running, exitCode, health }: Container): boolean | string {
  if (!running) return `ended with ${exitCode}`
  return health === 'unhealthy' ? 'is unhealthy' : health !== 'starting'
}
