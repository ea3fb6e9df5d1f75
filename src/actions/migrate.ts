import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { OpenDatabase, RequesterReport } from '../agent/client.ts'
import { Failure } from '../lib/index.ts'
import {
  appliedText,
  applyMigrations,
  eventText,
  loadMigrations,
  type Migration,
  type MigrationEvent,
  ofRelease,
  openDatabase,
  type Plan,
  planMigrations,
  type Store,
} from '../migrations/index.ts'
import { type MigrationPhase, migrationPhaseSchema, parsePinned } from '../release/index.ts'
import {
  flag,
  type Job,
  jobContext,
  log,
  mask,
  matching,
  optional,
  path,
  readInputs,
  required,
  runAction,
  startHeartbeat,
  writeOutputs,
} from '../runner/index.ts'
import { cleanUp, type Server, serverInputs, withServer } from './server.ts'
import { carryOut } from './transaction.ts'
import { registryInputs, registryLogin, releaseReference, requester } from './transaction-inputs.ts'

export function main(): Promise<void> {
  return runAction('Migrate', async (job) => {
    const inputs = readInputs({
      ...serverInputs,
      release: releaseReference,
      phase: matching(migrationPhaseSchema),
      plan: flag,
      migrations: path,
      'allow-core': flag,
      'no-backup': optional(required),
      ...registryInputs,
    })
    const { environment, release, phase, plan, 'allow-core': allowCore, 'no-backup': noBackup } = inputs
    job.report.subject = `${plan ? 'Plan' : 'Migrate'} ${environment} (${phase})`
    job.report.rows.push(['release', release])
    const asked = { ...requester(), ...registryLogin(inputs, parsePinned('release', release)), release }
    const migrate = {
      kind: 'migrate' as const,
      ...asked,
      allowCore,
      phase,
      plan,
      ...(noBackup === undefined ? {} : { noBackup }),
    }
    const core = { kind: 'core' as const, ...asked, allowCore }
    await withServer(inputs, job, async (server) => {
      // A plan starts nothing: what is not there yet is said.
      const purpose = { environment, release: `${release} ${phase}` }
      await carryOut(migrate, plan ? null : core, purpose, server.agent, job, (database, signal) =>
        migrateHere({ phase, plan, directory: inputs.migrations }, database, server, job, signal),
      )
    })
  })
}

export const post = cleanUp

interface OwnWork {
  phase: MigrationPhase
  plan: boolean
  /** In the checkout. */
  directory: string
}

/** Plans or applies from here, through a tunnel to the database of the server. */
async function migrateHere(
  { phase, plan, directory }: OwnWork,
  { port, release: _, migrations: carried, ...login }: OpenDatabase,
  server: Server,
  job: Job,
  signal: AbortSignal,
): Promise<RequesterReport> {
  mask(login.password)
  const migrations = ofRelease(await loadMigrations(resolve(jobContext().workspace, directory)), carried)
  const tunnel = await server.tunnel(port)
  try {
    await using database = await openDatabase({ ...login, socket: tunnel.socket })
    return plan
      ? reportPlan(await planMigrations(database, migrations, { phase, signal }), job)
      : await apply(database, migrations, phase, signal)
  } catch (thrown) {
    // The tunnel knows why nothing answered through it.
    if (thrown instanceof Failure && thrown.kind === 'unreachable' && tunnel.failure) throw tunnel.failure
    throw thrown
  }
}

async function apply(
  database: Store,
  migrations: readonly Migration[],
  phase: MigrationPhase,
  signal: AbortSignal,
): Promise<RequesterReport> {
  const heartbeat = startHeartbeat(`migrations (${phase})`)
  const onEvent = (event: MigrationEvent) => {
    if (event.kind === 'progress') heartbeat.tell(eventText(event))
    else log.foreign(eventText(event))
  }
  try {
    const options = { ...requester(), phase, host: hostname(), signal, onEvent }
    return { outcome: 'done', message: appliedText(await applyMigrations(database, migrations, options)) }
  } finally {
    heartbeat.stop()
  }
}

function reportPlan({ steps, waiting }: Plan, job: Job): RequesterReport {
  for (const { id, phase, description, again, irreversible, impacts } of steps) {
    const facts = [
      description,
      ...(again ? ['was interrupted, goes on'] : []),
      ...impacts.map(({ level, collection, text }) => `${level}: ${collection === '' ? '' : `${collection}: `}${text}`),
      ...(irreversible === null ? [] : [`cannot be undone: ${irreversible}`]),
    ]
    job.report.rows.push([`${id} (${phase})`, facts.join('; ')])
    log.foreign(`${id} (${phase}): ${facts.join('; ')}`)
  }
  for (const line of waiting) job.report.rows.push(['waits', line])
  writeOutputs({ pending: steps.map(({ id }) => id).join(',') })
  const names = steps.map(({ id }) => id).join(', ')
  return { outcome: 'done', message: names === '' ? 'nothing is left to apply' : `would be applied: ${names}` }
}
