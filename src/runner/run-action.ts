import { exitClass, Failure, messageOf } from '../lib/index.ts'
import { error, info } from './commands.ts'
import { plain } from './log.ts'
import { hideMasked } from './masks.ts'
import { writeOutputs } from './outputs.ts'
import { type Table, writeSummary } from './summary.ts'

/** The runner gives 7.5 s after SIGINT, then SIGTERM and 2.5 s; a clean-up that takes longer is left to the post step. */
const CANCEL_LIMIT_MS = 6000

/** What an action's main function gets. */
export interface Job {
  /** Aborted when the job is cancelled: begin nothing new, clean up, return or throw. */
  signal: AbortSignal
  /** Says what goes on elsewhere, for the person who cancels. */
  onCancel(explain: () => string): void
  /** What the job's summary will say, filled while the action learns it; written at the end, whatever the end. */
  report: Report
}

export interface Report {
  /** What is done to what: `Deploy to production`. */
  subject: string
  /** One sentence, once it went well; a failure brings its own. */
  message: string
  rows: [string, string][]
  table?: Table
}

/**
 * Runs an action to the end of its process: one `::error` line and exit 1 on failure, the exit class as output `exit-class`.
 * A Failure is a person's to mend and shows no stack; all else is a bug and does.
 */
export async function runAction(subject: string, main: (job: Job) => Promise<void>): Promise<never> {
  const cancel = new AbortController()
  const report: Report = { subject, message: '', rows: [] }
  const finish = (thrown?: unknown) => end(thrown, report)
  let explain = () => 'cancelled: nothing was started on a server'
  const onSignal = () => {
    if (cancel.signal.aborted) return
    cancel.abort(new Failure('unknown', explain()))
    setTimeout(() => finish(cancel.signal.reason), CANCEL_LIMIT_MS).unref()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('unhandledRejection', (thrown) => finish(thrown))
  try {
    await main({
      signal: cancel.signal,
      onCancel: (next) => {
        explain = next
      },
      report,
    })
    return finish()
  } catch (thrown) {
    return finish(cancel.signal.aborted ? cancel.signal.reason : thrown)
  }
}

/** Runs a post step: what it cannot clean up is said, never an error of the job. */
export async function runPost(post: () => Promise<void>): Promise<never> {
  try {
    await post()
  } catch (thrown) {
    info(`clean-up: ${plain(messageOf(thrown))}`)
  }
  process.exit(0)
}

// Sockets that hang must not hold the job: the process ends here, by its own hand.
function end(thrown: unknown, { subject, message, rows, table }: Report): never {
  if (thrown === undefined) {
    writeOutputs({ 'exit-class': exitClass.ok })
    writeSummary({ good: true, title: subject, message, rows, table })
    process.exit(0)
  }
  const failure = thrown instanceof Failure ? thrown : bug(thrown)
  writeOutputs({ 'exit-class': failure.exitClass })
  error(hideMasked(failure.message))
  writeSummary({ good: false, title: `${subject}: ${failure.kind}`, message: failure.message, rows, table })
  process.exit(1)
}

/** Prints the stack of what should never have been thrown. */
function bug(thrown: unknown): Failure {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  for (const line of hideMasked(stack).split('\n')) info(plain(line))
  return new Failure(
    'error',
    `this is a bug in pacs-deploy, please report it with the lines above: ${messageOf(thrown)}`,
  )
}
