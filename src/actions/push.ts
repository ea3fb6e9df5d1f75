import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pushRelease, readDraft, readEvidence } from '../images/index.ts'
import { Failure, run } from '../lib/index.ts'
import { type ReleaseManifest, repositorySchema } from '../release/index.ts'
import {
  cacheDirectory,
  childEnvironment,
  distDirectory,
  jobContext,
  log,
  makePrivateDirectory,
  matching,
  path,
  readInputs,
  removeDirectory,
  runAction,
  writeJobOutput,
} from '../runner/index.ts'
import { cleanUp } from './server.ts'
import { maskLogin, registryInputs, registryLogin } from './transaction-inputs.ts'

export function main(): Promise<void> {
  return runAction('Push', async (job) => {
    const inputs = readInputs({
      manifest: path,
      images: matching(repositorySchema),
      'compose-file': path,
      ...registryInputs,
    })
    const { workspace, repository, actor, run: runUrl } = jobContext()
    const login = registryLogin(inputs, { repository: inputs.images })
    if (login.registry) maskLogin(login.registry)
    const agentFile = join(distDirectory(), 'agent', 'index.js')
    const draftFile = resolve(workspace, inputs.manifest)
    const draft = await readDraft(draftFile)
    const evidence = await readEvidence(join(dirname(draftFile), 'scan'), Object.keys(draft.images))
    const stackDirectory = dirname(resolve(workspace, inputs['compose-file']))
    const migrations = await migrationsIn(join(stackDirectory, 'migrations'))
    const directory = await makePrivateDirectory()
    const pushed = await pushRelease({
      draft,
      evidence,
      directory: workspace,
      stackDirectory,
      migrations,
      prefix: inputs.images,
      agentFile,
      agentVersion: () => versionOf(agentFile),
      actor,
      repository,
      run: runUrl,
      created: new Date(),
      ...login,
      cache: await cacheDirectory(),
      dockerConfigDirectory: join(directory, 'docker'),
      env: childEnvironment(),
      log: log.foreign,
      signal: job.signal,
    }).finally(() => removeDirectory(directory))
    writeJobOutput('release', pushed.release)
    const { manifest, uploaded, known } = pushed
    job.report.message = `${manifest.id}: ${uploaded.length} images uploaded, ${known.length} were there.`
    job.report.rows.push(['release', pushed.release], ['commit', manifest.commit])
    for (const [service, { digest }] of Object.entries(manifest.images)) job.report.rows.push([service, digest])
  })
}

export const post = cleanUp

/** The migrations that a release carries; none where its stack has no folder of them. */
async function migrationsIn(folder: string): Promise<ReleaseManifest['migrations']> {
  if (!existsSync(folder)) return []
  // Not loaded by every start of the action: the driver of the database comes with it.
  const { loadMigrations } = await import('../migrations/index.ts')
  return (await loadMigrations(folder)).map(({ id, sha256, phase }) => ({ id, sha256, phase }))
}

/** The version that the agent says of itself, so that the manifest cannot say another. */
async function versionOf(agentFile: string): Promise<string> {
  const said = await run(process.execPath, [agentFile, 'version'], { env: childEnvironment(), timeout: 20_000 })
  const version = /\b\d+\.\d+\.\d+\b/.exec(said)?.[0]
  if (version) return version
  throw new Failure('error', `${agentFile} says no version: is dist complete at this tag?`)
}
