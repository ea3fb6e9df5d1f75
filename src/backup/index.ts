export type { ArchiveSource } from './archive.ts'
export type { CacheSource } from './cache.ts'
export {
  arrange,
  chooseBackup,
  listBackups,
  newBackupId,
  readContents,
  type StoredBackup,
  startOf,
} from './catalogue.ts'
export type { BackupCheck, CheckContext } from './check.ts'
export { answerCheck } from './check-process.ts'
export type { Checks } from './checks.ts'
export { type Contents, contentsSchema } from './contents.ts'
export { connectDatabase, type DatabaseAddress } from './database.ts'
export { type Docker, type DockerCall, dockerIn } from './docker.ts'
export { type Dump, type DumpRequest, dumpDatabase } from './dump.ts'
export type { FolderSource } from './folders.ts'
export { LEVELS, type LevelName, type LevelResult, levelNameSchema } from './level.ts'
export { attemptMetrics, backupMetrics, countLost, provedMetrics, verificationMetrics } from './metrics.ts'
export { type Verification, verificationMarkdown, verificationSchema } from './report.ts'
export { openRepository, type Pruning, type SecondCopy } from './repository.ts'
export { type Repository, Restic } from './restic.ts'
export { type RestoredCollection, restoreDatabase } from './restore.ts'
export type { RestoreOutcome, RestorePlan, RestoreRunRequest, RestoreTarget } from './restore-request.ts'
export { planRestore, runRestore } from './restore-run.ts'
export { type Retention, retentionSchema } from './retention.ts'
export { removeScratch, VERIFY_LABEL } from './scratch.ts'
export {
  type BackupRequest,
  type BackupResult,
  clearLeftovers,
  type DatabaseSource,
  type Tools,
  takeBackup,
} from './take-backup.ts'
export type { VerificationRequest } from './verification-request.ts'
export { verifyBackup } from './verify.ts'
export { BACKUP_LABEL, removeVolumeReaders } from './volume-reader.ts'
