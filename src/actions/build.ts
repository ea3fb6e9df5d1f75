import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import {
  buildImages,
  describeJudgements,
  describePage,
  overBudget,
  pageTable,
  refusalOf,
  writeDraft,
  writeEvidence,
} from '../images/index.ts'
import { badInput, Problems, refused, type SarifLog } from '../lib/index.ts'
import { repositorySchema } from '../release/index.ts'
import {
  cacheDirectory,
  childEnvironment,
  flag,
  githubCache,
  jobContext,
  log,
  makePrivateDirectory,
  mask,
  matching,
  optional,
  path,
  type Reader,
  readInputs,
  required,
  runAction,
  secret,
  writeOutputs,
} from '../runner/index.ts'
import { defaultBranch } from './default-branch.ts'
import { reportGate, reportScan } from './gate-report.ts'
import { judgingInputs, scanOptions } from './scan-inputs.ts'
import { cleanUp } from './server.ts'
import { maskLogin, registryInputs, registryLogin } from './transaction-inputs.ts'

export function main(): Promise<void> {
  return runAction('Build', async (job) => {
    const inputs = readInputs({
      images: matching(repositorySchema),
      'compose-file': path,
      version: optional(required),
      'ca-file': optional(path),
      'build-secrets': secret(buildSecrets),
      ...registryInputs,
      scan: flag,
      ...judgingInputs,
    })
    const context = jobContext()
    const { workspace, commit } = context
    const scan = inputs.scan ? await scanOptions(inputs, context) : undefined
    const composeFile = relative(workspace, resolve(workspace, inputs['compose-file']))
    const directory = await makePrivateDirectory()
    const secrets = await writeSecrets(join(directory, 'secrets'), inputs['build-secrets'])
    const login = registryLogin(inputs, { repository: inputs.images })
    if (login.registry) maskLogin(login.registry)
    const cache = githubCache()
    mask(cache?.ACTIONS_RUNTIME_TOKEN ?? '')
    const gates: SarifLog[] = []
    const branch = context.pullRequest ? await defaultBranch(context) : undefined
    if (branch !== undefined) {
      job.report.rows.push(['allowances', `those of ${branch}: a pull request allows itself nothing`])
    }
    const { draft, judgements, evidence, pages, tests, last } = await buildImages({
      directory: workspace,
      composeFile,
      ...(branch === undefined ? {} : { allowancesOf: branch }),
      prefix: inputs.images,
      commit,
      ...(inputs.version === undefined ? {} : { version: inputs.version }),
      ...(context.source === undefined ? {} : { source: context.source }),
      ...(inputs['ca-file'] === undefined ? {} : { ca: resolve(workspace, inputs['ca-file']) }),
      secrets,
      ...(cache ? { cache } : {}),
      memory: await cacheDirectory(),
      ...(scan ? { scan } : {}),
      ...login,
      dockerConfigDirectory: join(directory, 'docker'),
      env: childEnvironment(),
      log: log.foreign,
      onGate: (gate) => gates.push(reportGate(gate, dirname(composeFile), job)),
      signal: job.signal,
    })
    job.report.rows.push(...describeJudgements(judgements, scan?.waivers ?? []))
    if (scan?.policy.vendors === 'new') job.report.rows.push(['compared with', last?.manifest.id ?? 'no release yet'])
    for (const [service, words] of tests) job.report.rows.push([`tests of ${service}`, words])
    job.report.rows.push(...pages.map(describePage))
    job.report.table = { head: ['page of', 'file', 'gzipped', 'since the last release'], rows: pageTable(pages) }
    if (scan) reportScan(judgements, composeFile, gates, job)
    const refusals = [refusalOf(judgements), overBudget(pages)].flatMap((one) => one?.message ?? [])
    if (refusals.length > 0) throw refused(refusals.join('\n'))
    // Stays until the job ends, since the push step of this job reads it.
    const manifest = join(directory, 'draft.json')
    await writeDraft(manifest, draft)
    await writeEvidence(join(directory, 'scan'), evidence)
    writeOutputs({ manifest })
    const images = Object.entries(draft.images)
    const built = images.filter(([, image]) => image.built).map(([service]) => service)
    job.report.message = `${images.length} images of ${commit.slice(0, 12)}: ${built.length} built, ${images.length - built.length} pulled, ${scan ? 'all judged' : 'none judged'}.`
    for (const [service, { config, platform }] of images) job.report.rows.push([service, `${platform} ${config}`])
  })
}

export const post = cleanUp

/** Lines of `id=value`; each value is masked by itself as well. */
const buildSecrets: Reader<Record<string, string>> = (name, value) => {
  const problems = new Problems()
  const secrets: Record<string, string> = {}
  for (const [index, line] of value.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const [, id, content] = /^\s*([A-Za-z0-9_.-]{1,64})=(.+)$/.exec(line) ?? []
    if (id === undefined || content === undefined) {
      problems.add(`${name}: line ${index + 1} is not id=value, with an id of letters, digits, ., _ and -`)
    } else if (id in secrets) problems.add(`${name}: the id ${id} comes twice`)
    else {
      mask(content)
      secrets[id] = content
    }
  }
  if (problems.found.length > 0) throw badInput(problems.found.join('\n'))
  return secrets
}

async function writeSecrets(directory: string, secrets: Record<string, string>): Promise<Record<string, string>> {
  await mkdir(directory, { mode: 0o700 })
  const paths = Object.keys(secrets).map((id): [string, string] => [id, join(directory, id)])
  await Promise.all(paths.map(([id, file]) => writeFile(file, secrets[id] ?? '', { mode: 0o600 })))
  return Object.fromEntries(paths)
}
