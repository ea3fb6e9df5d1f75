import type { MigrationPhase, ReleaseManifest } from '../../release/index.ts'
import type { DatabaseAccess, HeldBackups, RequestOf, VerificationView } from '../protocol.ts'
import type { Reporter } from '../transaction/journal.ts'
import type { DataPlan } from './data-plan.ts'

/** Whom the work tells how far it is, and who may end it. */
export interface Doing {
  report: Reporter
  signal: AbortSignal
}

/** The step of a backup that is whole, and in whose copy off the server nobody need wait: the next one goes on with it. */
export const COPY_STEP = 'copy'

/** Work on the data of a server, each in a process of its own with limits on time and memory. */
export interface DataJobs {
  /** Judges a release by the ledger of a database. */
  judge(access: DatabaseAccess, migrations: ReleaseManifest['migrations']): Promise<Judgement>
  /**
   * Runs the migrations of a phase.
   * @returns what was done, in one line.
   * @throws Failure `failed` when it stopped on the way; the ledger says where.
   */
  migrate(work: MigrateWork, run: Doing): Promise<string>
  /**
   * Undoes migrations by their before-images, or only asks what would bar that.
   * @returns what was undone, in one line.
   * @throws Failure `refused` that lists the documents about which nothing was decided; `failed` when it stopped on the way.
   */
  undo(work: UndoWork, run: Doing): Promise<string>
  /**
   * Writes into the ledger what a person says of a migration, or only asks whether that may be.
   * @returns what was or may be marked, in one line.
   * @throws Failure `refused` where there is nothing to settle, or the migration's check says the contrary.
   */
  mark(work: MarkWork, run: Doing): Promise<string>
  /**
   * Takes a backup.
   * @returns what was done, in one line: also that there was nothing to back up, or that a fresh one is there.
   */
  backup(work: BackupWork, run: Doing): Promise<string>
  /** What the repositories hold. */
  list(work: { data: DataPlan }): Promise<HeldBackups>
  /** Undoes what a killed backup, verification or restore left: a paused service, containers; its files go while nobody waits. */
  tidy(): Promise<void>
  /** Proves that a backup restores; throws nothing for one that does not. */
  verify(work: VerifyWork, run: Doing): Promise<Proof>
  /**
   * Restores from a backup, or plans it.
   * @returns what was done or would be, in one line.
   */
  restore(work: RestoreWork, run: Doing): Promise<string>
}

export type VerifyWork = Pick<
  RequestOf<'verify'>,
  'backup' | 'repository' | 'through' | 'maxAge' | 'newestWithin' | 'restoreWithin'
> & { data: DataPlan }

/** What a verification came to. */
export interface Proof {
  passed: boolean
  /** One line. */
  message: string
  /** Markdown. */
  details: string
  verification: VerificationView
}

export type RestoreWork = Pick<RequestOf<'restore'>, 'backup' | 'repository' | 'target' | 'plan' | 'typed'> & {
  data: DataPlan
}

/** What the ledger of a database says of a release. */
export interface Judgement {
  /** Why it may not run on this database (I4), one line each. */
  refusals: string[]
  /** The ids of its migrations that are not applied, by phase. */
  pending: Record<MigrationPhase, string[]>
  /** Why some of those cannot run yet, one line each, by phase. */
  waiting: Record<MigrationPhase, string[]>
  /** The ids of all migrations that the ledger has, in whatever state. */
  begun: string[]
}

export interface MigrateWork {
  access: DatabaseAccess
  /** The release, by its manifest, and the folder where it was unpacked. */
  release: { manifest: ReleaseManifest; directory: string }
  phase: MigrationPhase
  run: string
  actor: string
}

export interface UndoWork extends Omit<MigrateWork, 'phase'>, Pick<RequestOf<'undo'>, 'to' | 'keep' | 'restore'> {
  askOnly?: boolean
}

export interface MarkWork extends Omit<MigrateWork, 'phase'>, Pick<RequestOf<'mark'>, 'migration' | 'as' | 'reason'> {
  askOnly?: boolean
}

export interface BackupWork {
  data: DataPlan
  /** None is taken when a complete one finished less than this many milliseconds ago. */
  unlessNewerThan?: number
  /** None is taken of a database that holds no document. */
  unlessEmpty?: boolean
  /** The second repository, whose copy may take a day, is left to the next one. */
  copyLater?: boolean
}
