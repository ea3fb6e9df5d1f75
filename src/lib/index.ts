export { counted } from './counted.ts'
export { type Command, dockerContext, dockerPlugin, hasDocker, refusalOf } from './docker-client.ts'
export {
  appendLine,
  hideTree,
  listGone,
  removeGone,
  removeTree,
  replaceFile,
  syncDirectory,
  syncTree,
} from './durable-file.ts'
export { formatDuration, parseDuration } from './duration.ts'
export { emptyDirectory } from './empty-directory.ts'
export { parseEnvFile } from './env-file.ts'
export {
  badInput,
  exitClass,
  Failure,
  type FailureKind,
  isMissing,
  messageOf,
  Problems,
  refused,
  shortened,
} from './errors.ts'
export { requireOnce } from './given-once.ts'
export { parsedJson, readJsonLines } from './json-lines.ts'
export { beEndedFirst, ENDED_FIRST, HANDED_ON, type RunOptions, type RunResult, run, tryRun } from './process.ts'
export { hasEnded, processIdentity } from './process-identity.ts'
export { endWithReader } from './reader.ts'
export { type Redact, redactor } from './redaction.ts'
export { type SarifLog, type SarifResult, sarifLog } from './sarif.ts'
export { sideBySide } from './side-by-side.ts'
export { together } from './together.ts'
export { type PinnedTool, type ToolsLock, toolsLock } from './tools-lock.ts'
export { isWrongWord } from './usage.ts'
export { parseYaml, type YamlFile } from './yaml.ts'
