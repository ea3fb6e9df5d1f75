export {
  arrange,
  backupNamed,
  backupsOf,
  contentsOrNull,
  isToCome,
  listBackups,
  newBackupId,
  readContents,
  type StoredBackup,
} from './catalogue.ts'
export type { BackupCheck, CheckContext } from './check.ts'
export { answerCheck } from './check-process.ts'
export type { Contents } from './contents.ts'
export { connectDatabase } from './database.ts'
export { type Docker, type DockerCall, dockerIn } from './docker.ts'
export { dumpDatabase } from './dump.ts'
export { LEVELS, type LevelName, type LevelResult } from './level.ts'
export { attemptMetrics, backupMetrics, countLost, provedMetrics, verificationMetrics } from './metrics.ts'
export { instantOf } from './oplog-time.ts'
export { type Verification, verificationMarkdown, verificationSchema } from './report.ts'
export { openRepository, type Pruning } from './repository.ts'
export { type Repository, Restic } from './restic.ts'
export type { RestoreRunRequest, RestoreTarget } from './restore-request.ts'
export { planRestore, runRestore } from './restore-run.ts'
export { retentionSchema } from './retention.ts'
export { removeScratch, VERIFY_LABEL } from './scratch.ts'
export { type BackupRequest, type BackupResult, clearLeftovers, type Tools, takeBackup } from './take-backup.ts'
export type { VerificationRequest } from './verification-request.ts'
export { verifyBackup } from './verify.ts'
export { removeVolumeReaders } from './volume-reader.ts'
