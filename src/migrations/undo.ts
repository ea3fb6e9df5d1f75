import { badInput, Failure, refused } from '../lib/index.ts'
import { requireRestorable } from './collection.ts'
import { type Workplace, workContext } from './context.ts'
import type { OnEvent } from './events.ts'
import { withoutValues } from './failures.ts'
import type { Migration } from './files.ts'
import { foreseenOf } from './foreseen.ts'
import { type LeaseOptions, takeLease } from './lease.ts'
import type { Actor, LedgerEntry } from './ledger.ts'
import { LedgerWriter } from './ledger-writer.ts'
import { readState } from './read-ledger.ts'
import { type Decide, decideAll, type FieldsPutBack, requireDecided } from './restore.ts'
import type { CollectionState, LedgerState, Store } from './store.ts'
import { takenBack } from './taken-back.ts'
import { limitOf, within } from './time-limit.ts'

interface UndoOptions extends Actor {
  signal: AbortSignal
  onEvent: OnEvent
  /** For documents that were edited since; by default none is decided. */
  decide?: Decide
  /** What was decided and `decide` had no use for so far. */
  idle?: () => string[]
  /** By which the same decisions are known again; by default there are none. */
  digest?: string | null
  /** What would bar the undo is all that is asked. */
  askOnly?: boolean | undefined
  lease?: Omit<LeaseOptions, 'signal'>
}

/**
 * Undoes every migration after `id` (null: all), what ran last first, each exactly: documents, options, validators, indexes.
 * @returns the ids that were undone.
 * @throws Failure `bad-input` for an unknown id, `refused` for an irreversible migration, an undecided document or a decision
 *   about none before any change, `locked`, `failed`.
 */
export async function undoTo(
  store: Store,
  migrations: readonly Migration[],
  id: string | null,
  options: UndoOptions,
): Promise<string[]> {
  if (id !== null && !migrations.some((migration) => migration.id === id)) {
    throw badInput(`"${id}" is no migration; known are ${migrations.map((one) => one.id).join(', ')}`)
  }
  if (undoable(migrations, await readState(store), id).length === 0) return []
  const { run, actor, host, signal, onEvent, decide = () => null, idle = () => [], digest = null } = options
  await using lease = await takeLease(store.lease, { run, actor, host }, 'undo', { ...options.lease, signal })
  const state = await readState(store)
  const writer = new LedgerWriter(store.ledger, lease, { run, actor, host }, state)
  const place: Workplace = { store, lease, writer, onEvent, decide }
  const todo = undoable(migrations, state, id)
  const note = noteOf(id, digest)
  const ended = AbortSignal.any([signal, lease.signal])
  if (todo.length > 1 || options.askOnly || idle().length > 0) {
    const unasked = await requireUndoable(place, todo, ended)
    if (!isBegun(state, note)) await requireUse(place, idle, unasked)
  }
  if (options.askOnly) return []
  const undone: string[] = []
  for (const migration of todo) {
    const started = performance.now()
    await undoOne(place, migration, note, ended).catch((thrown: unknown) => {
      if (undone.length === 0 || !isRefusal(thrown)) throw thrown
      const message = `undone: ${undone.join(', ')} (ask again, it continues); then ${thrown.message}`
      throw new Failure('failed', message, { cause: thrown })
    })
    undone.push(migration.id)
    onEvent({ kind: 'undone', id: migration.id, milliseconds: Math.round(performance.now() - started) })
  }
  return undone
}

/** What the history says of each step of an undo: by it the same undo is known when it is asked for with the same decisions again. */
function noteOf(id: string | null, digest: string | null): string {
  const decided = digest === null ? '' : `, decisions ${digest.replace('sha256:', '').slice(0, 12)}`
  return `undo to ${id ?? 'nothing'}${decided}`
}

/** Whether that undo was cut: what it put back needs no decision any more, and its decisions were found to be of use. */
function isBegun({ history }: Pick<LedgerState, 'history'>, note: string): boolean {
  const last = history.findLast(({ event }) => event !== 'kept')
  return (last?.event === 'rolling-back' || last?.event === 'undone') && last.note === note
}

/**
 * What is decided about nothing was typed wrong, and may have been to protect what another decision overwrites.
 * @param unasked of whose documents any may be edited once it is their turn
 * @throws Failure `refused` that names it.
 */
async function requireUse(
  { store, decide }: Workplace,
  idle: () => string[],
  unasked: readonly Migration[],
): Promise<void> {
  if (idle().length === 0) return
  for (const { id } of unasked) await decideAll(store, id, decide)
  const useless = idle()
  if (useless.length === 0) return
  const why = 'nothing is to be decided about it, for nobody edited it after a migration that is undone wrote it'
  throw refused(
    useless.map((one) => `${one}: ${why}; leave it out, or name what the refusal without it names`).join('\n'),
  )
}

/** What is to be undone, what ran last first, whatever its number; refuses when the way is barred. */
function undoable(
  migrations: readonly Migration[],
  { entries, history }: Pick<LedgerState, 'entries' | 'history'>,
  id: string | null,
): Migration[] {
  const ran = new Map<string, number>()
  for (const { _id, migration, event } of history) if (event !== 'rolling-back') ran.set(migration, _id)
  const whenOf = ({ _id }: LedgerEntry) => ran.get(_id) ?? 0
  const later = entries
    .filter(({ _id }) => id === null || _id > id)
    .toSorted((one, other) => whenOf(other) - whenOf(one))
  const known = new Map(migrations.map((migration) => [migration.id, migration]))
  const refusals: string[] = []
  const found: Migration[] = []
  for (const { _id, sha256 } of later) {
    const migration = known.get(_id)
    if (migration === undefined) refusals.push(`${_id} is not in this release: undo it with the release that has it`)
    else if (migration.sha256 !== sha256) refusals.push(`${_id} was edited after it ran: undo the edit first`)
    else if ('irreversible' in migration.definition) {
      refusals.push(`${_id} is irreversible (${migration.definition.irreversible}): restore a backup instead`)
    } else found.push(migration)
  }
  if (refusals.length > 0) throw refused(refusals.join('\n'))
  return found
}

function isRefusal(thrown: unknown): thrown is Failure {
  return thrown instanceof Failure && thrown.kind === 'refused'
}

/**
 * Asks of each what would bar its undo, as far as that is known: after one whose `down` does more than to put back what is kept, no
 * further.
 * @returns those of whose documents not all that will be edited are known.
 * @throws Failure `refused` as {@link requireDecided} and {@link requireRestorable}.
 */
async function requireUndoable(
  place: Workplace,
  todo: readonly Migration[],
  signal: AbortSignal,
): Promise<readonly Migration[]> {
  const { store, writer, decide } = place
  const newer: string[] = []
  const changing: FieldsPutBack = new Map()
  const after = new Map<string, CollectionState | null>()
  for (const [at, migration] of todo.entries()) {
    const { id } = migration
    const puts = await foreseenOf(store, migration, signal)
    const changes = await requireDecided(store, id, decide, newer)
    for (const [collection, fields] of puts?.documents ? changes : []) {
      changing.set(collection, new Set([...(changing.get(collection) ?? []), ...fields]))
    }
    for (const image of writer.kept(id)) {
      const { collection } = image
      const known = after.get(collection)
      const now = known === undefined ? await store.catalog.describe(collection) : known
      // What a `down` of its own removes before is not known; it is counted again before anything is dropped.
      const left = puts?.collections
        ? await requireRestorable(store.catalog, id, image, now, changing.get(collection))
        : takenBack(id, image, now)
      if (puts?.collections) after.set(collection, left)
    }
    if (puts === null) return todo.slice(at)
    if (puts.documents) newer.push(id)
  }
  return []
}

/**
 * Writes `rolling-back`, undoes, forgets the before-images, removes the entry. Asked again after a crash it continues.
 * @throws Failure `refused` before its first write, `failed` after.
 */
async function undoOne(place: Workplace, migration: Migration, note: string, signal: AbortSignal): Promise<void> {
  const { store, writer, onEvent } = place
  const { id, definition } = migration
  if (!('down' in definition)) throw new Error(`${id} has no down`)
  onEvent({ kind: 'started', id, description: `undo: ${definition.description}`, again: false })
  await requireUndoable(place, [migration], signal)
  const entry = writer.begin(migration, 'rolling-back', {})
  await writer.announce('rolling-back', entry, note)
  try {
    await within(store, `down of ${id}`, limitOf(migration), signal, (inner) =>
      definition.down(workContext(place, migration, entry, inner, { collections: [], walks: [], readBack: null })),
    )
  } catch (thrown) {
    if (signal.aborted) throw thrown
    if (isRefusal(thrown)) {
      const message = `undo of ${id} is half done: ${thrown.message}`
      throw new Failure('failed', `${message}; then ask for it again, ${otherwise(id)}`, { cause: thrown })
    }
    const message = `undo of ${id}: ${withoutValues(thrown)}; ask for the undo again to continue`
    throw new Failure('failed', `${message}, ${otherwise(id)}`, { cause: thrown })
  }
  await place.lease.check()
  await store.before.remove(id)
  await writer.remove('undone', entry, note)
}

/** The way out of an undo that cannot go on. */
function otherwise(id: string): string {
  return `or, to stay with ${id}, say "pacs-agent migrate mark ${id} applied|pending --reason …": what is pending runs again`
}
