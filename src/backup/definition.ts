import { BSON, type Db, type Document } from 'mongodb'
import { z } from 'zod'
import { readExtended } from '../migrations/index.ts'

const { EJSON } = BSON

/** What a collection or view is, apart from its documents. Values keep their BSON types (nothing is promoted). */
export interface Definition {
  name: string
  type: 'collection' | 'view' | 'timeseries'
  options: Document
  indexes: Document[]
}

const listedSchema = z.object({
  name: z.string(),
  type: z.enum(['collection', 'view', 'timeseries']).default('collection'),
  options: z.record(z.string(), z.unknown()).default({}),
})

/** How a driver reads what must be written back as it was. */
export const UNTOUCHED = { promoteValues: false, promoteBuffers: false, bsonRegExp: true } as const

/** Whether a collection is of the database's own: not one that the server keeps for itself (`system.…`) and leaves where it was. */
const isOwn = ({ name }: { name: string }) => !name.startsWith('system.')

/** The names of all collections and views of a database. */
export async function namesIn(db: Db): Promise<string[]> {
  const listed = await db.listCollections({}, { nameOnly: true }).toArray()
  return listed.filter(isOwn).map(({ name }) => name)
}

/** All collections and views of a database with their indexes, by name. */
export async function readDefinitions(db: Db): Promise<Definition[]> {
  const listed = await db.listCollections({}, UNTOUCHED).toArray()
  const own = listed
    .map((one) => listedSchema.parse({ ...one, name: String(one.name), type: one.type && String(one.type) }))
    .filter(isOwn)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const definitions: Definition[] = []
  for (const { name, type, options } of own) {
    const indexes = type === 'view' ? [] : await db.collection(name).listIndexes(UNTOUCHED).toArray()
    definitions.push({ name, type, options, indexes: indexes.map(withoutNoise) })
  }
  return definitions
}

/** `ns` is the old servers' name of the collection; `storageEngine` with its defaults is added by stand-ins of MongoDB. */
function withoutNoise({ ns: _, storageEngine: __, ...index }: Document): Document {
  return index
}

/** The text of `<collection>.metadata.json`, as the stock tools write it. */
export function metadataText({ name, type, options, indexes }: Definition): string {
  return EJSON.stringify({ indexes, collectionName: name, type, options }, { relaxed: false })
}

const metadataSchema = z.object({
  collectionName: z.string(),
  type: z.enum(['collection', 'view', 'timeseries']).default('collection'),
  options: z.record(z.string(), z.unknown()).default({}),
  indexes: z.array(z.record(z.string(), z.unknown())).default([]),
})

/** @throws Error when `text` is no metadata of a collection */
export function parseMetadata(text: string): Definition {
  const { collectionName, ...rest } = metadataSchema.parse(readExtended(text, { relaxed: false }))
  return { name: collectionName, ...rest }
}

/** What a validator is made of; a collection gets it after its documents. */
const VALIDATOR_OPTIONS = ['validator', 'validationLevel', 'validationAction'] as const

/** The options of a collection without its validator, and the validator's. */
export function splitValidator(options: Document): { bare: Document; validator: Document } {
  const of = (wanted: boolean) =>
    Object.fromEntries(
      Object.entries(options).filter(([key]) => VALIDATOR_OPTIONS.some((name) => name === key) === wanted),
    )
  return { bare: of(false), validator: of(true) }
}

/**
 * How two definitions of one collection differ, a line each, empty when they do not.
 * The order of indexes, and of keys within options, does not matter; the order of keys within an index does.
 */
export function definitionDifferences(wanted: Definition, found: Definition): string[] {
  const lines: string[] = []
  if (wanted.type !== found.type) lines.push(`${wanted.name}: is a ${found.type}, was a ${wanted.type}`)
  const options = { wanted: new Map(Object.entries(wanted.options)), found: new Map(Object.entries(found.options)) }
  for (const key of new Set([...options.wanted.keys(), ...options.found.keys()])) {
    if (DEFAULTS[key] !== undefined && isDefault(key, options.wanted) && isDefault(key, options.found)) continue
    const line = difference(options.wanted.get(key), options.found.get(key))
    if (line !== null) lines.push(`${wanted.name}: option ${key} ${line}`)
  }
  const indexes = { wanted: byName(wanted.indexes), found: byName(found.indexes) }
  for (const name of new Set([...indexes.wanted.keys(), ...indexes.found.keys()])) {
    const line = difference(indexes.wanted.get(name), indexes.found.get(name))
    if (line !== null) lines.push(`${wanted.name}: index ${name} ${line}`)
  }
  return lines
}

/** A validator without level and action has these; servers differ in whether they say so. */
const DEFAULTS: Readonly<Record<string, string>> = { validationLevel: 'strict', validationAction: 'error' }

function isDefault(key: string, options: ReadonlyMap<string, unknown>): boolean {
  return !options.has(key) || options.get(key) === DEFAULTS[key]
}

function byName(indexes: readonly Document[]): Map<string, Document> {
  return new Map(
    indexes.map(({ v: _, background: __, key, ...rest }) => {
      // Keys as pairs: their order is part of the index.
      const pairs = Object.entries(z.record(z.string(), z.unknown()).parse(key))
      return [String(rest.name), { ...rest, key: pairs }]
    }),
  )
}

function difference(wanted: unknown, found: unknown): string | null {
  if (found === undefined) return 'is missing'
  if (wanted === undefined) return 'was not there'
  return canonical(wanted) === canonical(found) ? null : 'differs'
}

/** Whole numbers count as one type: servers hand them back as they store them, as int or double. */
function canonical(value: unknown): string {
  const plain: unknown = JSON.parse(EJSON.stringify({ value }, { relaxed: true }))
  return JSON.stringify(plain, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
