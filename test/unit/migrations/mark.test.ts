import { beforeEach, describe, expect, it } from 'vitest'
import { type Marked, mark } from '../../../src/migrations/mark.ts'
import { planMigrations } from '../../../src/migrations/plan.ts'
import { type Applied, applyMigrations } from '../../../src/migrations/run.ts'
import { sha256 } from '../../../src/release/index.ts'
import { connect, MemoryDatabase } from './memory-store.ts'
import { ACTOR, migration, SHORT } from './sample.ts'

const REASON = 'looked at every document'
const signal = new AbortController().signal
const common = { ...ACTOR, signal, lease: SHORT }

let database: MemoryDatabase
/** What the check of the one migration says. */
let says: () => boolean
const migrations = [
  migration('001_x', {
    phase: 'data',
    description: 'x',
    up: async () => undefined,
    irreversible: 'a test',
    check: async () => says(),
  }),
]

beforeEach(() => {
  database = new MemoryDatabase()
  says = () => true
})

const store = () => connect(database)
function apply(): Promise<Applied> {
  return applyMigrations(store(), migrations, { ...common, phase: 'data', onEvent: () => undefined })
}
const say = (state: Marked, reason = REASON, id = '001_x') =>
  mark(store(), migrations, id, state, { ...common, reason })
function unclear(): boolean {
  throw new Error('who knows')
}
const last = () => database.history.at(-1)

describe('a migration that nothing but a person can tell', () => {
  it.each([
    ['applied', ['001_x applied'], 0],
    ['pending', [], 1],
  ] as const)('is %s from then on, with who said so and why', async (state, ledger, pending) => {
    says = unclear
    await expect(apply()).rejects.toThrow('its check failed')
    await expect(apply()).rejects.toThrow('pacs-agent migrate mark 001_x applied|pending')
    await say(state)
    expect(last()).toMatchObject({ event: `marked-${state}`, note: REASON, actor: 'octocat' })
    expect([...database.ledger.values()].map((entry) => `${entry._id} ${entry.state}`)).toEqual(ledger)
    expect((await planMigrations(store(), migrations, { phase: 'data', signal })).steps).toHaveLength(pending)
    expect(database.lease).toMatchObject({ expiresAt: 0 })
  })

  it('may be asked about first, which writes nothing', async () => {
    says = unclear
    await expect(apply()).rejects.toThrow('its check failed')
    const asking = store()
    const asked = { ...common, reason: REASON, askOnly: true }
    await mark(asking, migrations, '001_x', 'applied', asked)
    expect(asking.log).toEqual(['lease.take', 'lease.release'])
    says = () => false
    await expect(mark(store(), migrations, '001_x', 'applied', asked)).rejects.toThrow('its check says')
  })

  it('is marked though someone took its entry away or changed the hash, which then is right again', async () => {
    await apply()
    database.ledger.clear()
    await expect(apply()).rejects.toThrow('missing from the ledger')
    await say('applied')
    expect((await apply()).applied).toEqual([])
    const entry = database.ledger.get('001_x')
    if (entry) database.ledger.set('001_x', { ...entry, sha256: sha256('another') })
    await expect(apply()).rejects.toThrow('another hash')
    await say('applied')
    expect((await apply()).applied).toEqual([])
  })
})

describe('a mark is refused, and nothing written,', () => {
  it.each([
    [
      'of a migration that never ran',
      async (): Promise<void> => undefined,
      'pending',
      'is pending, and its history says nothing else',
    ],
    ['of one that is applied by all accounts', apply, 'applied', 'there is nothing to settle'],
    ['to make a whole one run again', apply, 'pending', 'to take it back, undo it'],
    [
      'against a check that denies it',
      async (): Promise<void> => {
        says = () => false
        await expect(apply()).rejects.toThrow('its check says it is not done')
      },
      'applied',
      'cannot be marked applied: its check says that it is not done',
    ],
    [
      'against a check that says it is done',
      async (): Promise<void> => {
        says = unclear
        await expect(apply()).rejects.toThrow('its check failed')
        says = () => true
      },
      'pending',
      'cannot be marked pending: its check says that it is done',
    ],
    [
      'of one with another content',
      async (): Promise<void> => {
        says = unclear
        await expect(apply()).rejects.toThrow('its check failed')
        const entry = database.ledger.get('001_x')
        const line = database.history.at(-1)
        if (!entry || !line) throw new Error('nothing was kept')
        database.ledger.set('001_x', { ...entry, sha256: sha256('another') })
        database.history.push({ ...line, _id: line._id + 1, sha256: sha256('another') })
      },
      'applied',
      'mark it with the release that ran it',
    ],
  ] as const)('%s', async (_what, prepare, state, why) => {
    await prepare()
    const before = structuredClone([database.content(), database.history])
    await expect(say(state)).rejects.toThrow(why)
    expect([database.content(), database.history]).toEqual(before)
  })

  it('without a reason, or for an id that the release does not have', async () => {
    await expect(say('applied', 'because')).rejects.toMatchObject({ kind: 'bad-input' })
    await expect(say('applied', REASON, '002_y')).rejects.toThrow(
      '002_y is no migration of this release, which has 001_x',
    )
    expect(database.history).toEqual([])
  })
})
