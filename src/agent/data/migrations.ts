import { hostname } from 'node:os'
import { refused } from '../../lib/index.ts'
import {
  appliedText,
  applyCarried,
  eventText,
  type MigrationEvent,
  mark,
  mayRun,
  openDatabase,
  readCarried,
  readDecisions,
  readLedger,
  turnsOf,
  undoTo,
} from '../../migrations/index.ts'
import type { MigrationPhase, ReleaseManifest } from '../../release/index.ts'
import type { DatabaseAccess, RequestOf } from '../protocol.ts'
import type { ChildLine } from './child.ts'
import type { Judgement } from './jobs.ts'

/** Judges a release by the ledger of a database. */
export async function judgeBy(access: DatabaseAccess, migrations: ReleaseManifest['migrations']): Promise<Judgement> {
  await using database = await openDatabase(access)
  const { entries } = await readLedger(database)
  const applied = new Set(entries.filter(({ state }) => state === 'applied').map(({ _id }) => _id))
  const pending = (phase: MigrationPhase) =>
    migrations.filter((one) => one.phase === phase && !applied.has(one.id)).map(({ id }) => id)
  const waiting = (phase: MigrationPhase) => turnsOf(migrations, entries, phase).waiting
  return {
    refusals: mayRun(migrations, entries),
    pending: { expand: pending('expand'), data: pending('data'), contract: pending('contract') },
    waiting: { expand: waiting('expand'), data: waiting('data'), contract: waiting('contract') },
    begun: entries.map(({ _id }) => _id),
  }
}

interface Asked {
  access: DatabaseAccess
  directory: string
  migrations: ReleaseManifest['migrations']
  run: string
  actor: string
}

interface AskOnly {
  askOnly?: boolean | undefined
}

type Print = (line: ChildLine) => void

/** Applies the migrations of a phase here, beside the database. @returns what was done, in one line */
export async function migrateHere(
  asked: Asked & { phase: MigrationPhase },
  print: Print,
  signal: AbortSignal,
): Promise<string> {
  const { access, directory, phase, run, actor } = asked
  // The files are read while the database is reached, whose login takes longer.
  const reading = readCarried(directory, asked.migrations)
  reading.catch(() => undefined)
  await using database = await openDatabase(access)
  const carried = await reading
  const who = { run, actor, host: hostname() }
  const done = await applyCarried(database, carried, { phase, ...who, signal, onEvent: teller(print) })
  if (done.applied.length === 0 && done.waiting.length > 0) throw refused(done.waiting.join('; '))
  return appliedText(done)
}

/** Undoes here what was applied after `to`, exactly, or asks what would bar that. @returns what was undone, in one line */
export async function undoHere(
  asked: Asked & Pick<RequestOf<'undo'>, 'to' | 'keep' | 'restore'> & AskOnly,
  print: Print,
  signal: AbortSignal,
): Promise<string> {
  const { access, directory, to, keep, restore, run, actor, askOnly } = asked
  const decisions = readDecisions(keep, restore)
  const migrations = await (await readCarried(directory, asked.migrations)).load()
  await using database = await openDatabase(access)
  const undone = await undoTo(database, migrations, to, {
    ...{ run, actor, host: hostname(), signal, askOnly, ...decisions },
    onEvent: teller(print),
  })
  return undone.length === 0 ? 'nothing was left to undo' : `undone: ${undone.join(', ')}`
}

/** Writes into the ledger what a person says of a migration, or asks whether it may. @returns what was or may be marked, in one line */
export async function markHere(
  asked: Asked & Pick<RequestOf<'mark'>, 'migration' | 'as' | 'reason'> & AskOnly,
  signal: AbortSignal,
): Promise<string> {
  const { access, directory, migration, as, reason, run, actor, askOnly = false } = asked
  const migrations = await (await readCarried(directory, asked.migrations)).load()
  await using database = await openDatabase(access)
  await mark(database, migrations, migration, as, { run, actor, host: hostname(), reason, signal, askOnly })
  return `${migration} ${askOnly ? 'may be' : 'is'} marked ${as}`
}

function teller(print: Print): (event: MigrationEvent) => void {
  return (event) => print({ type: event.kind === 'progress' ? 'progress' : 'note', message: eventText(event) })
}
