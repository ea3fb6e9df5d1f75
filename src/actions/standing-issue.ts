import { Failure } from '../lib/index.ts'
import {
  hideMasked,
  type Job,
  jobContext,
  keepIssue,
  log,
  optional,
  required,
  type StandingIssue,
  secret,
} from '../runner/index.ts'

/** The input of every action that keeps a GitHub issue of what it finds. */
export const issueInputs = { 'issue-token': secret(optional(required)) }

/** The lines of an issue that quote the message of a failure; none where there is none to be shown. */
export function quoted(message: string): string[] {
  const lines = message === '' ? [] : hideMasked(message).split('\n')
  return lines.length === 0 ? [] : ['', ...lines.map((line) => `    ${line}`)]
}

/**
 * Keeps the issue of a condition, if a token came for it. An issue that cannot be kept is a warning: what the action is about
 * has its own outcome.
 */
export async function keepIssueIfAsked(issue: StandingIssue, token: string | undefined, job: Job): Promise<void> {
  if (job.signal.aborted) return
  if (token === undefined) {
    log.info('no GitHub issue is kept of this: the input issue-token is not set')
    return
  }
  const { repository, api } = jobContext()
  try {
    const { did, url } = await keepIssue(issue, { token, repository, api, signal: job.signal })
    const shown = url === null ? 'none is open' : `${did}: ${url}`
    log.info(`GitHub issue: ${shown}`)
    job.report.rows.push(['issue', shown])
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    log.warning(`the GitHub issue could not be kept: ${thrown.message}`)
    job.report.rows.push(['issue', `could not be kept: ${thrown.message}`])
  }
}
