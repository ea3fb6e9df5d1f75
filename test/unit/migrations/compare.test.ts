import { describe, expect, it } from 'vitest'
import { differences, indexOf, sameIndex } from '../../../src/migrations/compare.ts'
import type { IndexDeclaration } from '../../../src/migrations/definition.ts'
import type { IndexState } from '../../../src/migrations/store.ts'

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
