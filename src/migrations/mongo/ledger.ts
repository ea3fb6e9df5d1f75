import type { Db, Document } from 'mongodb'
import { MongoServerError } from 'mongodb'
import type { z } from 'zod'
import { refused } from '../../lib/index.ts'
import { type HistoryLine, historyLineSchema, type LedgerEntry, ledgerEntrySchema } from '../ledger.ts'
import type { LedgerStore } from '../store.ts'
import { GIVEN_BACK, LEASE_ID, leaseSchema } from './lease.ts'

/** Ledger and history as `_migrations` and `_migrations_history`; `now` is the server's clock. */
export function mongoLedger(db: Db, now: () => Date): LedgerStore {
  const ledger = db.collection<LedgerEntry>('_migrations')
  const documents = db.collection<{ _id: string }>('_migrations')
  const history = db.collection<HistoryLine>('_migrations_history')
  return {
    now,
    async read() {
      // By one question: each more is a way there and back through a tunnel.
      const lines = { coll: history.collectionName, pipeline: [{ $project: { _id: 0, line: '$$ROOT' } }] }
      // The lease comes first: what is read after one that was given back is what stood there then, or a later lease tells.
      const found = await ledger.aggregate<Document>([{ $sort: { _id: -1 } }, { $unionWith: lines }]).toArray()
      return {
        rest: restOf(found.find(({ _id }) => _id === LEASE_ID)),
        entries: found
          .filter(({ _id, line }) => line === undefined && _id !== LEASE_ID)
          .map((entry) => parse('_migrations', ledgerEntrySchema, entry))
          .sort((one, other) => (one._id < other._id ? -1 : 1)),
        history: found
          .filter(({ line }) => line !== undefined)
          .map(({ line }) => parse('_migrations_history', historyLineSchema, line))
          .sort((one, other) => one._id - other._id),
      }
    },
    async append(line) {
      await history.insertOne(line)
    },
    async put(entry, expected) {
      if (expected !== null) {
        return (await ledger.replaceOne({ _id: entry._id, owner: expected }, entry)).matchedCount === 1
      }
      try {
        await ledger.insertOne(entry)
        return true
      } catch (thrown) {
        if (thrown instanceof MongoServerError && thrown.code === 11000) return false
        throw thrown
      }
    },
    async putLast(entry, expected) {
      const { matchedCount } = await documents.bulkWrite([
        { replaceOne: { filter: { _id: entry._id, owner: expected }, replacement: entry } },
        { updateOne: { filter: { _id: LEASE_ID, token: entry.owner }, update: { $set: { expiresAt: GIVEN_BACK } } } },
      ])
      if (matchedCount === 2) return true
      // One of them did not match: it is done if that was the lease.
      const { _id, owner, state } = entry
      return (await ledger.findOne({ _id, owner, state }, { projection: { _id: 1 } })) !== null
    },
    async remove(id, owner) {
      return (await ledger.deleteOne({ _id: id, owner })).deletedCount === 1
    },
  }
}

function restOf(lease: Document | undefined): string | null | undefined {
  if (lease === undefined) return null
  const { data } = leaseSchema.safeParse(lease, { jitless: true })
  return data?.expiresAt.getTime() === GIVEN_BACK.getTime() ? data.token : undefined
}

function parse<T>(collection: string, schema: z.ZodType<T>, document: Document): T {
  // A run parses a few: compiling the schema first would take longer.
  const parsed = schema.safeParse(document, { jitless: true })
  if (parsed.success) return parsed.data
  const wrong = parsed.error.issues.map(({ path, code }) => `${path.join('.') || 'document'} (${code})`).join(', ')
  throw refused(
    `${collection} ${String(document._id)} was edited by hand: ${wrong}; put it right, or remove it and say the truth with "pacs-agent migrate mark"`,
  )
}
