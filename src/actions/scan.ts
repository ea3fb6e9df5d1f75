import { join } from 'node:path'
import { type Judgement, refusalOf, scanRelease } from '../images/index.ts'
import { Failure } from '../lib/index.ts'
import { parsePinned } from '../release/index.ts'
import {
  childEnvironment,
  type Job,
  jobContext,
  log,
  makePrivateDirectory,
  optional,
  path,
  readInputs,
  removeDirectory,
  runAction,
  secret,
  writeJsonFile,
  writeOutputs,
  writeTextFile,
} from '../runner/index.ts'
import { judgingInputs, scanOptions } from './scan-inputs.ts'
import { issueOf, scanMetrics, scanRows, scanSarif } from './scan-report.ts'
import { cleanUp, serverInputs, servingRelease, withServer } from './server.ts'
import { issueInputs, keepIssueIfAsked } from './standing-issue.ts'
import { maskLogin, registryInputs, registryLogin, releaseReference } from './transaction-inputs.ts'

export function main(): Promise<void> {
  return runAction('Scan', async (job) => {
    const inputs = read()
    const subject = inputs.environment ?? 'release'
    job.report.subject = `Scan of ${subject}`
    let judgements: readonly Judgement[] | null = null
    const settle = (failure: Pick<Failure, 'kind' | 'message'> | null) =>
      keepIssueIfAsked(issueOf(subject, judgements, failure, jobContext().run), inputs['issue-token'], job)
    try {
      judgements = await scan(inputs, subject, job)
      const refusal = refusalOf(judgements)
      if (refusal) throw refusal
    } catch (thrown) {
      await settle(thrown instanceof Failure ? thrown : { kind: 'error', message: '' })
      throw thrown
    }
    await settle(null)
  })
}

export const post = cleanUp

function read() {
  return readInputs(
    {
      environment: optional(serverInputs.environment),
      'environments-file': path,
      'ssh-key': secret(optional(serverInputs['ssh-key'])),
      release: optional(releaseReference),
      'compose-file': path,
      ...registryInputs,
      ...judgingInputs,
      ...issueInputs,
    },
    ({ environment, release, 'ssh-key': key }) => {
      if (release !== undefined) {
        if (environment === undefined) return []
        return ['inputs environment and release: give one of them, since what is judged can be only one']
      }
      if (environment === undefined)
        return ['input environment: name the one whose release is judged, or give a release']
      return key === undefined ? ['input ssh-key is missing: the environment is asked what runs there'] : []
    },
  )
}

/** Judges what runs; summary, outputs and files for later steps. */
async function scan(inputs: ReturnType<typeof read>, subject: string, job: Job): Promise<Judgement[]> {
  const release = parsePinned('release', inputs.release ?? (await whatServes(inputs, job)))
  const options = await scanOptions(inputs, jobContext())
  const login = registryLogin(inputs, release)
  if (login.registry) maskLogin(login.registry)
  const directory = await makePrivateDirectory()
  const { manifest, judgements, database } = await scanRelease({
    ...{ release, scan: options, ...login },
    dockerConfigDirectory: join(directory, 'docker'),
    env: childEnvironment(),
    log: log.foreign,
    signal: job.signal,
  }).finally(() => removeDirectory(directory))
  job.report.message = `${manifest.id}: nothing new in its ${judgements.length} images.`
  job.report.rows.push(['release', manifest.id], ['database of', database.toISOString()])
  job.report.rows.push(...scanRows(judgements, options.waivers))
  writeOutputs({
    new: judgements.reduce((sum, { refused }) => sum + refused.length, 0),
    sarif: writeJsonFile(`scan-${subject}.sarif`, scanSarif(inputs['compose-file'], judgements)),
    metrics: writeTextFile(`scan-${subject}.prom`, scanMetrics(subject, judgements, database, new Date())),
  })
  return judgements
}

async function whatServes(inputs: ReturnType<typeof read>, job: Job): Promise<string> {
  const { environment = '', 'ssh-key': key = '' } = inputs
  let reference = ''
  await withServer({ ...inputs, environment, 'ssh-key': key }, job, async ({ agent }) => {
    reference = await servingRelease(agent)
  })
  return reference
}
