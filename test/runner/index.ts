export { type Command, parseCommand, parseFileCommands } from './commands.ts'
export { inputVariables, readAction } from './inputs.ts'
export { StepLog } from './log.ts'
export { Job, type StepOptions, type StepResult } from './runner.ts'
