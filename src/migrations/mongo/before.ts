import { createHash } from 'node:crypto'
import { Binary, type Collection, type Db, type Document, MongoBulkWriteError } from 'mongodb'
import { z } from 'zod'
import { readId, writeId } from '../bson-document.ts'
import type { BeforeImage, BeforeStore } from '../store.ts'

/** A document of 16 MB does not fit into another one: it is kept in parts. */
const PART = 8 * 1024 * 1024
/** Images that are read and written at once. */
const AT_ONCE = 500

const partSchema = z.object({
  _id: z.string(),
  migration: z.string(),
  collection: z.string(),
  id: z.string(),
  part: z.number(),
  parts: z.number(),
  before: z.instanceof(Binary),
  writtenHash: z.string(),
})
type Part = z.infer<typeof partSchema>

/** Before-images as `_migrations_before`; the prefix of an `_id` is the migration, so no further index is needed. */
export function mongoBefore(db: Db): BeforeStore {
  const parts = db.collection<{ _id: string }>('_migrations_before')
  const ofMigration = (migration: string) => ({ _id: { $gte: `${migration}/`, $lt: `${migration}0` } })
  const read = (documents: readonly Document[]) => joinParts(documents.map((document) => partSchema.parse(document)))
  return {
    async save(images, fresh) {
      for (const some of chunks(images.flatMap(toParts))) {
        if (fresh && (await insertAll(parts, some))) continue
        const operations = some.map(({ _id, ...rest }) => ({
          replaceOne: { filter: { _id }, replacement: rest, upsert: true },
        }))
        await parts.bulkWrite(operations, { ordered: false })
      }
    },
    has: async (migration) => (await parts.findOne(ofMigration(migration), { projection: { _id: 1 } })) !== null,
    async find(migration, collection, ids) {
      const first = ids.map((id) => partId({ migration, collection, id: writeId(id) }, 0))
      const found = (await parts.find({ _id: { $in: first } }).toArray()).map((document) => partSchema.parse(document))
      const more = found.flatMap((part) =>
        Array.from({ length: part.parts - 1 }, (_, index) => partId(part, index + 1)),
      )
      const others = more.length === 0 ? [] : await parts.find({ _id: { $in: more } }).toArray()
      return joinParts([...found, ...others.map((document) => partSchema.parse(document))])
    },
    async forget(migration, collection, ids) {
      const images = await this.find(migration, collection, ids)
      const names = images.flatMap(toParts).map(({ _id }) => _id)
      await parts.deleteMany({ _id: { $in: names } })
    },
    async *walk(migration) {
      const cursor = parts.find(ofMigration(migration), { batchSize: AT_ONCE }).sort({ _id: 1 })
      let pending: Document[] = []
      let bytes = 0
      for await (const document of cursor) {
        const part = partSchema.parse(document)
        if (part.part === 0 && (pending.length >= AT_ONCE || bytes > 2 * PART)) {
          yield read(pending)
          pending = []
          bytes = 0
        }
        pending.push(part)
        bytes += part.before.length()
      }
      if (pending.length > 0) yield read(pending)
    },
    async remove(migration) {
      await parts.deleteMany(ofMigration(migration))
    },
  }
}

async function insertAll(collection: Collection<{ _id: string }>, documents: readonly Part[]): Promise<boolean> {
  try {
    await collection.insertMany(
      documents.map((one) => one),
      { ordered: false },
    )
    return true
  } catch (thrown) {
    if (thrown instanceof MongoBulkWriteError && thrown.code === 11000) return false
    throw thrown
  }
}

function toParts({ migration, collection, id, before, writtenHash }: BeforeImage): Part[] {
  const text = writeId(id)
  const count = Math.max(1, Math.ceil(before.length / PART))
  return Array.from({ length: count }, (_, part) => {
    const bytes = before.subarray(part * PART, (part + 1) * PART)
    const common = { migration, collection, id: text, part, parts: count, writtenHash }
    return { _id: partId(common, part), ...common, before: new Binary(bytes) }
  })
}

function joinParts(parts: readonly Part[]): BeforeImage[] {
  const groups = Map.groupBy(parts, (part) => `${part.collection}/${part.id}`)
  return [...groups.values()].flatMap((group) => {
    const [first, ...more] = group.toSorted((one, other) => one.part - other.part)
    if (first?.part !== 0) return []
    // An image of fewer parts may have taken the place of this one.
    const own = [first, ...more].slice(0, first.parts)
    const before = Buffer.concat(own.map((part) => part.before.buffer.subarray(0, part.before.length())))
    // Parts are missing, or of two images: it was cut while it was kept, before its document was written.
    if (before.length < 4 || before.readInt32LE(0) !== before.length) return []
    const { migration, collection, writtenHash } = first
    return [{ migration, collection, id: readId(first.id), before, writtenHash }]
  })
}

function partId(
  { migration, collection, id }: { migration: string; collection: string; id: string },
  part: number,
): string {
  const hash = createHash('sha256').update(`${collection}\n${id}`).digest('hex')
  return `${migration}/${hash}/${String(part).padStart(3, '0')}`
}

function* chunks<T>(all: readonly T[]): Generator<T[]> {
  for (let start = 0; start < all.length; start += AT_ONCE) yield all.slice(start, start + AT_ONCE)
}
