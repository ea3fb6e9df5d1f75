export type {
  Batches,
  BatchesDeclaration,
  Change,
  CheckContext,
  CollectionDeclaration,
  IndexDeclaration,
  MigrationDefinition,
  Phase,
  Schema,
  UpContext,
} from './definition.ts'
export { defineMigration, PHASES, phaseSchema } from './definition.ts'
export { type Drift, driftOf } from './drift.ts'
export { appliedText, eventText } from './event-text.ts'
export type { MigrationEvent, OnEvent } from './events.ts'
export { loadMigrations, type Migration, writeLock } from './files.ts'
export type { Impact } from './impact.ts'
export { type Lease, type LeaseOptions, takeLease } from './lease.ts'
export type { Actor, HistoryLine, LedgerEntry } from './ledger.ts'
export { type Finding, formatFinding } from './lint/finding.ts'
export { lintMigrations } from './lint/lint.ts'
export type { LintOptions } from './lint/sequence.ts'
export { LOCK_FILE } from './lock-file.ts'
export { type Marked, type MarkOptions, mark } from './mark.ts'
export { mayRun } from './may-run.ts'
export type { DatabaseAddress } from './mongo/access.ts'
export { holdsDocuments } from './mongo/contents.ts'
export { type OpenDatabase, openDatabase, type Topology } from './mongo/database.ts'
export { newMigration } from './new-migration.ts'
export { ofRelease } from './of-release.ts'
export { turnsOf } from './order.ts'
export { type Plan, type PlannedStep, planMigrations } from './plan.ts'
export { readState as readLedger } from './read-ledger.ts'
export { planTable, type Remark, remarksOf, verdictOn } from './report.ts'
export type { Decide, Decision } from './restore.ts'
export { type Review, type ReviewOptions, review } from './review.ts'
export { type Applied, type ApplyOptions, applyMigrations } from './run.ts'
export type { LedgerState, Store } from './store.ts'
export { type UndoOptions, undoTo } from './undo.ts'
