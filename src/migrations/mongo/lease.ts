import { type Collection, MongoServerError } from 'mongodb'
import { z } from 'zod'
import type { LeaseStore } from '../store.ts'

const leaseSchema = z.object({
  token: z.string(),
  run: z.string(),
  actor: z.string(),
  host: z.string(),
  purpose: z.string(),
  expiresAt: z.date(),
})

interface LeaseDocument {
  _id: string
}

const ID = 'lease'

/** The lease as one document of `_migrations_lock`. */
export function mongoLease(collection: Collection<LeaseDocument>): LeaseStore {
  const until = (ttl: number) => ({ $add: ['$$NOW', ttl] })
  return {
    async take(holder, ttl) {
      const { token, run, actor, host, purpose } = holder
      const fields = Object.fromEntries(
        Object.entries({ token, run, actor, host, purpose }).map(([name, value]) => [name, { $literal: value }]),
      )
      // A live lease does not match, so the upsert collides with it; an answer that was lost is looked up by the token.
      await collection
        .updateOne(
          { _id: ID, $expr: { $lt: ['$expiresAt', '$$NOW'] } },
          [{ $set: { ...fields, takenAt: '$$NOW', expiresAt: until(ttl) } }],
          { upsert: true },
        )
        .catch((thrown: unknown) => {
          if (!(thrown instanceof MongoServerError)) throw thrown
        })
      const found = await collection.findOne({ _id: ID })
      if (found === null)
        throw new Error('the lease could be neither taken nor read: may this user write _migrations_lock?')
      const holding = leaseSchema.parse(found)
      return holding.token === token ? null : holding
    },
    async renew(token, ttl) {
      const result = await collection.updateOne({ _id: ID, token }, [{ $set: { expiresAt: until(ttl) } }])
      return result.matchedCount === 1
    },
    async release(token) {
      // Kept, so that the next owner updates a document instead of racing to insert one.
      await collection.updateOne({ _id: ID, token }, { $set: { expiresAt: new Date(0) } })
    },
  }
}
