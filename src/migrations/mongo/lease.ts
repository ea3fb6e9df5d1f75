import { type Collection, type Document, MongoServerError } from 'mongodb'
import { z } from 'zod'
import { Failure } from '../../lib/index.ts'
import { isConnectionLoss } from '../connection-loss.ts'
import { withoutValues } from '../failures.ts'
import type { LeaseStore } from '../store.ts'

export const leaseSchema = z.object({
  token: z.string(),
  run: z.string(),
  actor: z.string(),
  host: z.string(),
  process: z.string().nullable().default(null),
  purpose: z.string(),
  expiresAt: z.date(),
  previous: z.string().nullable().default(null),
})

/** Where a lease stands that was given back. */
export const GIVEN_BACK = new Date(0)

interface LeaseDocument {
  _id: string
}

/** The `_id` of the lease, which is no migration's. */
export const LEASE_ID = 'lease'

/** Codes of the server (error_codes.yml in its source). */
const UNAUTHORIZED = 13
const DUPLICATE_KEY = 11000

/** The lease as one document beside the ledger's entries in `_migrations`. @param now the server's time */
export function mongoLease(collection: Collection<LeaseDocument>, now: () => Date): LeaseStore {
  const until = (ttl: number) => ({ $add: ['$$NOW', ttl] })
  const ranOut = { $lte: [{ $ifNull: ['$expiresAt', GIVEN_BACK] }, '$$NOW'] }
  return {
    async take(holder, ttl, over) {
      const ours: Document = { previous: { $ifNull: ['$token', null] }, takenAt: '$$NOW', expiresAt: until(ttl) }
      for (const [name, value] of Object.entries(holder)) ours[name] = { $literal: value }
      const taken = Object.entries(ours).map(([name, value]) => [name, { $cond: ['$free', value, `$${name}`] }])
      // A server refuses $expr in the filter of an upsert, so the pipeline decides: what is not free stays as it is.
      const found = await collection
        .findOneAndUpdate(
          { _id: LEASE_ID },
          [
            { $set: { free: over === null ? ranOut : { $or: [ranOut, { $eq: ['$token', { $literal: over }] }] } } },
            { $set: Object.fromEntries(taken) },
            { $unset: 'free' },
          ],
          { upsert: true, returnDocument: 'after' },
        )
        .catch(async (thrown: unknown) => {
          // Two who insert at once collide; the answer of one that worked may be lost. The token tells.
          if (!(thrown instanceof MongoServerError)) throw thrown
          const there = leaseSchema.nullable().parse(await collection.findOne({ _id: LEASE_ID }), { jitless: true })
          const isAnswer = thrown.code === DUPLICATE_KEY || there?.token === holder.token
          if (there !== null && (isAnswer || there.expiresAt > now())) return there
          throw notTaken(thrown)
        })
      const holding = leaseSchema.parse(found, { jitless: true })
      return holding.token === holder.token
        ? { isOurs: true, previous: holding.previous }
        : { isOurs: false, holder: holding }
    },
    async renew(token, ttl) {
      const result = await collection.updateOne({ _id: LEASE_ID, token }, [{ $set: { expiresAt: until(ttl) } }])
      return result.matchedCount === 1
    },
    async release(token) {
      // Kept, so that the next owner updates a document instead of racing to insert one.
      await collection.updateOne({ _id: LEASE_ID, token }, { $set: { expiresAt: GIVEN_BACK } })
    },
  }
}

/** Why nobody has the lease: what the server has against its being written. */
function notTaken(thrown: MongoServerError): unknown {
  if (isConnectionLoss(thrown)) return thrown
  const why = thrown.code === UNAUTHORIZED ? 'may this user write _migrations?' : withoutValues(thrown)
  return new Failure('failed', `the lease of the database cannot be taken: ${why}`, { cause: thrown })
}
