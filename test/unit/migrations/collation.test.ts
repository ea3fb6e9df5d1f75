// Collections with a collation of their own, on a catalog that does with it what a mongod does: what an index does not say it takes from
// its collection, defaults are filled in, and `simple` is told by none.
import type { Document } from 'mongodb'
import { expect, it } from 'vitest'
import type { CollectionDeclaration } from '../../../src/migrations/definition.ts'
import { applyMigrations, driftOf, planMigrations, undoTo } from '../../../src/migrations/index.ts'
import type { Store } from '../../../src/migrations/store.ts'
import { connect, MemoryDatabase } from './memory-store.ts'
import { ACTOR, migration, SHORT } from './sample.ts'

const signal = new AbortController().signal
const common = { ...ACTOR, signal, onEvent: () => undefined, lease: SHORT, phase: 'expand' as const }

function filled({ collation, ...rest }: Document): Document {
  if (collation === undefined || collation.locale === 'simple') return rest
  const defaults = {
    ...{ caseLevel: false, caseFirst: 'off', strength: 3, numericOrdering: false, alternate: 'non-ignorable' },
    ...{ maxVariable: 'punct', normalization: false, backwards: false, version: '57.1' },
  }
  return { ...rest, collation: { ...defaults, ...collation } }
}

function storeOf(database: MemoryDatabase): Store {
  const store = connect(database)
  const { catalog } = store
  return {
    ...store,
    catalog: {
      ...catalog,
      create: (name, options, validation) => catalog.create(name, filled(options), validation),
      createIndexes(name, indexes) {
        const { collation } = database.collection(name).options
        const inherited = collation === undefined ? {} : { collation }
        return catalog.createIndexes(
          name,
          indexes.map((index) => ({ ...index, options: filled({ ...inherited, ...index.options }) })),
        )
      },
    },
  }
}

const declaring = (declared: CollectionDeclaration, id = '001_x') =>
  migration(id, {
    phase: 'expand',
    description: 'x',
    up: ({ schema }) => schema.collection('x', declared),
    down: ({ schema }) => schema.restore(),
    check: async () => true,
  })

const GERMAN = { locale: 'de', strength: 2 }
const PEOPLE = declaring({
  options: { collation: GERMAN },
  indexes: [
    { name: 'inherits', key: { name: 1 }, unique: true },
    { name: 'own', key: { name: 1, n: 1 }, collation: { locale: 'fr' } },
    { name: 'bytes', key: { n: 1 }, collation: { locale: 'simple' } },
  ],
})

it('are made with every index, and are as declared from then on', async () => {
  const store = storeOf(new MemoryDatabase())
  await applyMigrations(store, [PEOPLE], common)
  const state = await store.catalog.describe('x')
  expect(state?.indexes.map(({ options }) => options.collation?.locale)).toEqual(['de', 'fr', undefined])
  expect(await driftOf(store, [PEOPLE], signal)).toEqual([])
  const again = declaring(
    {
      options: { collation: GERMAN },
      indexes: [
        { name: 'inherits', key: { name: 1 }, unique: true, collation: GERMAN },
        { name: 'bytes', key: { n: 1 }, collation: { locale: 'simple' } },
      ],
    },
    '002_x',
  )
  const plan = await planMigrations(store, [PEOPLE, again], { phase: 'expand', signal })
  expect(plan.steps.flatMap(({ impacts }) => impacts.map(({ text }) => text))).toEqual(['is as declared already'])
  await applyMigrations(store, [PEOPLE, again], common)
  expect(await store.catalog.describe('x')).toEqual(state)
})

it('are adopted without a word of their collation, too, and get an index that has it', async () => {
  const database = new MemoryDatabase()
  const store = storeOf(database)
  await store.catalog.create('x', { collation: GERMAN }, null)
  const adopting = declaring({ indexes: [{ name: 'n', key: { n: 1 } }] })
  await applyMigrations(store, [adopting], common)
  expect(await driftOf(store, [adopting], signal)).toEqual([])
  expect((await store.catalog.describe('x'))?.indexes[0]?.options.collation).toMatchObject(GERMAN)
})

it('have an index that compares otherwise told as another', async () => {
  const store = storeOf(new MemoryDatabase())
  await applyMigrations(store, [PEOPLE], common)
  const other = declaring({ indexes: [{ name: 'bytes', key: { n: 1 } }] }, '002_x')
  await expect(applyMigrations(store, [PEOPLE, other], common)).rejects.toThrow(
    'an index bytes with other keys or options is there',
  )
})

it('get back an index without one, when what dropped it is undone', async () => {
  const store = storeOf(new MemoryDatabase())
  await applyMigrations(store, [PEOPLE], common)
  const before = await store.catalog.describe('x')
  const dropping = declaring({ dropIndexes: ['bytes', 'inherits'] }, '002_x')
  await applyMigrations(store, [PEOPLE, dropping], common)
  expect((await store.catalog.describe('x'))?.indexes).toHaveLength(1)
  await undoTo(store, [PEOPLE, dropping], '001_x', common)
  const byName = (state: typeof before) => new Map(state?.indexes.map((index) => [index.name, index]))
  expect(byName(await store.catalog.describe('x'))).toEqual(byName(before))
})
