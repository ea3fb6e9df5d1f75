// Collections that are there already, their validators and indexes, on the real database.
import type { Db } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  applyMigrations,
  driftOf,
  type IndexDeclaration,
  type Migration,
  type OpenDatabase,
  openDatabase,
  type Phase,
  planMigrations,
  undoTo,
} from '../../src/migrations/index.ts'
import { sha256 } from '../../src/release/index.ts'
import { type Database, startDatabase } from '../lab/index.ts'
import { migration } from '../migrations/one-migration.ts'
import { addressOf, clear, contentOf } from '../migrations/site.ts'

let database: Database
let root: Db
let opened: OpenDatabase

const signal = new AbortController().signal
const common = { run: 'run', actor: 'octocat', host: 'runner', signal, onEvent: () => undefined }

beforeAll(async () => {
  database = await startDatabase()
  root = (await database.connect('root')).db('pacs')
  opened = await openDatabase(addressOf(database))
})
beforeEach(() => clear(root))
afterAll(async () => {
  await opened?.[Symbol.asyncDispose]()
  await database?.down()
})

function apply(migrations: readonly Migration[], phase: Phase) {
  return applyMigrations(opened, migrations, { ...common, phase })
}

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
    await root.collection('x').insertMany([{ n: 1 }, { n: 'two' }, {}])
    const plan = await planMigrations(opened, [declared()], { phase: 'expand', signal })
    expect(plan.steps[0]?.impacts[0]).toMatchObject({
      level: 'warning',
      text: '2 documents do not satisfy the validator: it warns only, until they are mended',
    })
    await apply([declared()], 'expand')
    const validation = async () => (await opened.catalog.describe('x'))?.validation
    expect(await validation()).toMatchObject({ level: 'moderate', action: 'warn' })
    await root.collection('x').updateMany({}, { $set: { n: 3 } })
    const again = { ...declared(), id: '002_again', sha256: sha256('again') }
    await apply([declared(), again], 'expand')
    expect(await validation()).toMatchObject({ level: 'strict', action: 'error' })
    await expect(root.collection('x').insertOne({ n: 'two' })).rejects.toMatchObject({ code: 121 })
  })

  it('with duplicates gets no unique index, and plan and run say how many', async () => {
    await root.collection('x').insertMany([{ n: 1 }, { n: 1 }, { n: 2 }])
    const unique = declared({ indexes: [{ name: 'n', key: { n: 1 }, unique: true }] })
    const plan = await planMigrations(opened, [unique], { phase: 'expand', signal })
    expect(plan.steps[0]?.impacts).toContainEqual({
      level: 'error',
      collection: 'x',
      text: '1 values stand more than once: n cannot be unique',
    })
    await expect(apply([unique], 'expand')).rejects.toThrow(/1 values stand more than once/)
  })

  it('gets indexes of every kind, which are then no drift, and is undone to every byte', async () => {
    await root.collection('x').insertMany([{ n: 1, text: 'no finding', at: { type: 'Point', coordinates: [7, 50] } }])
    const before = await contentOf(root)
    const kinds: IndexDeclaration[] = [
      { name: 'words', key: { text: 'text' } },
      { name: 'place', key: { at: '2dsphere' } },
      { name: 'spread', key: { n: 'hashed' } },
      { name: 'some', key: { n: -1, text: 1 }, partialFilterExpression: { n: { $gt: 0 } } },
    ]
    const every = declared({ indexes: kinds })
    await apply([every], 'expand')
    expect((await opened.catalog.describe('x'))?.indexes).toHaveLength(kinds.length)
    expect(await driftOf(opened, [every], signal)).toEqual([])
    const again = { ...every, id: '002_again', sha256: sha256('again') }
    const { steps } = await planMigrations(opened, [every, again], { phase: 'expand', signal })
    expect(steps[0]?.impacts.map(({ text }) => text)).toEqual(['is as declared already'])
    await undoTo(opened, [every], null, common)
    expect(await contentOf(root)).toEqual(before)
  })

  it('has as duplicates what the server would refuse: what is absent as null, and nothing that a sparse or partial index leaves out', async () => {
    const x = root.collection('x')
    const unique = (more: object) => declared({ indexes: [{ name: 'n', key: { n: 1 }, unique: true, ...more }] })
    await x.insertMany([{ n: 1, on: true }, { n: 1 }, { n: 2 }, {}, { n: null }])
    const duplicates = async (index: object) => {
      const { steps } = await planMigrations(opened, [unique(index)], { phase: 'expand', signal })
      return steps[0]?.impacts.flatMap(({ level, text }) => (level === 'error' ? [Number.parseInt(text, 10)] : []))
    }
    expect(await duplicates({})).toEqual([2])
    expect(await duplicates({ sparse: true })).toEqual([1])
    expect(await duplicates({ partialFilterExpression: { on: true } })).toEqual([])
    await expect(x.createIndex({ n: 1 }, { unique: true })).rejects.toMatchObject({ code: 11000 })
    await x.deleteMany({ n: { $in: [1, null] }, on: { $ne: true } })
    await x.insertMany([{ text: 'without' }, { text: 'another' }])
    await expect(apply([unique({})], 'expand')).rejects.toThrow(/1 values stand more than once/)
    await clear(root)
    await x.insertMany([{ n: 1 }, {}, {}])
    await apply([unique({ sparse: true })], 'expand')
    await expect(x.insertOne({ n: 1 })).rejects.toMatchObject({ code: 11000 })
  })

  it('is told how many documents a TTL would delete at once', async () => {
    const old = new Date(Date.now() - 3_600_000)
    await root.collection('x').insertMany([{ n: 1, at: old }, { n: 2, at: new Date(Date.now() + 3_600_000) }, { n: 3 }])
    const ttl = declared({ indexes: [{ name: 'at', key: { at: 1 }, expireAfterSeconds: 60 }] })
    const plan = await planMigrations(opened, [ttl], { phase: 'expand', signal })
    expect(plan.steps[0]?.impacts).toContainEqual(
      expect.objectContaining({ level: 'warning', text: expect.stringMatching(/deletes 1 documents within a minute/) }),
    )
  })
})
