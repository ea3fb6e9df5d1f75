import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BSON, type Db, type Document, MongoServerError } from 'mongodb'
import { z } from 'zod'
import { Failure, refused } from '../lib/index.ts'
import { readBsonFile } from './bson-file.ts'
import { type Definition, parseMetadata, splitValidator } from './definition.ts'
import { fileName } from './dump.ts'
import type { HeldTtl } from './held-ttl.ts'
import { RawDocuments } from './raw-documents.ts'

export interface RestoreRequest {
  /** The database to restore into. */
  db: Db
  /** `<database>` of a dump: its `.bson` and `.metadata.json` files. */
  directory: string
  /** Collections to restore, by name in the dump, and what they are called afterwards. Default: all, as they are. */
  as?: ReadonlyMap<string, string>
  /** Keeps documents from expiring until its owner lets them. */
  ttl?: HeldTtl
  signal: AbortSignal
  onProgress?: (collection: string, documents: number) => void
}

/** A document that the server did not take. */
interface RefusedDocument {
  /** EJSON of its `_id`. */
  id: string
  code: number
}

export interface RestoredCollection {
  name: string
  inserted: number
  refused: number
  /** The first of them, at most 20. */
  examples: RefusedDocument[]
}

/**
 * Restores a dump into a database that holds none of its collections: each one bare, then its documents, its indexes, and its
 * validator last, so that documents older than a validator come back too; views follow.
 * @returns every collection with the documents that were refused: none, or named.
 * @throws Failure `refused` when a collection is there already
 */
export async function restoreDatabase(request: RestoreRequest): Promise<RestoredCollection[]> {
  const { db, directory, ttl, signal, onProgress } = request
  const wanted = await readDump(directory, request.as)
  await refuseExisting(db, new Set(wanted.map(({ target }) => target)))
  const restored: RestoredCollection[] = []
  for (const { definition, target } of wanted.filter((one) => one.definition.type === 'collection')) {
    signal.throwIfAborted()
    const { bare, validator } = splitValidator(definition.options)
    await db.createCollection(target, bare)
    const file = join(directory, `${fileName(definition.name)}.bson`)
    restored.push(await insertAll(db, target, file, signal, onProgress))
    const indexes = collated(definition)
    await buildIndexes(db, target, ttl?.hold(target, indexes) ?? indexes)
    if (Object.keys(validator).length > 0) await db.command({ collMod: target, ...validator })
  }
  for (const { definition, target } of wanted.filter((one) => one.definition.type === 'view')) {
    await db.createCollection(target, definition.options)
    restored.push({ name: target, inserted: 0, refused: 0, examples: [] })
  }
  return restored
}

async function readDump(
  directory: string,
  as: ReadonlyMap<string, string> | undefined,
): Promise<{ definition: Definition; target: string }[]> {
  const definitions = await readDumpedDefinitions(directory)
  if (as === undefined) return definitions.map((definition) => ({ definition, target: definition.name }))
  return [...as].map(([name, target]) => {
    const definition = definitions.find((one) => one.name === name)
    if (definition === undefined) {
      const known = definitions.map((one) => one.name).join(', ')
      throw refused(`the backup holds no collection ${name} (it holds ${known})`)
    }
    return { definition, target }
  })
}

/** The definitions of a dump, by name. @throws Error that names a file that is none */
async function readDumpedDefinitions(directory: string): Promise<Definition[]> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.metadata.json')).sort()
  return Promise.all(
    files.map(async (name) => {
      const definition = parseMetadata(await readFile(join(directory, name), 'utf8'))
      if (`${fileName(definition.name)}.metadata.json` !== name) {
        throw new Error(`${name} describes another collection: ${definition.name}`)
      }
      return definition
    }),
  )
}

async function refuseExisting(db: Db, targets: ReadonlySet<string>): Promise<void> {
  const listed = await db.listCollections({}, { nameOnly: true }).toArray()
  const there = listed.map(({ name }) => name).filter((name) => targets.has(name))
  if (there.length > 0) {
    throw refused(`the database ${db.databaseName} already holds ${there.sort().join(', ')}: nothing was overwritten`)
  }
}

/** Bytes and documents per insert, about: below 48 MB and 100,000, which a server takes; small, since memory is. */
const LOT_BYTES = 4 * 1024 * 1024
const LOT_DOCUMENTS = 5000
const MAX_EXAMPLES = 20

async function insertAll(
  db: Db,
  target: string,
  file: string,
  signal: AbortSignal,
  onProgress: RestoreRequest['onProgress'],
): Promise<RestoredCollection> {
  const result: RestoredCollection = { name: target, inserted: 0, refused: 0, examples: [] }
  let lot: Buffer[] = []
  let bytes = 0
  const send = async () => {
    if (lot.length === 0) return
    signal.throwIfAborted()
    await insertRaw(db, target, lot, result)
    lot = []
    bytes = 0
    onProgress?.(target, result.inserted)
  }
  // Not in the loop, whose variables would keep a document while the next one is read.
  const take = async (documents: readonly Buffer[]) => {
    for (const document of documents) {
      lot.push(document)
      bytes += document.length
      if (lot.length === LOT_DOCUMENTS || bytes >= LOT_BYTES) await send()
    }
  }
  for await (const documents of readBsonFile(file)) await take(documents)
  await send()
  return result
}

const insertedSchema = z.object({
  n: z.number(),
  writeErrors: z.array(z.object({ index: z.number(), code: z.number() })).default([]),
})

async function insertRaw(db: Db, target: string, lot: readonly Buffer[], result: RestoredCollection): Promise<void> {
  const documents = new RawDocuments(lot)
  const answer = insertedSchema.parse(await db.command({ insert: target, ordered: false, documents }))
  result.inserted += answer.n
  result.refused += answer.writeErrors.length
  for (const { index, code } of answer.writeErrors.slice(0, MAX_EXAMPLES - result.examples.length)) {
    result.examples.push({ id: idOf(lot[index]), code })
  }
  const unaccounted = lot.length - answer.n - answer.writeErrors.length
  if (unaccounted !== 0)
    throw new Error(`${target}: the server took ${answer.n} of ${lot.length} documents and said no more`)
}

function idOf(document: Buffer | undefined): string {
  if (document === undefined) return 'unknown'
  return BSON.EJSON.stringify(BSON.deserialize(document)._id, { relaxed: true })
}

/** An index without a collation would get that of its collection; a server does not name the one that compares bytes. */
function collated({ options, indexes }: Definition): Document[] {
  if (options.collation === undefined) return indexes
  return indexes.map((index) => ({ collation: { locale: 'simple' }, ...index }))
}

async function buildIndexes(db: Db, target: string, indexes: readonly Document[]): Promise<void> {
  const own = indexes.filter(({ name, clustered }) => String(name) !== '_id_' && clustered === undefined)
  if (own.length === 0) return
  try {
    await db.command({ createIndexes: target, indexes: own })
  } catch (thrown) {
    if (!(thrown instanceof MongoServerError)) throw thrown
    // The message names values of a document; the names of the indexes are enough to act on.
    throw new Failure(
      'failed',
      `${target}: the server refuses its indexes (${own.map(({ name }) => String(name)).join(', ')}), code ${thrown.code}`,
    )
  }
}
