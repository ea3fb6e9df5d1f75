export { type Annotation, annotate } from './annotations.ts'
export { childEnvironment, distDirectory, type JobContext, jobContext } from './context.ts'
export { cacheDirectory, leftDirectory, makePrivateDirectory, removeDirectory } from './directory.ts'
export {
  duration,
  flag,
  matching,
  oneOf,
  optional,
  path,
  type Reader,
  readInputs,
  required,
  secret,
  text,
  wholeNumber,
} from './inputs.ts'
export { type KeptIssue, keepIssue, type StandingIssue } from './issue.ts'
export { type Log, log, plain } from './log.ts'
export { containsMasked, hideMasked, mask } from './masks.ts'
export { writeJobOutput, writeJsonFile, writeOutputs, writeTextFile } from './outputs.ts'
export { type Heartbeat, startHeartbeat } from './progress.ts'
export { type Job, type Report, runAction, runPost } from './run-action.ts'
export { renderSummary, type Summary, writeSummary } from './summary.ts'
