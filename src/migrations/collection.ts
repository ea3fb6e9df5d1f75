import { badInput, refused } from '../lib/index.ts'
import type { CatalogImage } from './catalog-image.ts'
import {
  contradictoryDrops,
  differences,
  differsInExpiryOnly,
  indexOf,
  same,
  sameIndex,
  sameKey,
  strictly,
} from './compare.ts'
import type { CollectionDeclaration } from './definition.ts'
import type { CatalogStore, CollectionState, IndexState } from './store.ts'
import { takenBack } from './taken-back.ts'

interface CollectionRun {
  catalog: CatalogStore
  /** Keeps what the collection was; called before its first change. */
  keep(before: CollectionState | null): Promise<unknown>
  log(line: string): void
  signal: AbortSignal
  check(): Promise<void>
  /** Waits for the other collections that are being brought, so that all are read back by one question. */
  meet(): Promise<void>
}

/**
 * Brings a collection to its declaration and reads it back. An existing one is adopted: documents that the validator would refuse are
 * counted; while there are any it only warns about new ones (`moderate`, `warn`), else it is made strict.
 * @returns what it was read back as
 * @throws Failure `refused` when duplicates stand against a unique index, an option differs, an index of that name is another, or one is to be
 *   dropped that is declared.
 */
export async function bringCollection(
  run: CollectionRun,
  name: string,
  declared: CollectionDeclaration,
): Promise<CollectionState> {
  if (name === '' || name.startsWith('_migrations') || name.startsWith('system.')) {
    throw badInput(`schema.collection: "${name}" is no collection of the application`)
  }
  const before = await run.catalog.describe(name)
  if (before !== null && differences(name, declared, before, false).length === 0) return before
  const contradictory = [...contradictoryDrops(declared, before).values()]
  if (contradictory.length > 0) throw refused(`${name}: ${contradictory.join('; ')}`)
  await run.check()
  await run.keep(before)
  if (before === null) {
    const validation = declared.schema === undefined ? null : strictly(declared.schema)
    await run.catalog.create(name, declared.options ?? {}, validation)
  } else {
    requireOptions(name, declared, before)
    if (declared.schema !== undefined) await adoptValidator(run, name, declared.schema, before)
  }
  await bringIndexes(run, name, declared, before)
  await run.meet()
  const after = await run.catalog.describe(name)
  const left = differences(name, declared, after, before !== null)
  if (after === null || left.length > 0) throw refused(`read back after the change: ${left.join('; ')}`)
  return after
}

function requireOptions(name: string, declared: CollectionDeclaration, before: CollectionState): void {
  const { options } = declared
  if (options === undefined) return
  const wrong = differences(name, { options }, before, true)
  if (wrong.length > 0) throw refused(`${wrong.join('; ')}: only a new collection can have it`)
}

async function adoptValidator(
  { catalog, log }: CollectionRun,
  name: string,
  schema: NonNullable<CollectionDeclaration['schema']>,
  before: CollectionState,
): Promise<void> {
  const invalid = await catalog.countInvalid(name, schema)
  const isStrict = before.validation?.level === 'strict' && before.validation.action !== 'warn'
  if (isStrict && same(before.validation?.validator, { $jsonSchema: schema })) return
  if (invalid === 0) {
    await catalog.setValidation(name, strictly(schema))
    return
  }
  log(`${name}: ${invalid} documents do not satisfy the validator; it warns until a migration has mended them`)
  await catalog.setValidation(name, { validator: { $jsonSchema: schema }, level: 'moderate', action: 'warn' })
}

async function bringIndexes(
  { catalog, signal, check }: CollectionRun,
  name: string,
  { options, indexes = [], dropIndexes = [] }: CollectionDeclaration,
  before: CollectionState | null,
): Promise<void> {
  const present = before?.indexes ?? []
  const missing: IndexState[] = []
  const { collation } = before?.options ?? options ?? {}
  for (const declared of indexes.map((index) => indexOf(index, collation))) {
    if (present.some((index) => sameIndex(index, declared))) continue
    const named = present.find((index) => index.name === declared.name)
    if (named !== undefined && differsInExpiryOnly(named, declared)) {
      await catalog.setExpiry(name, declared.name, Number(declared.options.expireAfterSeconds))
    } else if (named !== undefined) {
      throw refused(`${name}: an index ${declared.name} with other keys or options is there; take another name`)
    } else {
      missing.push(declared)
    }
  }
  // A collection that was made a moment ago has nothing to count; should someone write to it, the server refuses the index itself.
  if (before !== null) await requireUnique(catalog, name, missing)
  signal.throwIfAborted()
  if (missing.length > 0) {
    await check()
    await catalog.createIndexes(name, missing)
  }
  for (const index of dropIndexes.filter((one) => present.some((is) => is.name === one))) {
    await check()
    await catalog.dropIndex(name, index)
  }
}

/** @throws Failure `refused` when duplicates stand against one of these indexes. */
async function requireUnique(catalog: CatalogStore, name: string, indexes: readonly IndexState[]): Promise<void> {
  for (const index of indexes.filter(({ options }) => options.unique === true)) {
    const groups = await catalog.countDuplicates(name, index)
    if (groups === 0) continue
    throw refused(`${name}: ${groups} values stand more than once, so ${index.name} cannot be unique; mend them first`)
  }
}

/**
 * Takes back what `migration` changed of a collection: indexes, validator; drops it when it was not there and is empty.
 * @throws Failure `refused` as {@link requireRestorable}.
 */
export async function restoreCollection(catalog: CatalogStore, migration: string, image: CatalogImage): Promise<void> {
  const name = image.collection
  const now = await catalog.describe(name)
  const before = await requireRestorable(catalog, migration, image, now)
  if (before === null) {
    if (now !== null) await catalog.drop(name)
    return
  }
  if (now === null) await catalog.create(name, before.options, null)
  const missing = missingOf(before, now)
  const extra = missingOf(now ?? before, before)
  // What comes back is built before what goes is dropped, so that a build that fails leaves the collection as it is.
  const isInTheWay = (index: IndexState) =>
    missing.some((one) => one.name === index.name || sameKey(one, index) || (isOfText(one) && isOfText(index)))
  for (const index of extra.filter(isInTheWay)) await catalog.dropIndex(name, index.name)
  if (missing.length > 0) await catalog.createIndexes(name, missing)
  for (const index of extra.filter((one) => !isInTheWay(one))) await catalog.dropIndex(name, index.name)
  if (!same(now?.validation ?? null, before.validation)) await catalog.setValidation(name, before.validation)
  const after = await catalog.describe(name)
  if (!same(sorted(after), sorted(before))) throw refused(`${name}: read back after the undo, it is not what it was`)
}

/**
 * Drops the unique indexes that `migration` made itself: documents that it mended go back with the duplicates that these refuse.
 * @throws Failure `refused` where somebody changed since what the migration changed.
 */
export async function dropOwnUnique(catalog: CatalogStore, migration: string, image: CatalogImage): Promise<void> {
  const now = await catalog.describe(image.collection)
  const stay = takenBack(migration, image, now)?.indexes ?? []
  for (const { name, options } of now?.indexes ?? []) {
    if (options.unique !== true || stay.some((index) => index.name === name)) continue
    await catalog.dropIndex(image.collection, name)
  }
}

/** A collection has one index of text at most (MongoDB's documentation, Text Index Restrictions). */
function isOfText({ key }: IndexState): boolean {
  return Object.values(key).includes('text')
}

/** The indexes of a collection as it is to be that it lacks now, as they are to be made. */
function missingOf({ indexes, options }: CollectionState, now: CollectionState | null): IndexState[] {
  const missing = indexes.filter((one) => !now?.indexes.some((is) => is.name === one.name && sameIndex(one, is)))
  return options.collation === undefined ? missing : missing.map(withCollation)
}

/** One that a server reports without a collation compares bytes; made without one, it would get that of its collection. */
function withCollation({ options, ...index }: IndexState): IndexState {
  return { ...index, options: { collation: { locale: 'simple' }, ...options } }
}

/**
 * @returns what the undo makes of a collection that is `now` so, null when nothing.
 * @param changing fields of its documents that the undo changes before: duplicates in them may go with that
 * @throws Failure `refused` when documents were put into one that would be dropped, somebody changed since what the migration changed, or
 *   duplicates stand against a unique index that comes back.
 */
export async function requireRestorable(
  catalog: CatalogStore,
  migration: string,
  image: CatalogImage,
  now: CollectionState | null,
  changing: ReadonlySet<string> = new Set(),
): Promise<CollectionState | null> {
  const before = takenBack(migration, image, now)
  if (before !== null && now !== null) {
    const isFinal = ({ key, options }: IndexState) =>
      changing.size === 0 ||
      (options.partialFilterExpression === undefined &&
        !Object.keys(key).some((path) => changing.has(path.replace(/\..*/s, ''))))
    await requireUnique(catalog, image.collection, missingOf(before, now).filter(isFinal))
  }
  const documents = before === null && now !== null ? await catalog.count(image.collection, {}) : 0
  if (documents === 0) return before
  throw refused(
    `${image.collection} has ${documents} documents since it was created: the undo would drop them; move or remove them first`,
  )
}

function sorted(state: CollectionState | null): CollectionState | null {
  return state && { ...state, indexes: state.indexes.toSorted((one, other) => (one.name < other.name ? -1 : 1)) }
}
