import { isDeepStrictEqual } from 'node:util'
import { BSON, type Db, type Document, MongoNetworkError, MongoServerError } from 'mongodb'
import { fieldsOf, readDocument, readField, writeId } from '../../../src/migrations/bson-document.ts'
import { type CatalogImage, imagesOf } from '../../../src/migrations/catalog-image.ts'
import type { HistoryLine, LedgerEntry } from '../../../src/migrations/ledger.ts'
import type { BeforeImage, CollectionState, IndexState, LeaseHolder, Store } from '../../../src/migrations/store.ts'
import { matches } from './matching.ts'

interface Collection extends CollectionState {
  documents: Map<string, Uint8Array>
}

/**
 * What the process meets at a write, before it or after it and before the answer: it dies, or its connection is cut, and
 * the next one works.
 */
export type Fault = { what: 'crash' | 'cut'; write: number; when: 'before' | 'after' }

/** Thrown where a process would be gone: nothing that the process does after it reaches the database. */
export class Crash extends Error {}

/** One database in memory; each run of the engine connects to it anew. */
export class MemoryDatabase {
  readonly collections = new Map<string, Collection>()
  readonly ledger = new Map<string, LedgerEntry>()
  readonly history: HistoryLine[] = []
  readonly images = new Map<string, BeforeImage>()
  /** Given back: runs out at 0. */
  lease: (LeaseHolder & { expiresAt: number }) | null = null
  /** The token of the lease before it. */
  previous: string | null = null
  /** Milliseconds of the server's clock. */
  clock = Date.UTC(2026, 0, 1)

  insert(collection: string, documents: readonly Document[]): void {
    const target = this.collection(collection)
    for (const document of documents) target.documents.set(writeId(document._id), BSON.serialize(document))
  }

  read(collection: string): Document[] {
    return [...(this.collections.get(collection)?.documents.values() ?? [])].map(readDocument)
  }

  collection(name: string): Collection {
    const found = this.collections.get(name)
    if (found !== undefined) return found
    const made: Collection = { options: {}, validation: null, indexes: [], documents: new Map() }
    this.collections.set(name, made)
    return made
  }

  /** All that a migration is about, without who ran it and when. */
  content(): unknown {
    const ledger = [...this.ledger.values()].map(({ _id, sha256, state, error }) => ({ _id, sha256, state, error }))
    const images = [...this.images].map(([key, image]) => [key, Buffer.from(image.before).toString('hex')]).sort()
    const collections = [...this.collections].map(([name, { documents, ...state }]) => [
      name,
      state,
      [...documents].map(([id, bytes]) => [id, Buffer.from(bytes).toString('hex')]).sort(),
    ])
    const kept = [...new Set(this.history.map(({ migration }) => migration))]
      .map((id): [string, CatalogImage[]] => [id, imagesOf(this.history, id)])
      .filter(([, found]) => found.length > 0)
    return { ledger, images, collections, kept }
  }
}

/** A connection to `database` that breaks at `fault`; `writes` counts what it was asked to write. */
export function connect(
  database: MemoryDatabase,
  fault: Fault | null = null,
): Store & { writes: number; log: string[] } {
  let isDead = false
  const log: string[] = []
  const alive = () => {
    if (isDead) throw new Crash('the process is gone')
  }
  const write = async <T>(what: string, effect: () => T): Promise<T> => {
    alive()
    store.writes += 1
    log.push(what)
    const breaks = fault?.write === store.writes ? fault : null
    const strike = () => {
      if (breaks?.what === 'cut') throw new MongoNetworkError('connection closed')
      isDead = breaks !== null
      alive()
    }
    if (breaks?.when === 'before') strike()
    const result = effect()
    if (breaks?.when === 'after') strike()
    return result
  }
  const read = async <T>(effect: () => T): Promise<T> => {
    alive()
    return effect()
  }
  const { ledger, history, images } = database
  const store: Store & { writes: number; log: string[] } = {
    writes: 0,
    log,
    lease: {
      take: (holder, ttl, over) =>
        write('lease.take', () => {
          const held = database.lease
          if (held !== null && held.expiresAt > database.clock && held.token !== over && held.token !== holder.token) {
            return { isOurs: false, holder: { ...held, expiresAt: new Date(held.expiresAt) } }
          }
          if (held?.token !== holder.token) database.previous = held?.token ?? null
          database.lease = { ...holder, expiresAt: database.clock + ttl }
          return { isOurs: true, previous: database.previous }
        }),
      renew: (token, ttl) =>
        write('lease.renew', () => {
          if (database.lease?.token !== token) return false
          database.lease.expiresAt = database.clock + ttl
          return true
        }),
      release: (token) =>
        write('lease.release', () => {
          if (database.lease?.token === token) database.lease.expiresAt = 0
        }),
    },
    ledger: {
      now: () => new Date(database.clock),
      read: () =>
        read(() => ({
          entries: [...ledger.values()].map((one) => structuredClone(one)),
          history: [...history],
          rest: database.lease === null ? null : database.lease.expiresAt === 0 ? database.lease.token : undefined,
        })),
      append: (line) => write('history', () => void history.push(line)),
      put: (entry, expected) =>
        write(`ledger.${entry.state}`, () => {
          if ((ledger.get(entry._id)?.owner ?? null) !== expected) return false
          ledger.set(entry._id, structuredClone(entry))
          return true
        }),
      putLast: (entry, expected) =>
        write(`ledger.${entry.state} and lease.release`, () => {
          if (ledger.get(entry._id)?.owner !== expected) return false
          ledger.set(entry._id, structuredClone(entry))
          if (database.lease?.token === entry.owner) database.lease.expiresAt = 0
          return true
        }),
      remove: (id, owner) => write('ledger.remove', () => ledger.get(id)?.owner === owner && ledger.delete(id)),
    },
    documents: {
      async *walk(collection, { filter, after, size, fields }) {
        const from = after === null ? '' : writeId(after.id)
        const all = await read(() => [...(database.collections.get(collection)?.documents ?? [])])
        const found = all
          .filter(([id, bytes]) => id > from && matches(readDocument(bytes), filter))
          .sort(([one], [other]) => (one < other ? -1 : 1))
        for (let start = 0; start < found.length; start += size) {
          yield found.slice(start, start + size).map(([, bytes]) => projected(bytes, fields))
        }
      },
      find: (collection, ids, filter) =>
        read(() =>
          ids.flatMap((id) => {
            const bytes = database.collections.get(collection)?.documents.get(writeId(id))
            return bytes !== undefined && matches(readDocument(bytes), filter) ? [bytes] : []
          }),
        ),
      matches: (collection, filter) => read(() => database.read(collection).some((one) => matches(one, filter))),
      estimate: (collection) => read(() => database.collections.get(collection)?.documents.size ?? 0),
      async update(collection, updates) {
        let matched = 0
        // Each document is a write of its own: a batch can be cut in its middle.
        for (const { id, guard, set, unset } of updates) {
          await write(`update ${writeId(id)}`, () => {
            const { documents } = database.collection(collection)
            const bytes = documents.get(writeId(id))
            if (bytes === undefined || !matches(readDocument(bytes), guard)) return
            const fields = [...fieldsOf(bytes)].filter(([name]) => !unset.includes(name))
            const document = new Map(fields.map(([name, field]) => [name, readField(field)]))
            for (const [name, value] of Object.entries(set)) document.set(name, value)
            // As the driver does.
            documents.set(writeId(id), BSON.serialize(document, { ignoreUndefined: false }))
            matched += 1
          })
        }
        return matched
      },
      put: (collection, id, guard, bytes) =>
        write(`put ${writeId(id)}`, () => {
          const { documents } = database.collection(collection)
          const current = documents.get(writeId(id))
          if (guard !== null && (current === undefined || !matches(readDocument(current), guard))) return false
          requireUnique(database, collection, readDocument(bytes))
          documents.set(writeId(id), bytes)
          return true
        }),
    },
    before: {
      save: (list) => write('images', () => list.forEach((image) => void images.set(keyOf(image), image))),
      has: (migration) => read(() => [...images.values()].some((image) => image.migration === migration)),
      find: (migration, collection, ids) =>
        read(() => ids.flatMap((id) => images.get(keyOf({ migration, collection, id })) ?? [])),
      forget: (migration, collection, ids) =>
        write('images.forget', () => ids.forEach((id) => void images.delete(keyOf({ migration, collection, id })))),
      async *walk(migration) {
        yield await read(() => [...images.values()].filter((image) => image.migration === migration))
      },
      remove: (migration) =>
        write('images.remove', () => {
          for (const [key, image] of images) if (image.migration === migration) images.delete(key)
        }),
    },
    catalog: {
      describe: (name) =>
        read(() => {
          const found = database.collections.get(name)
          if (found === undefined) return null
          const { options, validation, indexes } = structuredClone({ ...found, documents: null })
          return { options, validation, indexes }
        }),
      create: (name, options, validation) =>
        write(`create ${name}`, () => void Object.assign(database.collection(name), { options, validation })),
      setValidation: (name, validation) =>
        write(`validation ${name}`, () => void Object.assign(database.collection(name), { validation })),
      createIndexes: (name, indexes) =>
        write(`indexes ${name}`, () => {
          for (const index of indexes.filter(({ options }) => options.unique === true)) {
            if (duplicatesOf(database, name, index) > 0) throw duplicateKey(name, index.name)
          }
          const all = [...database.collection(name).indexes, ...indexes]
          if (all.filter(({ key }) => Object.values(key).includes('text')).length > 1) {
            throw new MongoServerError({ message: 'only one text index per collection allowed', code: 67 })
          }
          database.collection(name).indexes.push(...structuredClone([...indexes]))
        }),
      setExpiry: (name, index, seconds) =>
        write(`expiry ${name}`, () => {
          const found = database.collection(name).indexes.find((one) => one.name === index)
          if (found !== undefined) found.options.expireAfterSeconds = seconds
        }),
      dropIndex: (name, index) =>
        write(`drop ${name} ${index}`, () => {
          const collection = database.collection(name)
          collection.indexes = collection.indexes.filter((one) => one.name !== index)
        }),
      drop: (name) => write(`drop ${name}`, () => void database.collections.delete(name)),
      // What a validator refuses is told by its required fields alone.
      countInvalid: (name, schema) =>
        read(() => {
          const required: unknown = schema.required
          const names = Array.isArray(required) ? required.map(String) : []
          return database.read(name).filter((one) => names.some((field) => !Object.hasOwn(one, field))).length
        }),
      countDuplicates: (name, index) => read(() => duplicatesOf(database, name, index)),
      countExpired: () => read(() => 0),
      count: (name, filter) => read(() => database.read(name).filter((one) => matches(one, filter)).length),
    },
    // A check in memory asks the database above; there is no driver.
    db: (access): Db =>
      new Proxy(Object.create(null), {
        get: (_target, property) => {
          throw new Error(`the memory store has no driver to ${access} with (${String(property)})`)
        },
      }),
    abandon: async () => undefined,
  }
  return store
}

function requireUnique(database: MemoryDatabase, name: string, document: Document): void {
  const others = database.read(name).filter(({ _id }) => !isDeepStrictEqual(_id, document._id))
  for (const index of database.collection(name).indexes.filter(({ options }) => options.unique === true)) {
    const fields = Object.keys(index.key)
    if (!others.some((one) => fields.every((field) => isDeepStrictEqual(one[field], document[field])))) continue
    throw duplicateKey(name, index.name)
  }
}

function duplicateKey(name: string, index: string): MongoServerError {
  return new MongoServerError({ message: `E11000 collection: pacs.${name} index: ${index} dup key`, code: 11000 })
}

/** Values of the index that stand more than once. */
function duplicatesOf(database: MemoryDatabase, name: string, { key }: IndexState): number {
  const valuesOf = (document: Document) => JSON.stringify(Object.keys(key).map((field) => document[field]))
  const groups = Map.groupBy(database.read(name), valuesOf)
  return [...groups.values()].filter((group) => group.length > 1).length
}

function projected(bytes: Uint8Array, fields: readonly string[] | null): Uint8Array {
  if (fields === null) return bytes
  const kept = [...fieldsOf(bytes)].filter(([name]) => name === '_id' || fields.includes(name))
  return BSON.serialize(new Map(kept.map(([name, field]) => [name, readField(field)])))
}

function keyOf({ migration, collection, id }: { migration: string; collection: string; id: unknown }): string {
  return `${migration} ${collection} ${writeId(id)}`
}
