import type { Db, Document } from 'mongodb'
import { MongoServerError } from 'mongodb'
import type { z } from 'zod'
import { refused } from '../../lib/index.ts'
import { type HistoryLine, historyLineSchema, type LedgerEntry, ledgerEntrySchema } from '../ledger.ts'
import type { LedgerStore } from '../store.ts'
import { LEASE_ID } from './lease.ts'

/** Ledger and history as `_migrations` and `_migrations_history`; `now` is the server's clock. */
export function mongoLedger(db: Db, now: () => Date): LedgerStore {
  const ledger = db.collection<LedgerEntry>('_migrations')
  const history = db.collection<HistoryLine>('_migrations_history')
  return {
    now,
    async read() {
      // By one question: each more is a way there and back through a tunnel.
      const lines = { coll: history.collectionName, pipeline: [{ $project: { _id: 0, line: '$$ROOT' } }] }
      const found = await ledger.aggregate<Document>([{ $unionWith: lines }]).toArray()
      return {
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
    async remove(id, owner) {
      return (await ledger.deleteOne({ _id: id, owner })).deletedCount === 1
    },
  }
}

function parse<T>(collection: string, schema: z.ZodType<T>, document: Document): T {
  const parsed = schema.safeParse(document)
  if (parsed.success) return parsed.data
  const wrong = parsed.error.issues.map(({ path, code }) => `${path.join('.') || 'document'} (${code})`).join(', ')
  throw refused(
    `${collection} ${String(document._id)} was edited by hand: ${wrong}; put it right, or remove it and say the truth with "pacs-agent migrate mark"`,
  )
}
