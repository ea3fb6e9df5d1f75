import { Failure } from '../lib/index.ts'
import { differences, indexOf, same, sameIndex } from './compare.ts'
import { isConnectionLoss, told } from './connection-loss.ts'
import type { CollectionDeclaration, UpContext } from './definition.ts'
import type { Migration } from './files.ts'
import { readState } from './read-ledger.ts'
import type { CatalogStore, CollectionState, Store } from './store.ts'
import { checkLimitOf, within } from './time-limit.ts'

/** A difference between the database and what its applied migrations declare. */
export interface Drift {
  collection: string
  /** The migration that declares it. */
  migration: string
  /** What differs, and how it came about. */
  text: string
}

/** Compares every collection that an applied migration declares with what is there. Reads only. */
export async function driftOf(store: Store, migrations: readonly Migration[], signal: AbortSignal): Promise<Drift[]> {
  const { entries } = await readState(store)
  const applied = new Map(entries.filter(({ state }) => state === 'applied').map((entry) => [entry._id, entry]))
  const declared = new Map<string, { migration: string; declaration: CollectionDeclaration }>()
  const byOwnCalls: string[] = []
  for (const migration of migrations.filter(({ id }) => applied.has(id))) {
    const { declarations, hasOwnCalls } = await declarationsOf(store, migration, signal)
    if (hasOwnCalls) byOwnCalls.push(migration.id)
    for (const [name, declaration] of declarations) {
      declared.set(name, { migration: migration.id, declaration: merge(declared.get(name)?.declaration, declaration) })
    }
  }
  const finished = (id: string) => Number(applied.get(id)?.finishedAt)
  const drift: Drift[] = []
  for (const [collection, { migration, declaration }] of declared) {
    const others = byOwnCalls.filter((id) => finished(id) >= finished(migration))
    const by = ['someone changed it by hand', ...others.map((id) => `${id} by its own calls`)].join(', or ')
    const state = await describeOrRefusal(store.catalog, collection)
    if (typeof state === 'string') {
      drift.push({ collection, migration, text: `${state}: ${by}` })
      continue
    }
    // What adopting left: the validator warns while documents do not satisfy it.
    const adopted = state !== null && warnsOnly(state, declaration)
    const found = differences(collection, declaration, state, adopted)
    const known = (declaration.indexes ?? []).map((index) => indexOf(index, state?.options.collation))
    for (const index of state?.indexes ?? []) {
      if (!known.some((one) => sameIndex(one, index)) && !known.some(({ name }) => name === index.name)) {
        found.push(`${collection}: index ${index.name} is declared nowhere`)
      }
    }
    const texts = found.map((text) => `${text}: ${by}`)
    if (adopted && declaration.schema && (await store.catalog.countInvalid(collection, declaration.schema)) === 0) {
      texts.push(`${collection}: the validator still only warns, and every document satisfies it: declare it once more`)
    }
    drift.push(...texts.map((text) => ({ collection, migration, text })))
  }
  return drift
}

/** A collection as it is, or why it is none that can be declared: a view. */
function describeOrRefusal(catalog: CatalogStore, name: string): Promise<CollectionState | string | null> {
  return catalog.describe(name).catch((thrown: unknown) => {
    if (thrown instanceof Failure && thrown.kind === 'refused') return thrown.message
    throw thrown
  })
}

function warnsOnly({ validation }: CollectionState, { schema }: CollectionDeclaration): boolean {
  const { level, action, validator } = validation ?? {}
  return level === 'moderate' && action === 'warn' && same(validator, { $jsonSchema: schema })
}

/** What `up` declares, whatever else it would do, and whether it may do so by calls of its own. */
async function declarationsOf(
  store: Store,
  migration: Migration,
  signal: AbortSignal,
): Promise<{ declarations: [string, CollectionDeclaration][]; hasOwnCalls: boolean }> {
  const declarations: [string, CollectionDeclaration][] = []
  let hasOwnCalls = false
  const context = (inner: AbortSignal): UpContext => ({
    get db() {
      hasOwnCalls = true
      return store.db('read')
    },
    log: () => undefined,
    signal: inner,
    batches: Object.assign(async () => undefined, { restore: async () => undefined }),
    schema: {
      collection: async (name, declaration) => void declarations.push([name, declaration]),
      restore: async () => undefined,
    },
  })
  const { id, definition } = migration
  const work = (inner: AbortSignal) => definition.up(context(inner))
  // A migration that writes by itself stops at its first write; what it declared until then counts.
  await within(store, `declarations of ${id}`, checkLimitOf(migration), signal, work).catch((thrown: unknown) => {
    signal.throwIfAborted()
    if (isConnectionLoss(thrown)) throw told(thrown, `declarations of ${id}`)
  })
  return { declarations, hasOwnCalls }
}

function merge(earlier: CollectionDeclaration | undefined, later: CollectionDeclaration): CollectionDeclaration {
  const dropped = new Set(later.dropIndexes)
  const kept = (earlier?.indexes ?? []).filter(
    ({ name }) => !dropped.has(name) && !later.indexes?.some((index) => index.name === name),
  )
  return { ...earlier, ...later, indexes: [...kept, ...(later.indexes ?? [])] }
}
