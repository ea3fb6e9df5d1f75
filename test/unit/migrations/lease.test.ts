import { type Collection, MongoServerError } from 'mongodb'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { processIdentity } from '../../../src/lib/index.ts'
import { takeLease } from '../../../src/migrations/lease.ts'
import { GIVEN_BACK, mongoLease } from '../../../src/migrations/mongo/lease.ts'
import { connect, MemoryDatabase } from './memory-store.ts'
import { ACTOR } from './sample.ts'

const own = processIdentity() ?? ''
/** Of another process that had this one's pid. */
const ended = own.replace(/\d+$/, '1')

/** A lease that is held for a minute more by the process `identity`. */
function held(identity: string | null, host = ACTOR.host): MemoryDatabase {
  const database = new MemoryDatabase()
  const holder = { ...ACTOR, host, token: 'theirs', purpose: 'migrate', process: identity }
  database.lease = { ...holder, expiresAt: database.clock + 60_000 }
  return database
}

const take = (database: MemoryDatabase) => takeLease(connect(database).lease, ACTOR, 'migrate', { ttl: 400, wait: 0 })

describe('the lease of a process that was killed', () => {
  it('is taken over at once on the machine where it ran', async () => {
    const database = held(ended)
    await using lease = await take(database)
    expect(database.lease).toMatchObject({ token: lease.token, process: own })
  })

  it.each([
    ['whose process lives', own],
    ['of another boot, or another machine', ended.replace(/^./, 'x')],
    ['of another container', ended.replace(/pid:\[\d+\]/, 'pid:[1]')],
    ['that does not say', null],
    ['that says something else', 'a process'],
    ['of a machine of another name, whose clone this is', ended, 'the-original'],
  ])('is waited for %s', async (_what, identity, host?: string) => {
    const database = held(identity, host)
    await expect(take(database)).rejects.toMatchObject({ kind: 'locked' })
    expect(database.lease?.token).toBe('theirs')
  })
})

it('a lease that is lost says what its renewals met, and how long the last one has had no answer', async () => {
  const { lease: store } = connect(new MemoryDatabase())
  let renewals = 0
  const renew = () => {
    renewals += 1
    return renewals === 1 ? Promise.reject(new Error('the line broke')) : new Promise<boolean>(() => undefined)
  }
  await using lease = await takeLease({ ...store, renew }, ACTOR, 'migrate', { ttl: 400, wait: 0, fresh: 0 })
  await expect(lease.check()).rejects.toThrow('the line broke')
  await expect(lease.check()).rejects.toThrow(
    /lost \(not renewed for 320 ms: the line broke; no answer for \d+ ms\): stopped/,
  )
})

it('a lease that another owner has by now ends the work at its next look, and stays with that one', async () => {
  const database = new MemoryDatabase()
  {
    await using lease = await takeLease(connect(database).lease, ACTOR, 'migrate', { ttl: 60_000, wait: 0, fresh: 0 })
    await lease.check()
    const holder = { ...ACTOR, token: 'theirs', purpose: 'migrate', process: null }
    database.lease = { ...holder, expiresAt: database.clock + 60_000 }
    const lost = { kind: 'failed', message: expect.stringMatching(/lost \(another owner has it\): stopped/) }
    await expect(lease.check()).rejects.toMatchObject(lost)
    expect(lease.signal.reason).toMatchObject(lost)
    await expect(lease.endWith(async () => expect.unreachable('it was written'))).rejects.toMatchObject(lost)
  }
  expect(database.lease).toMatchObject({ token: 'theirs', expiresAt: database.clock + 60_000 })
})

it('a lease that was given back is not taken back by what is still under way', async () => {
  const database = new MemoryDatabase()
  const lease = await takeLease(connect(database).lease, ACTOR, 'migrate', { ttl: 400, wait: 0, fresh: 0 })
  await lease.check()
  await lease[Symbol.asyncDispose]()
  await expect(lease.check()).rejects.toThrow(/was given back/)
  expect(database.lease).toMatchObject({ token: lease.token, expiresAt: 0 })
})

describe('the lease that ends with a write', () => {
  afterEach(() => void vi.useRealTimers())

  it('is neither renewed any more nor released once more', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
    const database = new MemoryDatabase()
    const store = connect(database)
    {
      await using lease = await takeLease(store.lease, ACTOR, 'migrate', { ttl: 60_000, wait: 0 })
      expect(vi.getTimerCount()).toBe(2)
      expect(await lease.endWith(async () => true)).toBe(true)
      expect(vi.getTimerCount()).toBe(0)
    }
    expect(store.log).toEqual(['lease.take'])
  })

  it('is kept when nothing was written', async () => {
    const database = new MemoryDatabase()
    const store = connect(database)
    {
      await using lease = await takeLease(store.lease, ACTOR, 'migrate', { ttl: 400, wait: 0, fresh: 0 })
      expect(await lease.endWith(async () => false)).toBe(false)
      await lease.check()
    }
    expect(store.log.at(-1)).toBe('lease.release')
  })
})

describe('a server that refuses to write the lease', () => {
  const now = new Date('2026-01-01')
  const later = new Date('2026-01-02')

  /** Refuses with `code` while `there` is the lease. */
  const refusing = (code: number, codeName: string, there: { token: string; expiresAt: Date } | null) => {
    const collection = {
      findOneAndUpdate: () => Promise.reject(new MongoServerError({ message: 'no', code, codeName })),
      findOne: () => Promise.resolve(there && { ...ACTOR, purpose: 'migrate', ...there }),
    }
    return mongoLease(collection as unknown as Collection<{ _id: string }>, () => now)
  }
  const ask = (store: ReturnType<typeof refusing>) =>
    takeLease(store, ACTOR, 'migrate', { ttl: 400, wait: 0 }).then(() => expect.unreachable('it was taken'))

  it.each([
    ['was given back', GIVEN_BACK],
    ['ran out', new Date(now.getTime() - 1)],
    ['is not there yet', null],
  ])('is told as that where the last one %s, and not as locked', async (_what, expiresAt) => {
    const there = expiresAt && { token: 'theirs', expiresAt }
    await expect(ask(refusing(13, 'Unauthorized', there))).rejects.toMatchObject({
      kind: 'failed',
      message: 'the lease of the database cannot be taken: may this user write _migrations?',
    })
    await expect(ask(refusing(14031, 'OutOfDiskSpace', there))).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('cannot be taken: the database refused: OutOfDiskSpace (code 14031;'),
    })
  })

  it('is waited for where another owner has it, and where another one was quicker', async () => {
    const theirs = { token: 'theirs', expiresAt: later }
    await expect(ask(refusing(112, 'WriteConflict', theirs))).rejects.toMatchObject({ kind: 'locked' })
    const given = { token: 'theirs', expiresAt: GIVEN_BACK }
    await expect(ask(refusing(11000, 'DuplicateKey', given))).rejects.toMatchObject({ kind: 'locked' })
  })
})
