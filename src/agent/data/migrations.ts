import { hostname } from 'node:os'
import { refused } from '../../lib/index.ts'
import {
  appliedText,
  applyMigrations,
  eventText,
  loadMigrations,
  type MigrationEvent,
  mayRun,
  ofRelease,
  openDatabase,
  readLedger,
} from '../../migrations/index.ts'
import type { MigrationPhase, ReleaseManifest } from '../../release/index.ts'
import type { DatabaseAccess } from '../protocol.ts'
import type { ChildLine } from './child.ts'
import type { Judgement } from './jobs.ts'

/** Judges a release by the ledger of a database. */
export async function judgeBy(access: DatabaseAccess, migrations: ReleaseManifest['migrations']): Promise<Judgement> {
  await using database = await openDatabase(access)
  const { entries } = await readLedger(database)
  const applied = new Set(entries.filter(({ state }) => state === 'applied').map(({ _id }) => _id))
  const pending = (phase: MigrationPhase) =>
    migrations.filter((one) => one.phase === phase && !applied.has(one.id)).map(({ id }) => id)
  return {
    refusals: mayRun(migrations, entries),
    pending: { expand: pending('expand'), data: pending('data'), contract: pending('contract') },
  }
}

interface Asked {
  access: DatabaseAccess
  directory: string
  migrations: ReleaseManifest['migrations']
  phase: MigrationPhase
  run: string
  actor: string
}

/** Applies the migrations of a phase here, beside the database. @returns what was done, in one line */
export async function migrateHere(
  asked: Asked,
  print: (line: ChildLine) => void,
  signal: AbortSignal,
): Promise<string> {
  const { access, directory, phase, run, actor } = asked
  const migrations = ofRelease(await loadMigrations(directory), asked.migrations)
  await using database = await openDatabase(access)
  const onEvent = (event: MigrationEvent) =>
    print({ type: event.kind === 'progress' ? 'progress' : 'note', message: eventText(event) })
  const done = await applyMigrations(database, migrations, { phase, run, actor, host: hostname(), signal, onEvent })
  if (done.applied.length === 0 && done.waiting.length > 0) throw refused(done.waiting.join('; '))
  return appliedText(done)
}
