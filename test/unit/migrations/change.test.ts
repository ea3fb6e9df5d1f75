import { BSON, type Document } from 'mongodb'
import { expect, it } from 'vitest'
import { guardOf } from '../../../src/migrations/change.ts'

const MIB = 1024 * 1024
const guarded = (document: Document, changed: string[], written: number) =>
  Object.keys(guardOf(BSON.serialize(document), document, undefined, changed, written))

it('a guard compares what is written before what is only read, as far as there is room beside what is written', () => {
  const document = { _id: 1, read: 'r'.repeat(8 * MIB), changed: 'c'.repeat(7.5 * MIB), short: true }
  expect(guarded(document, ['changed'], 100)).toEqual(['changed', 'short'])
  expect(guarded(document, [], 100)).toEqual(['read', 'short'])
  expect(guarded({ _id: 1, text: 't'.repeat(MIB) }, ['text', 'words'], 100)).toEqual(['text', 'words'])
  expect(guarded(document, ['changed'], 16 * MIB)).toEqual(['short'])
})
