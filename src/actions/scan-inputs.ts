import { readFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { type Policy, parseWaivers, type ScanOptions, type Waiver } from '../images/index.ts'
import { badInput, toolsLock, tryRun } from '../lib/index.ts'
import { digestSchema, repositorySchema } from '../release/index.ts'
import {
  cacheDirectory,
  childEnvironment,
  distDirectory,
  flag,
  type JobContext,
  oneOf,
  optional,
  path,
  type Reader,
  required,
  wholeNumber,
} from '../runner/index.ts'
import { defaultBranch } from './default-branch.ts'

/** Words by line break, space or comma. */
const words: Reader<string[]> = (_name, value) => value.split(/[\s,]+/).filter(Boolean)

const repositories: Reader<string[]> = (name, value) =>
  words(name, value).map((word) => {
    const repository = word.replace(/:[A-Za-z0-9._-]+$/, '')
    if (repositorySchema.safeParse(repository).success) return word
    throw badInput(`${name}: "${word}" is no repository with its registry (like ghcr.io/aquasecurity/trivy-db:2)`)
  })

const sha256: Reader<ReturnType<typeof digestSchema.parse>> = (name, value) => {
  const parsed = digestSchema.safeParse(`sha256:${value.replace(/^sha256:/, '').toLowerCase()}`)
  if (parsed.success) return parsed.data
  throw badInput(`${name}: "${value}" is no SHA-256 (64 hex digits)`)
}

/** The inputs of every action that judges images. */
export const judgingInputs = {
  scanner: optional(path),
  'scanner-sha256': optional(sha256),
  'scan-database': repositories,
  'scan-java-database': repositories,
  'scan-severity': oneOf('LOW', 'MEDIUM', 'HIGH', 'CRITICAL'),
  'scan-unfixed': flag,
  'scan-grace-days': wholeNumber(0, 90),
  'scan-licences': words,
  'scan-vendors': oneOf('new', 'all', 'report'),
  'scan-waivers': optional(path),
}

type Inputs = { [K in keyof typeof judgingInputs]: ReturnType<(typeof judgingInputs)[K]> }

/**
 * What the inputs ask for.
 * @throws Failure `bad-input` with what is wrong with them or with the waivers file
 */
export async function scanOptions(inputs: Inputs, job: JobContext): Promise<ScanOptions> {
  const { scanner, 'scanner-sha256': digest } = inputs
  if ((scanner === undefined) !== (digest === undefined)) {
    throw badInput('inputs scanner and scanner-sha256: give both, or neither for the pinned one')
  }
  if (scanner !== undefined && !isAbsolute(scanner)) {
    throw badInput(`input scanner: "${scanner}" is no absolute path: a checkout must not bring its own scanner`)
  }
  const policy: Policy = {
    severity: inputs['scan-severity'],
    unfixed: inputs['scan-unfixed'],
    grace: inputs['scan-grace-days'],
    licences: inputs['scan-licences'],
    vendors: inputs['scan-vendors'],
  }
  const waivers = await readWaivers(inputs['scan-waivers'], job)
  const lock = toolsLock.parse(JSON.parse(await readFile(join(distDirectory(), 'tools.lock.json'), 'utf8')))
  const pinned = lock.tools.trivy
  if (!pinned) throw new Error('tools.lock.json pins no trivy')
  return {
    pinned,
    ...(scanner === undefined || digest === undefined ? {} : { given: { path: scanner, sha256: digest } }),
    databases: inputs['scan-database'],
    javaDatabases: inputs['scan-java-database'],
    policy,
    waivers,
    cache: await cacheDirectory(),
  }
}

async function readWaivers(file: string | undefined, job: JobContext): Promise<Waiver[]> {
  if (file === undefined) return []
  const { workspace } = job
  const now = Date.now()
  if (job.pullRequest) {
    const branch = await defaultBranch(job)
    const at = `refs/remotes/origin/${branch}:${file}`
    const args = ['-c', `safe.directory=${workspace}`, '-C', workspace, 'show', at]
    const { code, stdout, stderr } = await tryRun('git', args, { env: childEnvironment() })
    if (code === 0) return parseWaivers(file, stdout, now)
    throw badInput(
      `input scan-waivers: a pull request is judged by the waivers of ${branch}, and git has no ${at} (${stderr.split('\n')[0]}): check out with fetch-depth: 0`,
    )
  }
  const text = await readFile(resolve(workspace, required('input scan-waivers', file)), 'utf8').catch(() => {
    throw badInput(
      `input scan-waivers: ${file} cannot be read; without it nothing would be waived, so write an empty file or leave the input out`,
    )
  })
  return parseWaivers(file, text, now)
}
