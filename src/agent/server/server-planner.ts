import { join } from 'node:path'
import { type Command, Problems } from '../../lib/index.ts'
import { checkStack, formatFinding, loadStack, type Stack } from '../../stack/index.ts'
import type { Layout } from '../layout.ts'
import type { Planner } from '../transaction/planner.ts'
import type { Release } from '../transaction/world.ts'
import { checkConfig } from './check-config.ts'
import { type ConfigRevision, openConfig, sealConfig } from './config.ts'
import type { Engine, Project } from './engine.ts'
import { planApp } from './plan-app.ts'
import { planCore } from './plan-core.ts'
import { planData } from './plan-data.ts'
import { pruneServer } from './prune.ts'
import { openReleases } from './releases.ts'

/** The planner of a server: releases, configuration and stack as they lie on its disk. */
export function openPlanner(parts: {
  paths: Layout
  engine: Engine
  /** The environment of `docker` as the agent runs it. */
  env: Readonly<Record<string, string>>
  compose: Command
  log: (line: string) => void
}): Planner {
  const { paths, engine, env, compose, log } = parts
  const releases = openReleases(paths.releases, env, log)

  // Releases and revisions never change, and a deploy asks for the same ones as the core and the migration before it, a rollback for
  // those of the deploy before that: Compose need not read them again.
  const load = rememberLast(revisionOf, async (release, config): Promise<Stack> => {
    const stack = await loadStack({ directory: join(release.directory, 'stack'), env, compose })
    const problems = new Problems()
    for (const finding of checkStack(stack)) problems.add(formatFinding(finding))
    await checkConfig(stack, config, problems)
    problems.throwIfAny()
    return stack
  })
  // Most releases bring the core that runs already.
  const resolve = rememberLast(
    (document: string, config: ConfigRevision, _project: Project) => `${config.revision} ${document}`,
    (_document, _config, project) => engine.resolve(project),
  )

  return {
    fetch: releases.fetch,
    open: releases.open,
    sealConfig: () => sealConfig(paths),
    openConfig: (revision) => openConfig(paths, revision),
    plan: async (release, config) => planApp(await load(release, config), release, config, paths),
    planCore: async (release, config) => planCore(await load(release, config), release, config, paths, resolve),
    planData: async (release, config) => planData(await load(release, config), release, config, paths),
    prune: (kept) => pruneServer(kept, releases, paths, engine),
  }
}

function revisionOf(release: Release, config: ConfigRevision): string {
  return `${release.reference} ${config.revision}`
}

/** How many results are kept: what serves, what is to serve, and with them the configuration as it was and as it is. */
const KEPT = 4

/** `work`, whose last results are kept until others are asked for. */
function rememberLast<A extends readonly unknown[], T>(
  keyOf: (...asked: A) => string,
  work: (...asked: A) => Promise<T>,
): (...asked: A) => Promise<T> {
  const kept = new Map<string, T>()
  return async (...asked) => {
    const key = keyOf(...asked)
    const result = kept.get(key) ?? (await work(...asked))
    // Asked for last, forgotten last.
    kept.delete(key)
    kept.set(key, result)
    for (const oldest of kept.keys()) if (kept.size > KEPT) kept.delete(oldest)
    return result
  }
}
