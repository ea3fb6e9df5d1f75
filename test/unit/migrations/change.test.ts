import { BSON, type Document } from 'mongodb'
import { expect, it } from 'vitest'
import { guardOf } from '../../../src/migrations/change.ts'

const MIB = 1024 * 1024
const guarded = (document: Document, changed: string[], written: number) =>
  Object.keys(guardOf(BSON.serialize(document), document, Object.keys(document), changed, written).guard)

it('a guard compares what is written before what is only read, as far as there is room beside what is written', () => {
  const document = { _id: 1, read: 'r'.repeat(8 * MIB), changed: 'c'.repeat(7.5 * MIB), short: true }
  expect(guarded(document, ['changed'], 100)).toEqual(['changed', 'short'])
  expect(guarded(document, [], 100)).toEqual(['read', 'short'])
  expect(guarded({ _id: 1, text: 't'.repeat(MIB) }, ['text', 'words'], 100)).toEqual(['text', 'words'])
  expect(guarded(document, ['changed'], 16 * MIB)).toEqual(['short'])
})

it('a guard says of no more fields that they are absent than there is room for, and counts them', () => {
  const lacks = Array.from({ length: 300 }, (_, n) => `${n}`.padEnd(60_000, 'x'))
  const document = { _id: 1, text: 't' }
  const bytes = BSON.serialize(document)
  const { guard, size } = guardOf(bytes, document, ['text', ...lacks], ['words'], 100)
  expect(Object.keys(guard).slice(0, 2)).toEqual(['words', 'text'])
  expect(guard).toMatchObject({ words: { $exists: false }, [lacks[200] ?? '']: { $exists: false } })
  expect(guard).not.toHaveProperty(lacks[299] ?? '')
  expect(size).toBeGreaterThan(BSON.calculateObjectSize(guard) - 100)
  expect(size).toBeLessThan(15 * MIB)
})
