// Collections that are there already, their validators and indexes, on the real database.
import { describe, expect, it } from 'vitest'
import { driftOf, type IndexDeclaration, planMigrations, undoTo } from '../../src/migrations/index.ts'
import { sha256 } from '../../src/release/index.ts'
import { common, emptyDatabase, signal } from '../migrations/empty-database.ts'
import { migration } from '../migrations/one-migration.ts'
import { clear, contentOf } from '../migrations/site.ts'

const database = emptyDatabase()

describe('an existing collection', () => {
  const declared = (parts: object = {}) =>
    migration({
      phase: 'expand',
      description: 'x',
      up: ({ schema }) =>
        schema.collection('x', {
          schema: { bsonType: 'object', required: ['n'], properties: { n: { bsonType: ['int', 'long', 'double'] } } },
          ...parts,
        }),
      down: ({ schema }) => schema.restore(),
      check: async () => true,
    })

  it('is adopted: counted, warned about, and strict once its documents are mended', async () => {
    await database.root.collection('x').insertMany([{ n: 1 }, { n: 'two' }, {}])
    const plan = await planMigrations(database.store, [declared()], { phase: 'expand', signal })
    expect(plan.steps[0]?.impacts[0]).toMatchObject({
      level: 'warning',
      text: '2 documents do not satisfy the validator: it warns only, until they are mended',
    })
    await database.apply([declared()], 'expand')
    const validation = async () => (await database.store.catalog.describe('x'))?.validation
    expect(await validation()).toMatchObject({ level: 'moderate', action: 'warn' })
    await database.root.collection('x').updateMany({}, { $set: { n: 3 } })
    const again = { ...declared(), id: '002_again', sha256: sha256('again') }
    await database.apply([declared(), again], 'expand')
    expect(await validation()).toMatchObject({ level: 'strict', action: 'error' })
    await expect(database.root.collection('x').insertOne({ n: 'two' })).rejects.toMatchObject({ code: 121 })
  })

  it('with duplicates gets no unique index, and plan and run say how many', async () => {
    await database.root.collection('x').insertMany([{ n: 1 }, { n: 1 }, { n: 2 }])
    const unique = declared({ indexes: [{ name: 'n', key: { n: 1 }, unique: true }] })
    const plan = await planMigrations(database.store, [unique], { phase: 'expand', signal })
    expect(plan.steps[0]?.impacts).toContainEqual({
      level: 'error',
      collection: 'x',
      text: '1 values stand more than once: n cannot be unique',
    })
    await expect(database.apply([unique], 'expand')).rejects.toThrow(/1 values stand more than once/)
  })

  it('with duplicates gets a unique index from a migration that mends them first, which its plan lets pass and its undo takes back', async () => {
    await database.root.collection('x').insertMany([1, 2, 3].map((n) => ({ n, key: 'same' })))
    const before = await contentOf(database.root)
    const mending = migration({
      phase: 'data',
      description: 'x',
      async up({ schema, batches }) {
        await batches({ collection: 'x', filter: { key: 'same' }, change: ({ n }) => ({ set: { key: `own ${n}` } }) })
        await schema.collection('x', { indexes: [{ name: 'key', key: { key: 1 }, unique: true }] })
      },
      async down({ schema, batches }) {
        await batches.restore()
        await schema.restore()
      },
      check: async () => true,
    })
    const plan = await planMigrations(database.store, [mending], { phase: 'data', signal })
    expect(plan.steps[0]?.impacts.map(({ level }) => level)).toEqual(['note', 'note', 'warning'])
    await database.apply([mending], 'data')
    expect((await database.store.catalog.describe('x'))?.indexes).toMatchObject([{ name: 'key' }])
    await undoTo(database.store, [mending], null, common)
    expect(await contentOf(database.root)).toEqual(before)
  })

  it('gets indexes of every kind, which are then no drift, and is undone to every byte', async () => {
    await database.root
      .collection('x')
      .insertMany([{ n: 1, text: 'no finding', at: { type: 'Point', coordinates: [7, 50] } }])
    const before = await contentOf(database.root)
    const kinds: IndexDeclaration[] = [
      { name: 'words', key: { text: 'text' } },
      { name: 'place', key: { at: '2dsphere' } },
      { name: 'spread', key: { n: 'hashed' } },
      { name: 'some', key: { n: -1, text: 1 }, partialFilterExpression: { n: { $gt: 0 } } },
    ]
    const every = declared({ indexes: kinds })
    await database.apply([every], 'expand')
    expect((await database.store.catalog.describe('x'))?.indexes).toHaveLength(kinds.length)
    expect(await driftOf(database.store, [every], signal)).toEqual([])
    const again = { ...every, id: '002_again', sha256: sha256('again') }
    const { steps } = await planMigrations(database.store, [every, again], { phase: 'expand', signal })
    expect(steps[0]?.impacts.map(({ text }) => text)).toEqual(['is as declared already'])
    await undoTo(database.store, [every], null, common)
    expect(await contentOf(database.root)).toEqual(before)
  })

  it('has as duplicates what the server would refuse: what is absent as null, and nothing that a sparse or partial index leaves out', async () => {
    const x = database.root.collection('x')
    const unique = (more: object) => declared({ indexes: [{ name: 'n', key: { n: 1 }, unique: true, ...more }] })
    await x.insertMany([{ n: 1, on: true }, { n: 1 }, { n: 2 }, {}, { n: null }])
    const duplicates = async (index: object) => {
      const { steps } = await planMigrations(database.store, [unique(index)], { phase: 'expand', signal })
      return steps[0]?.impacts.flatMap(({ level, text }) => (level === 'error' ? [Number.parseInt(text, 10)] : []))
    }
    expect(await duplicates({})).toEqual([2])
    expect(await duplicates({ sparse: true })).toEqual([1])
    expect(await duplicates({ partialFilterExpression: { on: true } })).toEqual([])
    await expect(x.createIndex({ n: 1 }, { unique: true })).rejects.toMatchObject({ code: 11000 })
    await x.deleteMany({ n: { $in: [1, null] }, on: { $ne: true } })
    await x.insertMany([{ text: 'without' }, { text: 'another' }])
    await expect(database.apply([unique({})], 'expand')).rejects.toThrow(/1 values stand more than once/)
    await clear(database.root)
    await x.insertMany([{ n: 1 }, {}, {}])
    await database.apply([unique({ sparse: true })], 'expand')
    await expect(x.insertOne({ n: 1 })).rejects.toMatchObject({ code: 11000 })
  })

  it('is told how many documents a TTL would delete at once', async () => {
    const old = new Date(Date.now() - 3_600_000)
    await database.root
      .collection('x')
      .insertMany([{ n: 1, at: old }, { n: 2, at: new Date(Date.now() + 3_600_000) }, { n: 3 }])
    const ttl = declared({ indexes: [{ name: 'at', key: { at: 1 }, expireAfterSeconds: 60 }] })
    const plan = await planMigrations(database.store, [ttl], { phase: 'expand', signal })
    expect(plan.steps[0]?.impacts).toContainEqual(
      expect.objectContaining({ level: 'warning', text: expect.stringMatching(/deletes 1 documents within a minute/) }),
    )
  })
})
