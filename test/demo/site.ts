// The place where the demo happens: a team's repository and its two servers, and what is seen of them while a workflow runs.
import { type AgentStatus, eventSchema, type TransactionEvent } from '../../src/agent/protocol.ts'
import type { Lab, Machine } from '../lab/index.ts'
import type { CounterReport } from '../load/counter.ts'
import { agent, statusOf } from '../site/server.ts'
import { countRun } from '../site/site.ts'
import type { RunOptions, UserRepository, WorkflowRun } from '../site/user-repository.ts'

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
}

/**
 * Runs a workflow; from its first step on a server up to its end, 16 connections ask each server of `where` without pause.
 * @param image path of an image that production has, which is fetched there as well
 */
export async function observe(
  site: Site,
  where: readonly ServerName[],
  image: string,
  work: (options: RunOptions) => Promise<WorkflowRun>,
  options: RunOptions,
): Promise<Observation> {
  const before = await statusOfBoth(site)
  const entries = where.map((name) => ({ server: site[name], images: name === 'production' ? [image] : [] }))
  const { run, reports } = await countRun(site.lab, entries, work, options)
  const counted = new Map(reports.map((report, index) => [where[index] ?? SERVERS[0], report]))
  return { run, before, counted, after: await statusOfBoth(site) }
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
