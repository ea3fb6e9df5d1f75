import { throughSchema, type VerificationView, verifiableSchema } from '../agent/client.ts'
import { Failure, type FailureKind } from '../lib/index.ts'
import {
  duration,
  type Job,
  jobContext,
  matching,
  oneOf,
  optional,
  readInputs,
  runAction,
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
    const inputs = readInputs({
      ...serverInputs,
      backup: matching(verifiableSchema),
      repository: oneOf('first', 'second'),
      through: matching(throughSchema),
      'max-age': optional(duration(TEN_YEARS_MS)),
      'newest-within': optional(duration(TEN_YEARS_MS)),
      'restore-within': optional(duration(TEN_YEARS_MS)),
      ...issueInputs,
    })
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
    try {
      await withServer(inputs, job, async ({ agent }) => {
        await carryOut(request, null, purpose, inTurn(agent, job.signal), job, undefined, ({ verification }) => {
          found = verification
          if (found) report(found, environment, job)
        })
      })
    } catch (thrown) {
      await settle(inputs, found, thrown instanceof Failure ? thrown.kind : 'error', token, job)
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
  kind: FailureKind | null,
  token: string | undefined,
  job: Job,
): Promise<void> {
  for (const issue of issuesOf(asked, found, kind, jobContext().run)) await keepIssueIfAsked(issue, token, job)
}
