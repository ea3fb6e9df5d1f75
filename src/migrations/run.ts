import { Failure, refused } from '../lib/index.ts'
import type { CatalogImage } from './catalog-image.ts'
import { isConnectionLoss, told } from './connection-loss.ts'
import { type Declared, type Workplace, workContext } from './context.ts'
import type { Phase } from './definition.ts'
import type { OnEvent } from './events.ts'
import { withoutValues } from './failures.ts'
import type { Migration } from './files.ts'
import { type LeaseOptions, takeLease } from './lease.ts'
import type { Actor, LedgerEntry } from './ledger.ts'
import { LedgerWriter } from './ledger-writer.ts'
import type { Carried } from './of-release.ts'
import { orderOf, type Step } from './order.ts'
import { readState } from './read-ledger.ts'
import type { LedgerState, Store } from './store.ts'
import { limitOf, within } from './time-limit.ts'
import { ask, verify } from './verify.ts'

/** Cuts that one migration survives in one run. */
const MOST_CUTS = 5

export interface ApplyOptions extends Actor {
  phase: Phase
  /** Ends the run between two batches; what is half done continues with the next run. */
  signal: AbortSignal
  onEvent: OnEvent
  lease?: Omit<LeaseOptions, 'signal'>
  /** Why it runs as it does; kept in the history with each migration's assurances. */
  reason?: string
  /** Continue interrupted migrations only. */
  resumeOnly?: boolean
}

export interface Applied {
  applied: { id: string; milliseconds: number }[]
  /** Why later migrations of the phase do not run yet. */
  waiting: string[]
}

/** Applies what is pending of `migrations` in a phase, as {@link applyCarried} does. */
export function applyMigrations(
  store: Store,
  migrations: readonly Migration[],
  options: ApplyOptions,
): Promise<Applied> {
  return applyCarried(store, { known: migrations, load: async () => migrations }, options)
}

/**
 * Applies what is pending in a phase, once, by one owner. Without anything to do it writes and imports nothing.
 * @throws Failure `bad-input` or `refused` before any change, `locked` when someone else works, `failed` with what a migration ran into.
 */
export async function applyCarried(store: Store, carried: Carried, options: ApplyOptions): Promise<Applied> {
  const before = await readState(store)
  const seen = orderOf(carried.known, before.entries, options.phase)
  if (chosen(seen.steps, options).length === 0) return { applied: [], waiting: seen.waiting }
  const migrations = await carried.load()
  await using lease = await takeLease(store.lease, actorOf(options), 'migrate', {
    ...options.lease,
    signal: options.signal,
  })
  // Whoever had the lease since may have done some of it.
  const state = before.rest === lease.previous ? before : await readState(store)
  const { steps, waiting } = orderOf(migrations, state.entries, options.phase)
  const writer = new LedgerWriter(store.ledger, lease, actorOf(options), state)
  const { onEvent, reason = null } = options
  const todo = chosen(steps, options)
  const place: Place = { store, lease, writer, onEvent, decide: () => null, reason, last: todo.at(-1)?.migration.id }
  const signal = AbortSignal.any([options.signal, lease.signal])
  const applied: Applied['applied'] = []
  for (const { migration } of todo) {
    signal.throwIfAborted()
    const started = performance.now()
    await applyThroughCuts(place, migration, state, actorOf(options), signal)
    const milliseconds = Math.round(performance.now() - started)
    applied.push({ id: migration.id, milliseconds })
    options.onEvent({ kind: 'applied', id: migration.id, milliseconds })
  }
  return { applied, waiting }
}

interface Place extends Workplace {
  reason: string | null
  /** The migration with which the lease is given back. */
  last: string | undefined
}

/**
 * Applies one. After a cut it does what another run would do: it waits for the database, reads how far it came, and goes on from there.
 * Nothing is sent again without a look.
 */
async function applyThroughCuts(
  place: Place,
  migration: Migration,
  state: LedgerState,
  actor: Actor,
  signal: AbortSignal,
): Promise<void> {
  const { store, lease, onEvent } = place
  const { id } = migration
  let { entries } = state
  for (let cuts = 1; ; cuts += 1) {
    const entry = entries.find(({ _id }) => _id === id)
    if (entry?.state === 'applied') return
    try {
      return await applyOne(place, migration, entry, signal)
    } catch (thrown) {
      if (!isConnectionLoss(thrown)) throw thrown
      // Why it was ended says more than what was on its way then.
      signal.throwIfAborted()
      if (cuts > MOST_CUTS) throw told(thrown, id)
      onEvent({ kind: 'log', id, line: 'the connection to the database broke; waits for it, then goes on' })
    }
    await lease.regain()
    const now = await readState(store)
    place.writer = new LedgerWriter(store.ledger, lease, actor, now)
    entries = now.entries
  }
}

/** Writes `applying`, works, verifies, writes `applied`. @param left what an interrupted run left in the ledger */
async function applyOne(
  place: Place,
  migration: Migration,
  left: LedgerEntry | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { store, writer, onEvent } = place
  const { id, definition } = migration
  onEvent({ kind: 'started', id, description: definition.description, again: left !== undefined })
  const log = (line: string) => onEvent({ kind: 'log', id, line })
  const isDone = left !== undefined && (await settle(place, migration, signal))
  const entry = writer.begin(migration, 'applying', left?.progress ?? {})
  await writer.announce('applying', entry, noteOf(migration, place.reason))
  let images: CatalogImage[]
  try {
    const declared: Declared = { collections: [], walks: [], readBack: new Map() }
    if (!isDone) {
      await within(store, `up of ${id}`, limitOf(migration), signal, (inner) =>
        definition.up(workContext(place, migration, entry, inner, declared)),
      )
    }
    await verify(store, migration, declared, log, signal)
    images = await withLeft(store, writer.kept(id), declared)
  } catch (thrown) {
    // Cut or cancelled: the entry stays as it is, and is continued.
    if (signal.aborted || isConnectionLoss(thrown)) throw thrown
    const error = withoutValues(thrown)
    const failed: LedgerEntry = { ...entry, state: 'failed', finishedAt: writer.now(), error }
    // What went wrong first is what matters, also when the database cannot be told any more.
    await writer.announce('failed', failed, error).catch(() => undefined)
    throw new Failure('failed', error.startsWith(id) ? error : `${id}: ${error}`, { cause: thrown })
  }
  const done: LedgerEntry = { ...entry, state: 'applied', finishedAt: writer.now() }
  await (id === place.last
    ? writer.announceLast('applied', done, null, images)
    : writer.announce('applied', done, null, images))
}

/** What others change of a collection from now on is not the migration's. */
function withLeft(
  { catalog }: Store,
  images: readonly CatalogImage[],
  { readBack }: Declared,
): Promise<CatalogImage[]> {
  return Promise.all(
    images.map(async (image) => {
      const { collection } = image
      return { ...image, left: readBack?.get(collection) ?? (await catalog.describe(collection)) }
    }),
  )
}

/**
 * Finds out how far an interrupted migration came. It runs again, since schema and batches go on where they stopped; only one
 * whose author said that it must not, and whose check says that it is done, does not.
 * @returns whether it is done.
 */
async function settle({ store, onEvent }: Workplace, migration: Migration, signal: AbortSignal): Promise<boolean> {
  const { id, definition } = migration
  const answer = await ask(store, migration, (line) => onEvent({ kind: 'log', id, line }), signal)
  if (answer.kind !== 'unclear') return answer.kind === 'done' && definition.assured?.['not-repeatable'] !== undefined
  throw refused(
    `${id} was interrupted, and its check cannot tell whether it is done (${answer.why}): find out, then "pacs-agent migrate mark ${id} applied|pending --reason …" (before its release serves: with --release and the id of that)`,
  )
}

function chosen<M>(steps: readonly Step<M>[], { resumeOnly = false }: ApplyOptions): readonly Step<M>[] {
  return resumeOnly ? steps.filter(({ kind }) => kind === 'settle') : steps
}

function actorOf({ run, actor, host }: Actor): Actor {
  return { run, actor, host }
}

function noteOf({ definition }: Migration, reason: string | null): string | null {
  const assured = Object.entries(definition.assured ?? {}).map(([rule, why]) => `${rule}: ${why}`)
  const lines = reason === null ? assured : [reason, ...assured]
  return lines.length === 0 ? null : lines.join('\n')
}
