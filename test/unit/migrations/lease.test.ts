import { describe, expect, it } from 'vitest'
import { processIdentity } from '../../../src/lib/index.ts'
import { takeLease } from '../../../src/migrations/lease.ts'
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
