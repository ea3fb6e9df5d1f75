import { BSON } from 'mongodb'
import { describe, expect, test } from 'vitest'
import {
  type Definition,
  definitionDifferences,
  metadataText,
  parseMetadata,
  splitValidator,
} from '../../../src/backup/definition.ts'

const { Int32 } = BSON
const validator = { $jsonSchema: { required: ['study'], properties: { study: { bsonType: 'string' } } } }
const reports: Definition = {
  name: 'reports',
  type: 'collection',
  options: { validator, validationLevel: 'moderate' },
  indexes: [
    { v: new Int32(2), key: { _id: new Int32(1) }, name: '_id_' },
    { v: new Int32(2), key: { study: new Int32(1), createdAt: new Int32(-1) }, name: 'by_study', unique: true },
  ],
}

test('its metadata is what the stock tools write, and is read back with all types', () => {
  const text = metadataText(reports)
  expect(JSON.parse(text)).toMatchObject({
    collectionName: 'reports',
    type: 'collection',
    options: { validationLevel: 'moderate' },
    indexes: [{ v: { $numberInt: '2' }, key: { _id: { $numberInt: '1' } }, name: '_id_' }, { name: 'by_study' }],
  })
  expect(parseMetadata(text)).toEqual(reports)
})

test('its queries keep every condition beside an expression, and an expression that is a value', () => {
  const named = { $regex: '^A', $options: 'i', $ne: 'Ada "$regex": 1' }
  const view: Definition = {
    ...{ name: 'named', type: 'view', indexes: [] },
    options: {
      viewOn: 'reports',
      pipeline: [{ $match: { name: named, $or: [{ note: { $not: new BSON.BSONRegExp('b', 'i') } }, { n: named }] } }],
    },
  }
  expect(parseMetadata(metadataText(view))).toEqual(view)
})

test('a validator is told apart from what a collection is made with', () => {
  expect(splitValidator({ capped: true, size: 4096, ...reports.options })).toEqual({
    bare: { capped: true, size: 4096 },
    validator: { validator, validationLevel: 'moderate' },
  })
})

describe('differences', () => {
  const changed = (change: Partial<Definition>) => definitionDifferences(reports, { ...reports, ...change })

  test('are none for the same, whatever the order of indexes, of keys in options, and the kind of number', () => {
    const [id, byStudy] = reports.indexes
    expect(
      changed({
        options: { validationLevel: 'moderate', validator },
        indexes: [
          { ...byStudy, key: { study: 1, createdAt: -1 } },
          { ...id, v: 2 },
        ],
      }),
    ).toEqual([])
    expect(changed({ options: { ...reports.options, validationAction: 'error' } })).toEqual([])
  })

  test('name a dropped, added or changed index', () => {
    const [id, byStudy] = reports.indexes
    expect(changed({ indexes: [id ?? {}] })).toEqual(['reports: index by_study is missing'])
    expect(changed({ indexes: [...reports.indexes, { key: { x: 1 }, name: 'x_1' }] })).toEqual([
      'reports: index x_1 was not there',
    ])
    const other = { ...byStudy, key: { createdAt: -1, study: 1 } }
    expect(changed({ indexes: [id ?? {}, other] })).toEqual(['reports: index by_study differs'])
  })

  test('name a dropped or changed validator and its level', () => {
    expect(changed({ options: { validationLevel: 'moderate' } })).toEqual(['reports: option validator is missing'])
    expect(changed({ options: { ...reports.options, validator: {} } })).toEqual(['reports: option validator differs'])
    expect(changed({ options: { validator } })).toEqual(['reports: option validationLevel is missing'])
  })

  test('name a view that became a collection', () => {
    expect(changed({ type: 'view' })).toEqual(['reports: is a view, was a collection'])
  })
})
