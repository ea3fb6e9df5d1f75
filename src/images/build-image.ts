import { join } from 'node:path'
import type { Redact } from '../lib/index.ts'
import { cacheArguments, type GitHubCache } from './build-cache.ts'
import { build } from './buildx.ts'
import type { DraftImage } from './draft.ts'
import type { EngineAccess } from './engine-socket.ts'
import { inspectBuiltImage } from './local-image.ts'
import type { ImageSource } from './plan.ts'
import type { Log } from './progress.ts'
import { testResults } from './test-results.ts'

/** What all builds of a release have in common. */
export interface BuildContext extends EngineAccess {
  prefix: string
  commit: string
  version?: string
  /** The repository's address. */
  source?: string
  /** When the commit was made: the same commit builds the same image. */
  created: Date
  /** BuildKit secrets: id → path. */
  secrets: Readonly<Record<string, string>>
  platform: string
  /** An empty private directory for what buildx says of its results. */
  metadataDirectory: string
  /** Left out: the builder's own cache alone. */
  cache?: GitHubCache
  redact: Redact
  log: Log
}

/** What came of building one image. */
export interface BuiltImage {
  image: DraftImage
  /** What its own tests said, in a few words; null where its build has no step that tests. */
  tests: string | null
}

/** Builds the image of one service for one platform and loads it into the engine. @throws Failure `error` with BuildKit's own reason. */
export async function buildImage(source: ImageSource & { kind: 'build' }, context: BuildContext): Promise<BuiltImage> {
  const { prefix, commit, redact, log, signal } = context
  const tests = testResults()
  const local = `${prefix}/${source.service}:${commit}`
  const metadata = join(context.metadataDirectory, `${source.service}.json`)
  await build(source.service, buildArguments(source, context, local, metadata), {
    env: { ...context.env, ...context.cache },
    signal,
    redact,
    onLine: (line) => {
      tests.line(line)
      log(redact(line))
    },
  })
  const built = await inspectBuiltImage(local, metadata, context)
  return { image: { local, ...built, verdict: null, built: true }, tests: tests.words() }
}

function buildArguments(
  source: ImageSource & { kind: 'build' },
  { commit, version, source: address, created, secrets, platform, cache }: BuildContext,
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
    ...(address === undefined ? {} : { 'org.opencontainers.image.source': address }),
  }
  const each = (option: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`])
  return [
    ...['--platform', platform, '--tag', local, '--metadata-file', metadata, '--file', source.dockerfile],
    ...(source.target === undefined ? [] : ['--target', source.target]),
    ...each('--build-arg', args),
    ...each('--label', labels),
    ...Object.entries(secrets).flatMap(([id, path]) => ['--secret', `id=${id},src=${path}`]),
    ...(cache === undefined ? [] : cacheArguments(source.service)),
    source.context,
  ]
}
