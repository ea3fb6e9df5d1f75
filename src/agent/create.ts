import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { dockerPlugin } from '../lib/index.ts'
import { openJobs } from './data/open-jobs.ts'
import type { Layout } from './layout.ts'
import type { AgentStatus } from './protocol.ts'
import { PUBLIC_HOST } from './server/check-config.ts'
import { openConfig } from './server/config.ts'
import { openEdge } from './server/edge.ts'
import { openEngine } from './server/engine.ts'
import { oldDefinition } from './server/plan-core.ts'
import { ask } from './server/probe.ts'
import { openLogins } from './server/registry-logins.ts'
import { openPlanner } from './server/server-planner.ts'
import { openTargets } from './server/targets-file.ts'
import { Agent } from './transaction/agent.ts'
import { openJournal } from './transaction/journal.ts'
import { openState } from './transaction/state.ts'
import type { Release, World } from './transaction/world.ts'

/** Milliseconds that a container may take for one probe. */
const PROBE_LIMIT = 2000

export interface CreateOptions {
  paths: Layout
  /** PATH for `docker`. */
  path: string
  /** The agent's own file, which its children run too. */
  script: string
  identity: Omit<AgentStatus['agent'], 'engine'>
  /** Installs the agent of a release when that is newer; throws Restarting when this process is to end for it. */
  adopt(release: Release): Promise<void>
  log(message: string): void
}

/**
 * The agent of this server, with everything that it touches. `recover` is to be called before its socket opens.
 * @throws Error when the state is damaged or the container engine does not answer.
 */
export async function createAgent({ paths, path, script, identity, adopt, log }: CreateOptions): Promise<Agent> {
  // Logins are kept here, in memory only, and only as long as the transaction that brought them.
  const dockerConfig = join(paths.run, 'docker')
  await rm(dockerConfig, { recursive: true, force: true })
  await mkdir(dockerConfig, { recursive: true, mode: 0o700 })
  const env = { PATH: path, HOME: dockerConfig, DOCKER_CONFIG: dockerConfig }
  const compose = await dockerPlugin('compose', env)
  const engine = openEngine(dockerConfig, path, log, compose)
  const planner = openPlanner({
    paths,
    engine,
    env,
    compose,
    log,
  })
  const world: World = {
    store: await openState(paths.state),
    engine,
    edge: openEdge(paths.traefik),
    writeTargets: openTargets(paths.prometheus, log),
    probe: (host, port, url) => ask({ at: { host, port }, path: url, timeout: PROBE_LIMIT }),
    oldDefinition: (service, hash) => oldDefinition(service, hash, paths),
    certificateOf: async ({ config }) => (await openConfig(paths, config)).certificate,
    publicHostOf: async ({ config }) => (await openConfig(paths, config)).env[PUBLIC_HOST] ?? '',
    availableMemory,
    jobs: openJobs(
      script,
      {
        backups: paths.backups,
        metrics: paths.metrics,
        restic: join(paths.bin, 'restic'),
        path,
        dockerConfig,
      },
      log,
    ),
    now: () => Date.now(),
    sleep: (ms, signal) =>
      delay(ms, undefined, signal ? { signal } : {}).catch((thrown) => {
        throw signal?.aborted ? signal.reason : thrown
      }),
    randomSecret: () => randomBytes(24).toString('base64url'),
  }
  return new Agent({
    paths,
    world,
    journal: openJournal(paths.journal, () => new Date()),
    planner,
    identity: { ...identity, engine: await engine.version() },
    adopt,
    // pacs' home is the root of the layout.
    login: openLogins(dockerConfig, join(paths.root, '.docker', 'config.json'), log),
    log,
    intervals: { undo: 30_000, sweep: 5_000, prune: 600_000 },
  })
}

async function availableMemory(): Promise<number> {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile('/proc/meminfo', 'utf8'))
  if (!match) throw new Error('/proc/meminfo has no MemAvailable')
  return Number(match[1]) * 1024
}
