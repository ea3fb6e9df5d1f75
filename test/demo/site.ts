// The place where the demo happens: a team's repository and its two servers, and what is seen of them while a workflow runs.
import { readFile } from 'node:fs/promises'
import { type AgentStatus, eventSchema, type TransactionEvent } from '../../src/agent/protocol.ts'
import type { Lab, Machine } from '../lab/index.ts'
import { Counter, type CounterReport } from '../load/counter.ts'
import { agent, statusOf } from '../site/server.ts'
import type { UserRepository, WorkflowRun } from '../site/user-repository.ts'

export const SERVERS = ['staging', 'production'] as const
export type ServerName = (typeof SERVERS)[number]
export type Both<T> = Record<ServerName, T>

export interface Site extends Both<Machine> {
  lab: Lab
  repository: UserRepository
}

/** What happened on both servers while a workflow ran. */
export interface Observation {
  run: WorkflowRun
  before: Both<AgentStatus>
  after: Both<AgentStatus>
  counted: ReadonlyMap<ServerName, CounterReport>
  /** When the counters started, in milliseconds of the epoch. */
  startedAt: number
}

/**
 * Runs a workflow while 16 connections ask each server of `where` without pause.
 * @param image path of an image that production has, which is fetched there as well
 */
export async function observe(
  site: Site,
  where: readonly ServerName[],
  image: string,
  work: () => Promise<WorkflowRun>,
): Promise<Observation> {
  const ca = await readFile(site.lab.ca, 'utf8')
  const before = await statusOfBoth(site)
  const startedAt = Date.now()
  const counters = where.map((name) => {
    const images = name === 'production' ? [image] : []
    const { hostname } = site[name]
    const to = { host: '127.0.0.1', port: site[name].port(443), servername: hostname, ca, images }
    return { name, counter: new Counter(to) }
  })
  const stop = () => Promise.all(counters.map(async ({ name, counter }) => [name, await counter.stop()] as const))
  try {
    const run = await work()
    return { run, before, counted: new Map(await stop()), after: await statusOfBoth(site), startedAt }
  } finally {
    await stop()
  }
}

export async function statusOfBoth({ staging, production }: Site): Promise<Both<AgentStatus>> {
  const [one, two] = await Promise.all([statusOf(staging), statusOf(production)])
  return { staging: one, production: two }
}

/** Whether a server did nothing at all in between. */
export function isUntouched({ before, after }: Observation, server: ServerName): boolean {
  return before[server].last?.transaction === after[server].last?.transaction
}

/** The journal of a transaction that has ended. */
export async function journalOf(server: Machine, transaction: string): Promise<TransactionEvent[]> {
  const { stdout } = await agent(server, ['follow', transaction, '--json'])
  return stdout.split('\n').map((line) => eventSchema.parse(JSON.parse(line)))
}
