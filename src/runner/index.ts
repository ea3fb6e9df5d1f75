export { annotate } from './annotations.ts'
export { childEnvironment, distDirectory, githubCache, type JobContext, jobContext } from './context.ts'
export { cacheDirectory, leftDirectory, makePrivateDirectory, removeDirectory } from './directory.ts'
export {
  duration,
  flag,
  later,
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
export { keepIssue, type StandingIssue } from './issue.ts'
export { log, plain } from './log.ts'
export { hideMasked, mask } from './masks.ts'
export { writeJobOutput, writeJsonFile, writeOutputs, writeTextFile } from './outputs.ts'
export { type Heartbeat, startHeartbeat } from './progress.ts'
export { type Job, runAction, runPost } from './run-action.ts'
export { renderSummary } from './summary.ts'
