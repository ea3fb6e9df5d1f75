// What the action migrate does itself, through a tunnel to the database of the server.
import { hostname } from 'node:os'
import { relative, resolve } from 'node:path'
import type { OpenDatabase, RequesterReport } from '../agent/client.ts'
import { Failure, sarifLog } from '../lib/index.ts'
import {
  type Applied,
  type ApplyOptions,
  appliedText,
  applyCarried,
  type DatabaseAddress,
  eventText,
  loadMigrations,
  type Migration,
  type MigrationEvent,
  openDatabase,
  type Phase,
  planTable,
  type ReviewOptions,
  readCarried,
  remarksOf,
  review,
  type Store,
  verdictOn,
} from '../migrations/index.ts'
import { annotate, type Job, jobContext, log, startHeartbeat, writeJsonFile, writeOutputs } from '../runner/index.ts'
import type { Server } from './server.ts'
import { requester } from './transaction-inputs.ts'

interface Work {
  /** In the checkout. */
  folder: string
  signal: AbortSignal
}

/** A login to a database on the loopback of a server. */
export type Login = Omit<DatabaseAddress, 'host' | 'socket'> & { port: number }

/** Applies the migrations of a phase from here, while the migration holds the lock there. */
export async function runHere(
  opened: OpenDatabase,
  server: Server,
  { folder, phase, signal }: Work & { phase: Phase },
): Promise<RequesterReport> {
  const carried = await readCarried(inCheckout(folder), opened.migrations)
  return withDatabase(loginOf(opened), server, async (database) => {
    const done = await applyHere((options) => applyCarried(database, carried, options), { phase, signal })
    return { outcome: 'done', message: appliedText(done) }
  })
}

/** Applies a phase, says how far it is, and keeps a `reason` in the history. */
export async function applyHere(
  apply: (options: ApplyOptions) => Promise<Applied>,
  asked: { phase: Phase; signal: AbortSignal; reason?: string },
): Promise<Applied> {
  const heartbeat = startHeartbeat(`migrations (${asked.phase})`)
  const onEvent = (event: MigrationEvent) => {
    if (event.kind === 'progress') heartbeat.tell(eventText(event))
    else log.foreign(eventText(event))
  }
  try {
    return await apply({ ...requester(), host: hostname(), ...asked, onEvent })
  } finally {
    heartbeat.stop()
  }
}

interface PlanWork extends Work {
  phases: readonly Phase[]
  /** Whether the checkout must have the migrations of the release; otherwise its own are planned as they are. */
  mustMatch: boolean
}

/** Shows what would be applied and whom it would hurt: in the summary, at the lines of the files, and as SARIF. */
export async function planHere(
  opened: OpenDatabase,
  server: Server,
  job: Job,
  { folder, phases, mustMatch, signal }: PlanWork,
): Promise<RequesterReport> {
  const directory = inCheckout(folder)
  const migrations = mustMatch
    ? await (await readCarried(directory, opened.migrations)).load()
    : await loadMigrations(directory)
  const released = mustMatch ? {} : { released: opened.migrations.map(({ id }) => id) }
  return withDatabase(loginOf(opened), server, (database) =>
    showPlan(database, migrations, job, { phases, folder: directory, ...released, signal }),
  )
}

/** Reads only. */
export async function showPlan(
  database: Store,
  migrations: readonly Migration[],
  job: Job,
  options: ReviewOptions,
): Promise<RequesterReport> {
  const reviewed = await review(database, migrations, options)
  const remarks = remarksOf(reviewed)
  const place = relative(jobContext().workspace, options.folder)
  job.report.table = planTable(reviewed)
  for (const row of job.report.table.rows) log.foreign(row.join(': '))
  for (const { file, text } of remarks) job.report.rows.push([file, text])
  const found = remarks.map((one) => ({ ...one, file: `${place}/${one.file}` }))
  annotate(found.map(({ id, text, ...where }) => ({ ...where, title: id, message: text })))
  const steps = reviewed.plans.flatMap((plan) => plan.steps)
  writeOutputs({
    pending: steps.map(({ id }) => id).join(','),
    'pending-data': steps.flatMap(({ id, phase }) => (phase === 'data' ? [id] : [])).join(','),
    sarif: writeJsonFile('pacs-migrations.sarif', sarifLog('pacs-deploy migrations', found)),
  })
  const { isGood, text } = verdictOn(reviewed)
  return { outcome: isGood ? 'done' : 'refused', message: text }
}

export function inCheckout(folder: string): string {
  return resolve(jobContext().workspace, folder)
}

function loginOf({ release: _release, migrations: _migrations, ...login }: OpenDatabase): Login {
  return login
}

/** Does `work` on a database through a tunnel, which is closed whatever happens. */
export async function withDatabase<T>(
  { port, ...login }: Login,
  server: Server,
  work: (database: Store) => Promise<T>,
): Promise<T> {
  const tunnel = await server.tunnel(port)
  try {
    await using database = await openDatabase({ ...login, socket: tunnel.socket })
    return await work(database)
  } catch (thrown) {
    // The tunnel knows why nothing answered through it.
    if (thrown instanceof Failure && thrown.kind === 'unreachable' && tunnel.failure) throw tunnel.failure
    throw thrown
  }
}
