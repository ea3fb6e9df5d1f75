// The action migrate on a server without an agent: nobody there takes a backup, keeps a lock or knows what serves. The lease of the database
// guards against others, and the history keeps why no backup was taken.
import { resolve } from 'node:path'
import { badInput, Failure, refused } from '../lib/index.ts'
import {
  appliedText,
  applyMigrations,
  holdsDocuments,
  loadMigrations,
  type Migration,
  PHASES,
  type Phase,
  readLedger,
  type Store,
} from '../migrations/index.ts'
import { type Job, jobContext, plain, writeOutputs } from '../runner/index.ts'
import type { DatabaseInputs } from './database-inputs.ts'
import { applyHere, inCheckout, type Login, showPlan, withDatabase } from './migration-work.ts'
import type { Server } from './server.ts'

export interface TunnelInputs extends DatabaseInputs {
  phase: Phase | 'all'
  plan: boolean
  migrations: string
  reason: string | undefined
  'no-backup': string | undefined
}

/**
 * Plans or applies the migrations of the checkout.
 * @throws Failure `bad-input` where an agent answers, `unreachable` where one is and does not; `refused` where a run is, and where the database holds data and no reason stands for the missing backup
 */
export async function migrateByTunnel(inputs: TunnelInputs, server: Server, job: Job): Promise<void> {
  const { phase, plan, migrations: folder } = inputs
  const { signal } = job
  job.onCancel(() => 'cancelled: the migration ends between two batches, and the next run goes on from there')
  // Where one is, it takes the backup, keeps the lock and knows what serves.
  if (await hasAgent(server)) {
    throw badInput('input via: an agent runs on this server and migrates its database: leave "tunnel" out')
  }
  job.report.rows.push(['via', `tunnel to port ${inputs['database-port']}, no agent: nothing here knows what serves`])
  const directory = inCheckout(folder)
  const migrations = await loadMigrations(directory)
  try {
    job.report.message = await withDatabase(loginOf(inputs), server, async (database) => {
      if (!plan && phase !== 'all') return apply(database, migrations, phase, inputs, signal)
      const phases = phase === 'all' ? PHASES : [phase]
      const { outcome, message } = await showPlan(database, migrations, job, { phases, folder: directory, signal })
      if (outcome !== 'done') throw refused(`refused: ${plain(message)}`)
      return message
    })
  } catch (thrown) {
    if (thrown instanceof Failure) writeOutputs({ outcome: thrown.kind })
    throw thrown
  }
  writeOutputs({ outcome: 'done' })
}

/** Whether an agent is installed. @throws Failure when one is that does not answer: it may hold the lock, or come back meanwhile */
async function hasAgent({ agent }: Server): Promise<boolean> {
  try {
    await agent.status()
    return true
  } catch (thrown) {
    // The one mistake that a question for the status can find: the server has no such command.
    if (thrown instanceof Failure && thrown.kind === 'bad-input') return false
    throw thrown
  }
}

async function apply(
  database: Store,
  migrations: readonly Migration[],
  phase: Phase,
  { reason, 'no-backup': noBackup }: TunnelInputs,
  signal: AbortSignal,
): Promise<string> {
  const before = await pendingIn(database, migrations)
  if (noBackup === undefined && before[phase].length > 0 && (await holdsDocuments(database.db('read')))) {
    throw refused(
      'refused: the database holds data, and without an agent nothing here takes a backup of it: take one, then name it in the input no-backup',
    )
  }
  const why = [...(noBackup === undefined ? [] : [`no backup: ${noBackup}`]), ...(reason === undefined ? [] : [reason])]
  const kept = why.length === 0 ? {} : { reason: why.join('; ') }
  const done = await applyHere((options) => applyMigrations(database, migrations, options), { phase, signal, ...kept })
  const left = await pendingIn(database, migrations)
  writeOutputs({ pending: left[phase].join(','), 'pending-data': left.data.join(',') })
  if (done.applied.length === 0 && done.waiting.length > 0) throw refused(`refused: ${done.waiting.join('; ')}`)
  return appliedText(done)
}

async function pendingIn(database: Store, migrations: readonly Migration[]): Promise<Record<Phase, string[]>> {
  const { entries } = await readLedger(database)
  const applied = new Set(entries.filter(({ state }) => state === 'applied').map(({ _id }) => _id))
  const of = (phase: Phase) =>
    migrations.filter((one) => one.phase === phase && !applied.has(one.id)).map(({ id }) => id)
  return { expand: of('expand'), data: of('data'), contract: of('contract') }
}

function loginOf(inputs: TunnelInputs): Login {
  const { database = '', 'database-tls-name': serverName, 'database-ca': ca } = inputs
  const caFile = ca === undefined ? {} : { caFile: resolve(jobContext().workspace, ca) }
  return {
    port: inputs['database-port'],
    database,
    username: inputs['database-username'],
    password: inputs['database-password'],
    ...(serverName === undefined ? {} : { tls: { serverName, ...caFile } }),
  }
}
