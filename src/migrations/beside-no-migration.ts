import type { Db } from 'mongodb'
import { z } from 'zod'
import { Failure } from '../lib/index.ts'
import { hasDied, lockedBy } from './lease.ts'
import { LEASE_ID, leaseSchema } from './mongo/lease.ts'

/**
 * Reads a database while nobody migrates it; only reads it, too.
 * @param host the name of this machine @throws Failure `locked` that names who holds the lease, `error` when somebody took it during `read`
 */
export async function besideNoMigration<T>(db: Db, host: string, read: () => Promise<T>): Promise<T> {
  const before = await leaseIn(db)
  if (before !== null && isHeld(before, host)) throw lockedBy(before)
  const value = await read()
  const after = await leaseIn(db)
  // One that stood still until its lease had run out may go on under the same token.
  if (after === null || (after.token === before?.token && !isHeld(after, host))) return value
  throw new Failure(
    'error',
    `the database was changed meanwhile by ${after.purpose} of ${after.actor} on ${after.host} (run ${after.run}): ask again when that has ended`,
  )
}

const standingSchema = leaseSchema.extend({ isLive: z.boolean() })
type Standing = z.infer<typeof standingSchema>

function isHeld(lease: Standing, host: string): boolean {
  return lease.isLive && !hasDied(lease, host)
}

/** The lease that stands there, live by the server's clock; null before the first. */
async function leaseIn(db: Db): Promise<Standing | null> {
  const isLive = { $gt: ['$expiresAt', '$$NOW'] }
  const found = db
    .collection<{ _id: string }>('_migrations')
    .aggregate([{ $match: { _id: LEASE_ID } }, { $set: { isLive } }])
  const lease = await found.next()
  await found.close()
  return lease === null ? null : standingSchema.parse(lease, { jitless: true })
}
