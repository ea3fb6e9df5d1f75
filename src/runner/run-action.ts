import { error, info } from '@actions/core'
import { exitClass, Failure, messageOf } from '../lib/index.ts'
import { plain } from './log.ts'
import { hideMasked } from './masks.ts'
import { writeOutputs } from './outputs.ts'

/** The runner gives 7.5 s after SIGINT, then SIGTERM and 2.5 s; a clean-up that takes longer is left to the post step. */
const CANCEL_LIMIT_MS = 6000

/** What an action's main function gets. */
export interface Job {
  /** Aborted when the job is cancelled: begin nothing new, clean up, return or throw. */
  signal: AbortSignal
  /** Says what goes on elsewhere, for the person who cancels. */
  onCancel(explain: () => string): void
}

/**
 * Runs an action to the end of its process: one `::error` line and exit 1 on failure, the exit class as output `exit-class`.
 * A Failure is a person's to mend and shows no stack; all else is a bug and does.
 */
export async function runAction(main: (job: Job) => Promise<void>): Promise<never> {
  const cancel = new AbortController()
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
    })
    return finish(undefined)
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
function finish(thrown: unknown): never {
  if (thrown === undefined) {
    writeOutputs({ 'exit-class': exitClass.ok })
    process.exit(0)
  }
  if (thrown instanceof Failure) {
    writeOutputs({ 'exit-class': thrown.exitClass })
    error(hideMasked(thrown.message))
  } else {
    writeOutputs({ 'exit-class': exitClass.error })
    error(hideMasked(`this is a bug in pacs-deploy, please report it: ${messageOf(thrown)}`))
    for (const line of hideMasked(thrown instanceof Error ? (thrown.stack ?? '') : '').split('\n')) info(plain(line))
  }
  process.exit(1)
}
