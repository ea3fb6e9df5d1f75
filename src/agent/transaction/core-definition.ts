import type { ArchivePlace } from '../../stack/index.ts'
import type { Project } from '../server/engine.ts'

/** A core service as a release defines it: one Compose project file of its own in the project `pacs`. */
export interface CoreService {
  name: string
  /** The services that it starts after; nothing is known of a definition that ran before. */
  after: readonly string[]
  /** Keyed, over the definition with its values and the contents of its files and secrets; see {@link hashesOf}. */
  hash: string
  image: string
  container: string
  /** Volumes and folders of the server that it may write to; nothing is known of a definition that ran before. */
  writes: readonly string[]
  /** The networks by which the edge reaches the app; null for what is not the edge, and for a definition that ran before. */
  edge: readonly string[] | null
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
