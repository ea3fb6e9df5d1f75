import { setTimeout as delay } from 'node:timers/promises'
import type { Db } from 'mongodb'
import { z } from 'zod'
import { Failure } from '../lib/index.ts'
import { hasDied, LEASE_WAIT, lockedBy } from './lease.ts'
import { GIVEN_BACK, LEASE_ID, leaseSchema } from './mongo/lease.ts'

interface Beside {
  /** The name of this machine. */
  host: string
  signal: AbortSignal
  /** Told once, in one line, for whose lease it waits. */
  onWait: (line: string) => void
  /** Milliseconds to wait for a lease that nobody renews; longer than one lasts by default. */
  wait?: number
}

/**
 * Reads a database while nobody migrates it; only reads it, too. The lease that a killed runner left runs out and is waited for; one that
 * is renewed is somebody's at work.
 * @throws Failure `locked` that names who holds the lease, `error` when somebody took it during `read`; the signal's reason on abort
 */
export async function besideNoMigration<T>(db: Db, beside: Beside, read: () => Promise<T>): Promise<T> {
  const before = await untilFree(db, beside)
  const value = await read()
  const after = await leaseIn(db)
  // One that stood still until its lease had run out may go on under the same token.
  if (after === null || (after.token === before?.token && !isHeld(after, beside.host))) return value
  throw new Failure('error', `the database was changed meanwhile by ${nameOf(after)}: ask again when that has ended`)
}

const POLL = 500

/** @returns the lease that stands there and keeps nobody out */
async function untilFree(db: Db, { host, signal, onWait, wait = LEASE_WAIT }: Beside): Promise<Standing | null> {
  const first = await leaseIn(db)
  if (first === null || !isHeld(first, host)) return first
  onWait(
    `the database is locked by ${nameOf(first)}: waits until ${first.expiresAt.toISOString()} unless it is renewed`,
  )
  for (const until = performance.now() + wait; ; ) {
    await delay(POLL, undefined, { signal }).catch(() => signal.throwIfAborted())
    const lease = await leaseIn(db)
    if (lease === null || !isHeld(lease, host)) return lease
    const isStill = lease.token === first.token && lease.expiresAt.getTime() === first.expiresAt.getTime()
    if (!isStill || performance.now() >= until) throw lockedBy(lease)
  }
}

const standingSchema = leaseSchema.extend({ isLive: z.boolean() })
type Standing = z.infer<typeof standingSchema>

function isHeld(lease: Standing, host: string): boolean {
  return lease.isLive && !hasDied(lease, host)
}

/**
 * Gives back the lease of a database that was brought to a moment at which somebody migrated it: nobody does so in it.
 * @returns whose it was; null where nobody held one
 */
export async function endLease(db: Db): Promise<string | null> {
  const lease = await leaseIn(db)
  if (lease === null || lease.expiresAt.getTime() === GIVEN_BACK.getTime()) return null
  await db
    .collection<{ _id: string }>('_migrations')
    .updateOne({ _id: LEASE_ID, token: lease.token }, { $set: { expiresAt: GIVEN_BACK } })
  return nameOf(lease)
}

function nameOf({ purpose, actor, host, run }: Standing): string {
  return `${purpose} of ${actor} on ${host} (run ${run})`
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
