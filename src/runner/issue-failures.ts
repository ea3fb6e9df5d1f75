// What GitHub's API says no with, and what is to be done about it.
import { z } from 'zod'
import { Failure, messageOf } from '../lib/index.ts'

const answerSchema = z.object({
  status: z.number(),
  response: z.object({ headers: z.record(z.string(), z.union([z.string(), z.number()]).optional()) }).optional(),
})

/** Milliseconds before the second, third and fourth attempt. */
const PAUSES = [1000, 5000, 15_000]
/** Milliseconds that a job waits at the most for a rate limit to end. */
const LONGEST_PAUSE = 60_000

interface Refusal {
  /** HTTP status; 0 where no answer came. */
  status: number
  /** Milliseconds after which GitHub lets it be tried again; null where it says nothing. */
  after: number | null
  /** Whether a limit on requests is the reason. */
  limited: boolean
}

/** Milliseconds to wait before attempt `attempt + 1`; null when another one is in vain. @param now milliseconds */
export function pauseFor(thrown: unknown, attempt: number, now: number): number | null {
  const { status, after, limited } = refusalOf(thrown, now)
  const passes = status === 0 || status >= 500 || limited
  const pause = PAUSES[attempt - 1]
  if (!passes || pause === undefined) return null
  if (after === null) return pause
  return after <= LONGEST_PAUSE ? Math.max(after, pause) : null
}

/** What GitHub's last answer means to a person. */
export function failureOf(thrown: unknown, repository: string): Failure {
  const { status, after, limited } = refusalOf(thrown, Date.now())
  const fail = (message: string) => new Failure('error', message, { cause: thrown })
  if (limited) {
    const until = after === null ? '' : ` until ${new Date(Date.now() + after).toISOString().slice(0, 19)}Z`
    return fail(`GitHub lets this token ask nothing more${until} (HTTP ${status}): run it again later`)
  }
  if (status === 401) return fail('GitHub does not know this token (HTTP 401): is it the right one, and not expired?')
  if (status === 403) {
    return fail('the token may not write issues (HTTP 403): give the job the permission `issues: write`')
  }
  if (status === 404)
    return fail(`there is no ${repository} that this token may see (HTTP 404): give the job \`issues: write\``)
  if (status === 410) return fail(`${repository} has its issues turned off (HTTP 410): turn them on in its settings`)
  const why = status === 0 ? messageOf(thrown) : `HTTP ${status}`
  return fail(`GitHub's API gave no good answer (${why}, ${PAUSES.length + 1} attempts)`)
}

function refusalOf(thrown: unknown, now: number): Refusal {
  const parsed = answerSchema.safeParse(thrown)
  if (!parsed.success) return { status: 0, after: null, limited: false }
  const { status, response } = parsed.data
  const headers = response?.headers ?? {}
  // octokit gives a request that never had an answer the status 500, without a response.
  if (response === undefined) return { status: 0, after: null, limited: false }
  const seconds = (name: string) => {
    const value = Number(headers[name] ?? Number.NaN)
    return Number.isFinite(value) ? value : null
  }
  const retry = seconds('retry-after')
  const used = seconds('x-ratelimit-remaining') === 0
  const reset = used ? seconds('x-ratelimit-reset') : null
  const limited = status === 429 || (status === 403 && (retry !== null || used))
  const after = retry !== null ? retry * 1000 : reset !== null ? Math.max(reset * 1000 - now, 0) : null
  return { status, after, limited }
}
