import { join } from 'node:path'
import {
  type Judgement,
  refusalOf,
  type ScanOptions,
  scanMetrics,
  scanRelease,
  scanRows,
  scanSarif,
} from '../images/index.ts'
import { badInput, Failure } from '../lib/index.ts'
import { parsePinned } from '../release/index.ts'
import {
  childEnvironment,
  type Job,
  jobContext,
  later,
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
import { issueOf } from './scan-issue.ts'
import { cleanUp, type RunningPart, requireKnownEnvironment, runningParts, serverInputs, withServer } from './server.ts'
import { issueInputs, keepIssueIfAsked } from './standing-issue.ts'
import { maskLogin, registryInputs, registryLogin, releaseReference } from './transaction-inputs.ts'

export function main(): Promise<void> {
  return runAction('Scan', async (job) => {
    const inputs = read()
    const subject = inputs.environment ?? 'release'
    job.report.subject = `Scan of ${subject}`
    // A name that somebody mistyped is no environment whose issue could be kept.
    if (inputs.environment !== undefined) {
      await requireKnownEnvironment(inputs.environment, inputs['environments-file'])
    }
    let judgements: readonly Judgement[] | null = null
    let options: ScanOptions | undefined
    const settle = (failure: Pick<Failure, 'kind' | 'message'> | null) =>
      keepIssueIfAsked(issueOf(subject, judgements, failure, jobContext().run), inputs['issue-token'], job)
    try {
      const key = inputs['ssh-key']()
      if (key === undefined && inputs.release === undefined)
        throw badInput('input ssh-key is missing: the environment is asked what runs there')
      options = await scanOptions(inputs, jobContext())
      judgements = await scan({ ...inputs, 'ssh-key': key }, options, subject, job)
      const refusal = refusalOf(judgements)
      if (refusal) throw refusal
    } catch (thrown) {
      // Only what a person has written wrongly is told: later failures speak of hosts, and an issue may be public.
      const { kind, message } = thrown instanceof Failure ? thrown : { kind: 'error' as const, message: '' }
      await settle({ kind, message: options === undefined ? message : '' })
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
      'ssh-key': secret(later(optional(serverInputs['ssh-key']))),
      release: optional(releaseReference),
      'compose-file': path,
      ...registryInputs,
      ...judgingInputs,
      ...issueInputs,
    },
    ({ environment, release }) => {
      if (release !== undefined) {
        if (environment === undefined) return []
        return ['inputs environment and release: give one of them, since what is judged can be only one']
      }
      return environment === undefined
        ? ['input environment: name the one whose release is judged, or give a release']
        : []
    },
  )
}

type Inputs = Omit<ReturnType<typeof read>, 'ssh-key'> & { 'ssh-key': string | undefined }

/** Judges what runs; summary, outputs and files for later steps. */
async function scan(inputs: Inputs, options: ScanOptions, subject: string, job: Job): Promise<Judgement[]> {
  const parts = inputs.release === undefined ? await whatRuns(inputs, job) : [whole(inputs.release)]
  const scans = []
  for (const part of parts) scans.push(await scanPart(part, inputs, options, job))
  const judgements = scans.flatMap((one) => one.judgements)
  const database = new Date(Math.max(...scans.map((one) => one.database.getTime())))
  const names = scans.map(({ manifest }) => manifest.id).join(', core of ')
  job.report.message = `${names}: nothing new in its ${judgements.length} images.`
  job.report.rows.push(['release', names], ['database of', database.toISOString()])
  job.report.rows.push(...scanRows(judgements, options.waivers))
  writeOutputs({
    new: judgements.reduce((sum, { refused }) => sum + refused.length, 0),
    sarif: writeJsonFile(`scan-${subject}.sarif`, scanSarif(inputs['compose-file'], judgements)),
    metrics: writeTextFile(`scan-${subject}.prom`, scanMetrics(subject, judgements, database, new Date())),
  })
  return judgements
}

const whole = (reference: string): RunningPart => ({ reference, runs: () => true })

async function scanPart({ reference, runs }: RunningPart, inputs: Inputs, options: ScanOptions, job: Job) {
  const release = parsePinned('release', reference)
  const login = registryLogin(inputs, release)
  if (login.registry) maskLogin(login.registry)
  const directory = await makePrivateDirectory()
  return scanRelease({
    ...{ release, runs, scan: options, ...login },
    dockerConfigDirectory: join(directory, 'docker'),
    env: childEnvironment(),
    log: log.foreign,
    signal: job.signal,
  }).finally(() => removeDirectory(directory))
}

async function whatRuns(inputs: Inputs, job: Job): Promise<RunningPart[]> {
  const { environment = '', 'ssh-key': key = '' } = inputs
  let parts: RunningPart[] = []
  await withServer({ ...inputs, environment, 'ssh-key': key }, job, async ({ agent }) => {
    parts = await runningParts(agent)
  })
  return parts
}
