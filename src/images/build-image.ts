import { join } from 'node:path'
import { Failure, type Redact, tryRun } from '../lib/index.ts'
import { cacheArguments, type GitHubCache } from './build-cache.ts'
import type { DraftImage } from './draft.ts'
import { inspectBuiltImage } from './local-image.ts'
import type { ImageSource } from './plan.ts'
import type { Log } from './progress.ts'
import { testResults } from './test-results.ts'

/** What all builds of a release have in common. */
export interface BuildContext {
  prefix: string
  commit: string
  version?: string
  /** When the commit was made: the same commit builds the same image. */
  created: Date
  /** BuildKit secrets: id → path. */
  secrets: Readonly<Record<string, string>>
  platform: string
  /** An empty private directory for what buildx says of its results. */
  metadataDirectory: string
  /** Left out: the builder's own cache alone. */
  cache?: GitHubCache
  env: Readonly<Record<string, string>>
  redact: Redact
  log: Log
  signal: AbortSignal
}

/** What came of building one image. */
export interface BuiltImage {
  image: DraftImage
  /** What its own tests said, in a few words; null where its build has no step that tests. */
  tests: string | null
}

const NAMED_MEANWHILE = /^ERROR: .*image "[^"]+": already exists$/m

const FULL_DISK = /no space left on device/i

/** Builds the image of one service for one platform and loads it into the engine. @throws Failure `error` with BuildKit's own reason. */
export async function buildImage(source: ImageSource & { kind: 'build' }, context: BuildContext): Promise<BuiltImage> {
  const { prefix, commit, redact, log, signal } = context
  const env = { ...context.env, ...context.cache }
  const tests = testResults()
  const local = `${prefix}/${source.service}:${commit}`
  const metadata = join(context.metadataDirectory, `${source.service}.json`)
  const args = buildArguments(source, context, local, metadata)
  const build = () =>
    tryRun('docker', args, {
      env,
      signal,
      onLine: (line) => {
        tests.line(line)
        log(redact(line))
      },
    })
  let { code, stderr } = await build()
  // Another job of this machine names the same image at the same moment: containerd's store lets one of them. All is built by now.
  if (code !== 0 && NAMED_MEANWHILE.test(stderr)) ({ code, stderr } = await build())
  if (code !== 0) {
    const reason = redact(reasonOf(stderr))
    const hint = FULL_DISK.test(reason) ? ': make room where the engine keeps its images (docker system prune)' : ''
    throw new Failure('error', `build of ${source.service} failed: ${reason}${hint}`)
  }
  const built = await inspectBuiltImage(local, metadata, context)
  return { image: { local, ...built, verdict: null, built: true }, tests: tests.words() }
}

function buildArguments(
  source: ImageSource & { kind: 'build' },
  { commit, version, created, secrets, platform, cache }: BuildContext,
  local: string,
  metadata: string,
): string[] {
  const args = {
    ...source.args,
    COMMIT: commit,
    ...(version === undefined ? {} : { VERSION: version }),
    CREATED: created.toISOString(),
    SOURCE_DATE_EPOCH: String(created.getTime() / 1000),
  }
  const labels = {
    'org.opencontainers.image.revision': commit,
    ...(version === undefined ? {} : { 'org.opencontainers.image.version': version }),
    'org.opencontainers.image.created': created.toISOString(),
  }
  const each = (option: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`])
  return [
    ...['buildx', 'build', '--load', '--progress', 'plain', '--provenance=false', '--sbom=false'],
    ...['--platform', platform, '--tag', local, '--metadata-file', metadata, '--file', source.dockerfile],
    ...(source.target === undefined ? [] : ['--target', source.target]),
    ...each('--build-arg', args),
    ...each('--label', labels),
    ...Object.entries(secrets).flatMap(([id, path]) => ['--secret', `id=${id},src=${path}`]),
    ...(cache === undefined ? [] : cacheArguments(source.service)),
    source.context,
  ]
}

function reasonOf(stderr: string): string {
  const lines = stderr.split('\n')
  return (
    lines.findLast((line) => line.startsWith('ERROR:'))?.slice('ERROR: '.length) ?? lines.at(-1) ?? 'no reason given'
  )
}
