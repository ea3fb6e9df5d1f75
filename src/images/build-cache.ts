import { tryBuildx } from './buildx.ts'

/**
 * GitHub's cache, as a job reaches it: the environment by which BuildKit logs in to it. Elsewhere the builder's own cache, on the
 * machine's disk, is all there is.
 */
export type GitHubCache = Readonly<Record<string, string>>

/**
 * Whether the builder can hand its cache on: the engine's own can only where it keeps images in containerd.
 * @param namesByConfig see BuildEngine
 */
export async function canExportCache(
  namesByConfig: boolean,
  options: { env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<boolean> {
  const { code, stdout } = await tryBuildx(['inspect'], { ...options, timeout: 30_000 })
  const driver = /^Driver:\s*(\S+)/m.exec(stdout)?.[1]
  if (code !== 0 || driver === undefined) return false
  return driver !== 'docker' || !namesByConfig
}

/** What lets a build begin with what an earlier run built, and leave what the next one can begin with; a cache that is away fails no build. */
export function cacheArguments(service: string): string[] {
  const scope = `scope=pacs-${service}`
  return [
    ...['--cache-from', `type=gha,${scope}`],
    // All stages: installing the dependencies is what takes long.
    ...['--cache-to', `type=gha,${scope},mode=max,ignore-error=true`],
  ]
}
