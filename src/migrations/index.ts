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
} from './author-types.ts'
export { besideNoMigration, endLease } from './beside-no-migration.ts'
export { isConnectionLoss } from './connection-loss.ts'
export { readDecisions } from './decisions.ts'
export { PHASES, phaseSchema } from './definition.ts'
export { driftOf } from './drift.ts'
export { appliedText, eventText } from './event-text.ts'
export type { MigrationEvent } from './events.ts'
export { readExtended } from './extended-json.ts'
export { loadMigrations, type Migration, writeLock } from './files.ts'
export type { LedgerEntry } from './ledger.ts'
export { formatFinding } from './lint/finding.ts'
export { lintMigrations } from './lint/lint.ts'
export { LOCK_FILE, parseLock } from './lock-file.ts'
export { mark } from './mark.ts'
export { mayRun } from './may-run.ts'
export type { DatabaseAddress } from './mongo/access.ts'
export { holdsDocuments } from './mongo/contents.ts'
export { type OpenDatabase, openDatabase } from './mongo/database.ts'
export { newMigration } from './new-migration.ts'
export { readCarried } from './of-release.ts'
export { turnsOf } from './order.ts'
export { planMigrations } from './plan.ts'
export { readState as readLedger } from './read-ledger.ts'
export { planTable, remarksOf, verdictOn } from './report.ts'
export type { Decision } from './restore.ts'
export { type ReviewOptions, review } from './review.ts'
export { type Applied, type ApplyOptions, applyCarried, applyMigrations } from './run.ts'
export type { Store } from './store.ts'
export { undoTo } from './undo.ts'
