import { describe, expect, it } from 'vitest'
import { differences, indexOf, sameIndex } from '../../../src/migrations/compare.ts'
import type { CollectionDeclaration, IndexDeclaration } from '../../../src/migrations/definition.ts'
import type { Migration } from '../../../src/migrations/files.ts'
import { applyMigrations, planMigrations } from '../../../src/migrations/index.ts'
import type { IndexState } from '../../../src/migrations/store.ts'
import { connect, MemoryDatabase } from './memory-store.ts'
import { ACTOR, migration, SHORT } from './sample.ts'

const signal = new AbortController().signal
const common = { ...ACTOR, phase: 'expand', signal, onEvent: () => undefined, lease: SHORT } as const

/** Declared, and what a mongod 8.0 then says in listIndexes (its documentation: Text Indexes, Collation, 2dsphere). */
const REPORTED: readonly [IndexDeclaration, Omit<IndexState, 'name'>][] = [
  [
    { name: 'words', key: { study: 1, text: 'text', title: 'text' }, weights: { title: 5 } },
    {
      key: { study: 1, _fts: 'text', _ftsx: 1 },
      options: {
        ...{ weights: { text: 1, title: 5 }, default_language: 'english', language_override: 'language' },
        textIndexVersion: 3,
      },
    },
  ],
  [
    { name: 'people', key: { name: 1 }, unique: true, collation: { locale: 'de', strength: 2 } },
    {
      key: { name: 1 },
      options: {
        unique: true,
        collation: {
          ...{ locale: 'de', caseLevel: false, caseFirst: 'off', strength: 2, numericOrdering: false },
          ...{ alternate: 'non-ignorable', maxVariable: 'punct', normalization: false, backwards: false },
          version: '57.1',
        },
      },
    },
  ],
  [
    { name: 'place', key: { at: '2dsphere' } },
    { key: { at: '2dsphere' }, options: { '2dsphereIndexVersion': 3 } },
  ],
]

describe('an index that a server filled up with its defaults', () => {
  it.each(REPORTED)('is as declared: $name', (declared, is) => {
    const state = { options: {}, validation: null, indexes: [{ name: declared.name, ...is }] }
    expect(differences('x', { indexes: [declared] }, state, false)).toEqual([])
  })

  it.each<[string, Partial<IndexDeclaration>]>([
    ['other weights', { weights: { title: 4 } }],
    ['another language', { default_language: 'german' }],
    ['other fields', { key: { study: 1, body: 'text', title: 'text' } }],
    ['another order', { key: { text: 'text', title: 'text', study: 1 } }],
  ])('is another with %s', (_what, changed) => {
    const [[declared, is]] = REPORTED as [(typeof REPORTED)[0]]
    expect(sameIndex({ name: declared.name, ...is }, indexOf({ ...declared, ...changed }))).toBe(false)
  })

  it('is another with another collation, or none', () => {
    const people = REPORTED[1]?.[0] ?? expect.unreachable()
    const state = { name: 'people', ...(REPORTED[1]?.[1] ?? expect.unreachable()) }
    const { collation: _none, ...without } = people
    for (const other of [without, { ...people, collation: { locale: 'de' } }])
      expect(sameIndex(state, indexOf(other))).toBe(false)
  })
})

describe('an option of a collection', () => {
  const of = (declared: object, is: object) =>
    differences('x', { options: declared }, { options: is, validation: null, indexes: [] }, false)

  it.each([
    ['the size of a capped one, which a server rounds up', { capped: true, size: 1000 }, { capped: true, size: 1024 }],
    ['what it is without', { capped: false, collation: { locale: 'simple' } }, {}],
    [
      'one that is filled up',
      { timeseries: { timeField: 'at' } },
      { timeseries: { timeField: 'at', granularity: 'seconds', bucketMaxSpanSeconds: 3600 } },
    ],
  ])('is as declared: %s', (_what, declared, is) => {
    expect(of(declared, is)).toEqual([])
  })

  it('is another with another size', () => {
    expect(of({ capped: true, size: 1025 }, { capped: true, size: 1024 })).toEqual([
      'x: option size is 1024, declared is 1025',
    ])
  })
})

describe('an index that is to be dropped and declared', () => {
  const declaring = (id: string, declared: CollectionDeclaration) =>
    migration(id, {
      phase: 'expand',
      description: 'x',
      up: ({ schema }) => schema.collection('reports', declared),
      down: ({ schema }) => schema.restore(),
      check: async () => true,
    })
  const seeded = () => {
    const database = new MemoryDatabase()
    database.insert('reports', [{ _id: 1, study: 'a' }])
    database.collection('reports').indexes.push({ name: 'study_1', key: { study: 1 }, options: { unique: true } })
    return database
  }
  const study = (name: string): IndexDeclaration => ({ name, key: { study: 1 }, unique: true })
  const impactsOf = async (database: MemoryDatabase, ...migrations: Migration[]) =>
    (await planMigrations(connect(database), migrations, { phase: 'expand', signal })).steps.flatMap(
      ({ impacts }) => impacts,
    )

  it.each([
    ['study', 'index study_1, which is to be dropped, is study already: declare it by the name study_1'],
    ['study_1', 'index study_1 is both declared and dropped'],
  ])('(as %s) is refused by the plan and before the first change', async (name, text) => {
    const database = seeded()
    const renaming = declaring('001_name', { indexes: [study(name)], dropIndexes: ['study_1'] })
    expect(await impactsOf(database, renaming)).toEqual([{ level: 'error', collection: 'reports', text }])
    const store = connect(database)
    await expect(applyMigrations(store, [renaming], common)).rejects.toThrow(`001_name: reports: ${text}`)
    expect(database.collection('reports').indexes.map((index) => index.name)).toEqual(['study_1'])
    expect(store.log.some((what) => what.includes('reports'))).toBe(false)
  })

  it('is a warning in the plan where an earlier step drops it, and none any more where that ran', async () => {
    const database = seeded()
    const dropping = declaring('001_drop', { dropIndexes: ['study_1'] })
    const renaming = declaring('002_name', { indexes: [study('study')], dropIndexes: ['study_1'] })
    expect((await impactsOf(database, dropping, renaming)).map(({ level }) => level)).toEqual(['warning', 'warning'])
    await applyMigrations(connect(database), [dropping, renaming], common)
    expect(database.collection('reports').indexes.map((index) => index.name)).toEqual(['study'])
  })
})
