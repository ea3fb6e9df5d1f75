import { contradictoryDrops, differences, differsInExpiryOnly, indexOf, same, sameIndex } from './compare.ts'
import type { BatchesDeclaration, CollectionDeclaration } from './definition.ts'
import type { CatalogStore, CollectionState, IndexState } from './store.ts'

/** What a step of a migration would do to this database. `error`: it would be refused. */
export interface Impact {
  level: 'note' | 'warning' | 'error'
  collection: string
  text: string
}

/** Which migration of a plan comes before what is looked at, and may have changed by then what stands against it now. */
export interface Earlier {
  /** By the collection that it walks over. */
  walks: Map<string, string>
  /** By the collection, then by the index that it drops. */
  drops: Map<string, Map<string, string>>
  /** The last whose work cannot be foreseen. */
  unforeseen: string | undefined
}

/** What a declaration of a collection would change, by looking alone. */
export async function impactOfCollection(
  catalog: CatalogStore,
  name: string,
  declared: CollectionDeclaration,
  earlier: Earlier,
): Promise<Impact[]> {
  const before = await catalog.describe(name)
  const contradictory = contradictoryDrops(declared, before)
  const found = [...contradictory].map(([index, text]) =>
    against(name, text, earlier.drops.get(name)?.get(index) ?? earlier.unforeseen),
  )
  if (before === null) {
    const indexes = declared.indexes?.length ?? 0
    return [...found, note(name, `is created, with ${indexes} ${indexes === 1 ? 'index' : 'indexes'}`)]
  }
  if (differences(name, declared, before, false).length === 0) return [note(name, 'is as declared already')]
  for (const wrong of differences(name, { options: declared.options ?? {} }, before, true)) {
    found.push({ level: 'error', collection: name, text: `${wrong}: only a new collection can have it` })
  }
  if (declared.schema !== undefined) found.push(...(await impactOfValidator(catalog, name, declared.schema, before)))
  for (const index of declared.indexes ?? [])
    found.push(...(await impactOfIndex(catalog, name, indexOf(index, before.options.collation), before, earlier)))
  for (const index of declared.dropIndexes ?? []) {
    if (contradictory.has(index)) continue
    if (before.indexes.some((one) => one.name === index)) found.push(warning(name, `index ${index} is dropped`))
  }
  return found
}

async function impactOfValidator(
  catalog: CatalogStore,
  name: string,
  schema: NonNullable<CollectionDeclaration['schema']>,
  { validation }: CollectionState,
): Promise<Impact[]> {
  const isSame = same(validation?.validator, { $jsonSchema: schema })
  if (isSame && validation?.level === 'strict' && validation.action !== 'warn') return []
  const refused = await catalog.countInvalid(name, schema)
  if (refused === 0) return [note(name, 'the validator becomes strict: every document satisfies it')]
  return [warning(name, `${refused} documents do not satisfy the validator: it warns only, until they are mended`)]
}

async function impactOfIndex(
  catalog: CatalogStore,
  name: string,
  index: IndexState,
  { indexes }: CollectionState,
  { walks, drops, unforeseen }: Earlier,
): Promise<Impact[]> {
  if (indexes.some((one) => sameIndex(one, index))) return []
  const named = indexes.find((one) => one.name === index.name)
  if (named !== undefined && !differsInExpiryOnly(named, index)) {
    const mender = drops.get(name)?.get(index.name) ?? unforeseen
    return [against(name, `an index ${index.name} with other keys or options is there`, mender)]
  }
  const documents = await catalog.count(name, {})
  const found: Impact[] = []
  if (named === undefined) found.push(note(name, `index ${index.name} is built over ${documents} documents`))
  if (index.options.unique === true) {
    const groups = await catalog.countDuplicates(name, index)
    if (groups > 0) {
      const mender = walks.get(name) ?? unforeseen
      found.push(against(name, `${groups} values stand more than once: ${index.name} cannot be unique`, mender))
    }
  }
  if (index.options.expireAfterSeconds !== undefined) {
    const expired = await catalog.countExpired(name, index)
    found.push(
      (expired > 0 ? warning : note)(
        name,
        `${index.name} deletes ${expired} documents within a minute, and more as they expire`,
      ),
    )
  }
  return found
}

/** How many documents a walk would look at. */
export async function countOfWalk(
  catalog: CatalogStore,
  { collection, filter = {} }: BatchesDeclaration,
): Promise<number> {
  return (await catalog.describe(collection)) === null ? 0 : catalog.count(collection, filter)
}

/** What a walk over so many `documents` would change. */
export function impactOfWalk({ collection, beforeImages = true }: BatchesDeclaration, documents: number): Impact {
  if (beforeImages || documents === 0) return note(collection, `${documents} documents are changed`)
  return warning(collection, `${documents} documents are changed without before-images: the undo cannot put them back`)
}

/** What a run would be refused for, unless `mender`, which comes first, changes that. */
function against(collection: string, text: string, mender: string | undefined): Impact {
  if (mender === undefined) return { level: 'error', collection, text }
  return warning(collection, `${text} now; what ${mender} does comes first`)
}

function note(collection: string, text: string): Impact {
  return { level: 'note', collection, text }
}

function warning(collection: string, text: string): Impact {
  return { level: 'warning', collection, text }
}
