import type { ArchiveSource } from './archive.ts'
import type { CacheSource } from './cache.ts'
import type { DatabaseAddress } from './database.ts'
import type { Repository } from './restic.ts'
import type { Tools } from './take-backup.ts'

/** What is restored, and where to. */
export type RestoreTarget =
  /** The whole database beside the live one, under a name of its own; as it was when the second of `to` (ISO 8601) began. */
  | { kind: 'database'; to?: string | undefined }
  /** One collection beside the live one; it takes its place only when its name was typed. */
  | { kind: 'collection'; collection: string }
  /** The DICOM files of one study, into a directory. */
  | { kind: 'study'; study: string; directory: string }
  /** All data into services that hold none, and the folders into a directory. */
  | { kind: 'everything'; directory: string }

export interface RestoreRunRequest {
  tools: Tools
  /** A directory of restores alone, 0700; emptied before and after. */
  work: string
  /** The one on this server. */
  repository: Repository
  /** Where the backup is, if not in `repository`; everything is copied from there into `repository` first. */
  from: Repository | null
  /** `newest` of this server's, or the id of any backup; `newest` before `to`, or the one with which a restore of everything that was cut began. */
  which: string
  /** This server's name. */
  host: string
  target: RestoreTarget
  /** The live database, as a user that may write (and for `database` make another one); null for `study`. */
  database: DatabaseAddress | null
  /** The live database as a user that may read its oplog: what no backup keeps of it is read there. Null for nobody. */
  oplogReader: DatabaseAddress | null
  archives: readonly ArchiveSource[]
  caches: readonly CacheSource[]
  /** What a person typed to allow that something is replaced; null for nothing. */
  typed: string | null
  /** What is to be done once everything is restored, before that counts as over: a restore that was cut does it again. Answers with one line; null for nothing. */
  afterwards: ((backup: string) => Promise<string>) | null
  signal: AbortSignal
  progress: (line: string) => void
}

/** What a restore would do, or did. */
export interface RestorePlan {
  backup: string
  /** One line per step, in order. */
  steps: string[]
  /** What must be typed to let something be replaced; null when nothing is. */
  mustType: string | null
  /** Why it cannot be done; empty when it can. */
  refusals: string[]
}

export interface RestoreOutcome extends RestorePlan {
  /** Where the restored data is now. */
  restored: string[]
  seconds: number
}
