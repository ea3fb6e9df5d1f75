// What an author or a hand in the ledger gets wrong, on the real database.
import type { Document } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { type MigrationDefinition, mark, planMigrations, readLedger, undoTo } from '../../src/migrations/index.ts'
import { sha256 } from '../../src/release/index.ts'
import { common, emptyDatabase, signal } from '../migrations/empty-database.ts'
import { marking, migration } from '../migrations/one-migration.ts'
import { clear } from '../migrations/site.ts'

const database = emptyDatabase()

async function putX(count: number): Promise<void> {
  await database.root.collection('x').insertMany(Array.from({ length: count }, (_, n): Document => ({ _id: n, n })))
}

describe('an author’s mistake', () => {
  it('that throws is recorded without a value of a document, and runs again when mended', async () => {
    await putX(5)
    const throwing = marking({
      up: async ({ db }) => {
        await db.collection('x').createIndex({ name: 1 }, { unique: true })
        await db.collection('x').insertOne({ name: 'DOE^JANE' })
        await db.collection('x').insertOne({ name: 'DOE^JANE' })
      },
      check: async () => false,
    })
    await database.root.collection('x').drop()
    await expect(database.apply([throwing], 'data')).rejects.toThrow(/001_x: duplicate key/)
    const { entries, history } = await readLedger(database.store)
    expect(JSON.stringify([entries, history])).not.toContain('DOE')
    expect(entries[0]).toMatchObject({ state: 'failed', error: expect.stringMatching(/duplicate key/) })
    await database.apply([marking({})], 'data')
    expect((await readLedger(database.store)).entries[0]?.state).toBe('applied')
  })

  it('that never ends is ended at its limit, and its calls with it', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<string>()
    const endless = marking({
      timeout: '500ms',
      up: async ({ db }) => {
        try {
          for (;;) await db.collection('y').findOne()
        } catch (thrown) {
          resolve(String(thrown))
          throw thrown
        }
      },
    })
    await expect(database.apply([endless], 'data')).rejects.toThrow(/up of 001_x took longer than 0\.5 s and was ended/)
    expect(await ended).toMatch(/closed/i)
    expect((await readLedger(database.store)).entries[0]?.state).toBe('failed')
  })

  it('that never ends in check or down is ended at its limit, too', async () => {
    await putX(5)
    const forever = () => new Promise<never>(() => undefined)
    const silent = marking({ timeout: '500ms', check: forever })
    await expect(database.apply([silent], 'data')).rejects.toThrow(
      /check failed: check of 001_x took longer than 0\.5 s/,
    )
    const kept = marking({ timeout: '500ms', down: forever })
    await database.apply([kept], 'data')
    await expect(undoTo(database.store, [kept], null, common)).rejects.toThrow(
      /undo of 001_x: down of 001_x took longer than 0\.5 s and was ended; ask for the undo again to continue/,
    )
    expect((await readLedger(database.store)).entries[0]?.state).toBe('rolling-back')
  })

  it('in check does not pass: a lie, a no, nothing at all, a write', async () => {
    const liar = migration({
      phase: 'expand',
      description: 'x',
      async up({ db, schema }) {
        await schema.collection('x', { indexes: [{ name: 'n', key: { n: 1 } }] })
        await db.collection('x').dropIndex('n')
      },
      down: ({ schema }) => schema.restore(),
      check: async () => true,
    })
    await expect(database.apply([liar], 'expand')).rejects.toThrow(
      /is not done, though its check says it is: x: index n is not there/,
    )
    const checks: [MigrationDefinition['check'], RegExp][] = [
      [async () => false, /its check says it is not done/],
      [async () => Reflect.get({}, 'x'), /it gave undefined instead of true or false/],
      [
        async ({ db }) => (await db.collection('x').deleteMany({})).acknowledged,
        /collection\.deleteMany is not allowed/,
      ],
      [
        async ({ db }) =>
          (
            await db
              .collection('x')
              .aggregate([{ $out: 'y' }])
              .toArray()
          ).length === 0,
        /with \$out/,
      ],
    ]
    for (const [check, message] of checks) {
      await clear(database.root)
      await expect(database.apply([marking({ check })], 'data')).rejects.toThrow(message)
    }
  })

  it('that was cut and cannot be told is settled by a person, with a reason', async () => {
    const unclear = marking({
      check: async () => {
        throw new Error('who knows')
      },
    })
    await expect(database.apply([unclear], 'data')).rejects.toThrow(/its check failed: who knows/)
    await expect(database.apply([unclear], 'data')).rejects.toThrow(
      /find out, then "pacs-agent migrate mark 001_x applied\|pending/,
    )
    await mark(database.store, [unclear], '001_x', 'applied', { ...common, reason: 'looked at every document' })
    expect((await readLedger(database.store)).history.at(-1)).toMatchObject({
      event: 'marked-applied',
      note: 'looked at every document',
    })
    expect(await database.apply([unclear], 'data')).toEqual({ applied: [], waiting: [] })
  })
})

describe('a ledger that was edited by hand', () => {
  it.each([
    ['an entry taken away', () => database.root.collection('_migrations').deleteMany({}), /missing from the ledger/],
    [
      'a state',
      () => database.root.collection('_migrations').updateMany({}, { $set: { state: 'done' } }),
      /_migrations 001_x .*state/,
    ],
    [
      'one that was applied and is to run again',
      () => database.root.collection('_migrations').updateMany({}, { $set: { state: 'failed' } }),
      /001_x is failed by the ledger, but its history ends with applied/,
    ],
    [
      'a hash',
      () => database.root.collection('_migrations').updateMany({}, { $set: { sha256: sha256('other') } }),
      /another hash in the ledger/,
    ],
  ])('%s: refuses to run and to plan', async (_what, edit, message) => {
    await database.apply([marking()], 'data')
    await edit()
    await expect(database.apply([marking()], 'data')).rejects.toThrow(message)
    await expect(planMigrations(database.store, [marking()], { phase: 'data', signal })).rejects.toThrow(message)
  })

  it('goes on when a person has said what is true', async () => {
    await database.apply([marking()], 'data')
    await database.root.collection('_migrations').deleteMany({})
    await mark(database.store, [marking()], '001_x', 'applied', { ...common, reason: 'it was deleted by mistake' })
    expect(await database.apply([marking()], 'data')).toEqual({ applied: [], waiting: [] })
  })
})
