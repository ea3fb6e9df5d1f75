import type { Checks } from './checks.ts'
import type { LevelName } from './level.ts'
import type { Verification } from './report.ts'
import type { Repository } from './restic.ts'
import type { Tools } from './take-backup.ts'

/** Which backup is proved to restore, and how. */
export interface VerificationRequest {
  tools: Tools
  /** Names the scratch containers; the caller's, so that it finds them after a kill. */
  id: string
  /** A directory of verifications alone, 0700; emptied before and after. */
  work: string
  repository: Repository
  /** `newest` or `random` of this server's, or the id of any backup. */
  which: string
  /** This server's name. */
  host: string
  /** Milliseconds; null for a backup that may be as old as it is. */
  maxAge: number | null
  /** The last level that is looked at; L2 and above restore. */
  through: LevelName
  /** Images of the live services, by service; what they are restored into. */
  images: Readonly<Record<string, string>>
  /** Limit of the scratch database's memory, bytes. */
  memory: number
  /** Null for none. */
  checks: Checks | null
  /** How old the newest record may have been when the backup was made, in milliseconds; null where data may rest. */
  newestWithin: number | null
  /** How long a restore may take, in milliseconds; null for no limit. */
  restoreWithin: number | null
  now: Date
  signal: AbortSignal
  progress: (line: string) => void
  /** Told what was found before what was restored is removed, which takes a while and may be cut. */
  onReport?: (report: Verification) => Promise<void>
}
