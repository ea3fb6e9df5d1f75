import { type Collection, type Db, type Document, type FindCursor, MongoServerError } from 'mongodb'
import { readExactly } from '../bson-document.ts'
import type { DocumentStore } from '../store.ts'
import { statementsOf } from './statements.ts'

/** A batch ends early with this many bytes, so that memory does not grow with the documents: two are written while a third is read. */
const BATCH_BYTES = 8 * 1024 * 1024

/** Documents of the application. */
export function mongoDocuments(db: Db): DocumentStore {
  const raw = (name: string) => db.collection(name, { raw: true })
  return {
    async *walk(name, { filter, after, size, fields }) {
      const query = after === null ? filter : { $and: [filter, { _id: { $gt: after.id } }] }
      const projection = fields && Object.fromEntries(['_id', ...fields].map((field) => [field, 1]))
      const cursor = raw(name)
        .find(query, { batchSize: size, ...(projection === null ? {} : { projection }) })
        .sort({ _id: 1 })
      try {
        // The next batch is read while the caller changes this one.
        let next = readBatch(cursor, size)
        for (;;) {
          const batch = await next
          if (batch.length === 0) return
          next = readBatch(cursor, size)
          next.catch(() => undefined)
          yield batch
        }
      } finally {
        await cursor.close()
      }
    },
    async find(name, ids, filter) {
      const query: Document = { $and: [{ _id: { $in: [...ids] } }, filter] }
      return (await raw(name).find(query).toArray()).map(asBytes)
    },
    async matches(name, filter) {
      return (await db.collection(name).findOne(filter, { projection: { _id: 1 } })) !== null
    },
    estimate: (name) => db.collection(name).estimatedDocumentCount(),
    async update(name, updates) {
      return (await db.collection(name).bulkWrite(statementsOf(updates), { ordered: false })).matchedCount
    },
    put: (name, id, guard, bytes) => put(db.collection(name), id, guard, bytes),
  }
}

async function readBatch(cursor: FindCursor, size: number): Promise<Uint8Array[]> {
  const batch: Uint8Array[] = []
  let bytes = 0
  while (batch.length < size && bytes < BATCH_BYTES && (await cursor.hasNext())) {
    for (const document of cursor.readBufferedDocuments(size - batch.length).map(asBytes)) {
      batch.push(document)
      bytes += document.length
    }
  }
  return batch
}

function asBytes(document: unknown): Uint8Array {
  if (!(document instanceof Uint8Array)) throw new Error('the driver gave a document that is not raw')
  return document
}

/** @returns false when the document is not there any more as `guard` says, or there already when it is null. */
async function put(
  collection: Collection<Document>,
  id: unknown,
  guard: Document | null,
  bytes: Uint8Array,
): Promise<boolean> {
  const document = readExactly(bytes)
  if (guard !== null) {
    const query: Document = { ...guard, _id: id }
    const options = { bypassDocumentValidation: true }
    const literal = literalOf(document)
    const { matchedCount } = await (literal === null
      ? collection.replaceOne(query, document, options)
      : collection.updateOne(query, [{ $replaceWith: literal }], options))
    return matchedCount === 1
  }
  try {
    await collection.insertOne(document, { bypassDocumentValidation: true })
    return true
  } catch (thrown) {
    if (thrown instanceof MongoServerError && thrown.code === 11000) return false
    throw thrown
  }
}

/**
 * The fields of a document of which one begins with `$`, null for any other: it takes another's place as a literal of a pipeline only
 * (https://www.mongodb.com/docs/manual/core/dot-dollar-considerations/dollar-prefix/). The server leaves its `_id` where it is.
 */
function literalOf(document: Document): Document | null {
  const fields: [unknown, unknown][] = document instanceof Map ? [...document] : Object.entries(document)
  if (!fields.some(([name]) => String(name).startsWith('$'))) return null
  return { $literal: new Map(fields.filter(([name]) => name !== '_id')) }
}
