import { join } from 'node:path'
import { Problems } from '../../lib/index.ts'
import { checkStack, formatFinding, loadStack, type Stack } from '../../stack/index.ts'
import type { Layout } from '../layout.ts'
import type { Planner } from '../transaction/planner.ts'
import type { Release } from '../transaction/world.ts'
import { checkConfig } from './check-config.ts'
import { type ComposeCommand, WITHOUT_COLLECTOR } from './compose-command.ts'
import { type ConfigRevision, openConfig, sealConfig } from './config.ts'
import type { Engine } from './engine.ts'
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
  compose: ComposeCommand
  log: (line: string) => void
}): Planner {
  const { paths, engine, env, compose, log } = parts
  const releases = openReleases(paths.releases, env, log)

  // Releases and revisions never change, and a deploy asks for the same ones as the core before it: Compose need not read them again.
  const load = rememberLast(async (release, config): Promise<Stack> => {
    const stack = await loadStack({
      directory: join(release.directory, 'stack'),
      env: { ...env, ...WITHOUT_COLLECTOR },
      compose,
    })
    const problems = new Problems()
    for (const finding of checkStack(stack)) problems.add(formatFinding(finding))
    await checkConfig(stack, config, problems)
    problems.throwIfAny()
    return stack
  })
  const core = rememberLast(async (release, config) =>
    planCore(await load(release, config), release, config, paths, engine),
  )

  return {
    fetch: releases.fetch,
    open: releases.open,
    sealConfig: () => sealConfig(paths),
    openConfig: (revision) => openConfig(paths, revision),
    plan: async (release, config) => planApp(await load(release, config), release, config, paths),
    planCore: core,
    planData: async (release, config) => planData(await load(release, config), release, config, paths),
    prune: (kept) => pruneServer(kept, releases, paths, engine),
  }
}

/** `work`, whose last result is kept until it is asked for another release or revision. */
function rememberLast<T>(
  work: (release: Release, config: ConfigRevision) => Promise<T>,
): (release: Release, config: ConfigRevision) => Promise<T> {
  let last: { key: string; result: T } | null = null
  return async (release, config) => {
    const key = `${release.reference} ${config.revision}`
    if (last?.key !== key) last = { key, result: await work(release, config) }
    return last.result
  }
}
