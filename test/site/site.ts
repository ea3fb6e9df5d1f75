// One team's servers and repository in a lab: set up, configured, nothing deployed yet.
import { readFile } from 'node:fs/promises'
import { allLabs, ensureEngine, type Lab, type Machine, openLab, Progress, startLab, waitFor } from '../lab/index.ts'
import { Counter, type CounterOptions, type CounterReport } from '../load/counter.ts'
import { configure, productionConfig, type ServerSecrets, type SiteConfig, setUp } from './server.ts'
import { type RunOptions, UserRepository, type WorkflowRun } from './user-repository.ts'

export interface Site extends AsyncDisposable {
  lab: Lab
  repository: UserRepository
  /** What a person wrote into the configuration of each server, by its name. */
  configs: ReadonlyMap<string, SiteConfig & { secrets: ServerSecrets }>
}

/** Set where several test files run: the name of one lab for all of them. Its runner has built what the next file builds again. */
export const SHARED_LAB = 'PACS_SHARED_LAB'
/** Each file has servers of its own there, so that none meets what another one left. */
const SHARED_SERVERS = ['staging', 'production', 'transactions', 'bare', 'faults']

/** Gives servers that have an agent and the shipped stack's configuration, and a repository with nothing but the first commit. */
export async function startSite(servers: readonly string[]): Promise<Site> {
  const { lab, end } = await labWith(servers)
  try {
    const key = (await readFile(`${lab.sshKey}.pub`, 'utf8')).trim()
    const configs = await Promise.all(
      servers.map(async (name): Promise<[string, SiteConfig & { secrets: ServerSecrets }]> => {
        const server = lab.server(name)
        const config = await productionConfig(lab, server)
        await setUp(server, key)
        await configure(server, config)
        return [name, config]
      }),
    )
    const repository = await UserRepository.create(lab)
    return { lab, repository, configs: new Map(configs), [Symbol.asyncDispose]: end }
  } catch (thrown) {
    await end()
    throw thrown
  }
}

/** The shared lab where there is one whose `servers` nobody has used, else one for the caller alone. */
async function labWith(servers: readonly string[]): Promise<{ lab: Lab; end: () => Promise<void> }> {
  const name = process.env[SHARED_LAB]
  if (name !== undefined && servers.every((server) => SHARED_SERVERS.includes(server))) {
    await ensureEngine(new Progress())
    const lab = (await allLabs()).includes(name)
      ? await openLab(name)
      : await startLab({ name, servers: SHARED_SERVERS })
    const mine = servers.map((server) => lab.server(server))
    const fresh = await Promise.all(mine.map((server) => server.exec(['test', '!', '-e', '/opt/pacs'])))
    if (fresh.every(({ code }) => code === 0)) {
      // What runs there would take the machine from the next file.
      return { lab, end: async () => void (await Promise.all(mine.map((server) => server.kill()))) }
    }
  }
  const lab = await startLab({ servers })
  return { lab, end: () => lab.down() }
}

/** Starts to count requests at the public entry of a server; a log-in takes longer than a move of traffic, so every connection stands by then. */
export async function count(
  lab: Lab,
  server: Machine,
  options: Omit<CounterOptions, 'host' | 'port' | 'servername' | 'ca'> = {},
): Promise<Counter> {
  const ca = await readFile(lab.ca, 'utf8')
  const counter = new Counter({
    host: '127.0.0.1',
    port: server.port(443),
    servername: server.hostname,
    ca,
    ...options,
  })
  await counter.begun
  return counter
}

/** Milliseconds between two requests of one connection during a whole workflow, which else waits for the processor that they take. */
const CALM = 200

/** Milliseconds for counting on after a workflow. */
const COUNTING_LIMIT = 60_000

export interface CountedRun {
  run: WorkflowRun
  /** What was counted at each server, in the order asked for. */
  reports: readonly CounterReport[]
}

/**
 * Runs a workflow and counts requests at `entries` from the moment when its first step that changes a server begins, up to its end, and
 * on until each server was asked more than `least` times.
 * @throws Error when no such step began.
 */
export async function countRun(
  lab: Lab,
  entries: readonly ({ server: Machine } & Pick<CounterOptions, 'api' | 'images'>)[],
  work: (options: RunOptions) => Promise<WorkflowRun>,
  { least = 0, ...options }: RunOptions & { least?: number } = {},
): Promise<CountedRun> {
  let counting: Promise<Counter[]> | undefined
  const onServer = () => {
    counting = Promise.all(entries.map(({ server, ...what }) => count(lab, server, { think: CALM, ...what })))
  }
  const stop = async () => Promise.all(((await counting) ?? []).map((counter) => counter.stop()))
  try {
    const run = await work({ ...options, onServer })
    if (counting === undefined) throw new Error(`the workflow reached no server: ${run.printed.slice(-4000)}`)
    for (const counter of await counting) {
      await waitFor(`${least} requests`, () => counter.sent > least, COUNTING_LIMIT)
    }
    return { run, reports: await stop() }
  } finally {
    await stop()
  }
}
