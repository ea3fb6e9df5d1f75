import { throughSchema, unjudged, type VerificationView, verifiableSchema } from '../agent/client.ts'
import { Failure } from '../lib/index.ts'
import {
  duration,
  type Job,
  jobContext,
  later,
  matching,
  oneOf,
  optional,
  readInputs,
  runAction,
  secret,
  writeJsonFile,
  writeOutputs,
} from '../runner/index.ts'
import { inTurn } from './in-turn.ts'
import { cleanUp, requireKnownEnvironment, serverInputs, withServer } from './server.ts'
import { issueInputs, keepIssueIfAsked } from './standing-issue.ts'
import { carryOut } from './transaction.ts'
import { requester } from './transaction-inputs.ts'
import { type Asked, issuesOf, levelRows } from './verification-report.ts'

const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000

export function main(): Promise<void> {
  return runAction('Verify a backup', async (job) => {
    const readers = {
      ...serverInputs,
      'ssh-key': secret(later(serverInputs['ssh-key'])),
      backup: matching(verifiableSchema),
      repository: oneOf('first', 'second'),
      through: matching(throughSchema),
      'max-age': optional(duration(TEN_YEARS_MS)),
      'newest-within': optional(duration(TEN_YEARS_MS)),
      'restore-within': optional(duration(TEN_YEARS_MS)),
      ...issueInputs,
    }
    const inputs = readInputs(readers, (values) => unjudged('input ', values))
    const { environment, backup, repository, through, 'issue-token': token } = inputs
    const { 'max-age': maxAge, 'newest-within': newestWithin, 'restore-within': restoreWithin } = inputs
    job.report.subject = `Verify the ${backup} backup of ${environment}`
    const request = {
      ...{ kind: 'verify' as const, backup, repository, through, ...requester() },
      ...(maxAge === undefined ? {} : { maxAge }),
      ...(newestWithin === undefined ? {} : { newestWithin }),
      ...(restoreWithin === undefined ? {} : { restoreWithin }),
    }
    await requireKnownEnvironment(environment, inputs['environments-file'])
    const purpose = { environment, release: jobContext().runId }
    let found: VerificationView | undefined
    let key: string | undefined
    try {
      key = inputs['ssh-key']()
      await withServer({ ...inputs, 'ssh-key': key }, job, async ({ agent }) => {
        await carryOut(request, null, purpose, inTurn(agent, job.signal), job, undefined, ({ verification }) => {
          found = verification
          if (found) report(found, environment, job)
        })
      })
    } catch (thrown) {
      const { kind, message } = thrown instanceof Failure ? thrown : { kind: 'error' as const, message: '' }
      // Only what is wrong with the key is told: later failures speak of hosts, and an issue may be public.
      await settle(inputs, found, { kind, message: key === undefined ? message : '' }, token, job)
      throw thrown
    }
    // A look at fewer levels is no proof: it opens an issue, but closes none.
    if (through === 'L6') await settle(inputs, found, null, token, job)
  })
}

export const post = cleanUp

/** Summary, outputs and the file for later steps. */
function report(found: VerificationView, environment: string, job: Job): void {
  job.report.rows.unshift(...levelRows(found))
  const { backup, outcome, lost } = found
  writeOutputs({
    backup,
    proved: outcome === 'passed',
    lost: lost ?? null,
    report: writeJsonFile(`verification-${environment}.json`, found),
  })
}

async function settle(
  asked: Asked,
  found: VerificationView | undefined,
  failure: Pick<Failure, 'kind' | 'message'> | null,
  token: string | undefined,
  job: Job,
): Promise<void> {
  for (const issue of issuesOf(asked, found, failure, jobContext().run)) await keepIssueIfAsked(issue, token, job)
}
