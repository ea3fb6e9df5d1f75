import type { Document } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { statementsOf } from '../../../src/migrations/mongo/statements.ts'
import type { DocumentUpdate } from '../../../src/migrations/store.ts'

const absent = { $exists: false }

/** One for each of `count` documents. */
function updates(count: number, of: (n: number) => Partial<DocumentUpdate>): DocumentUpdate[] {
  return Array.from({ length: count }, (_, n) => {
    const common = { id: n, guard: { n, done: absent }, set: { done: true }, unset: [], size: 100 }
    return { ...common, ...of(n) }
  })
}

/** How many documents each statement is for. */
function counts(all: readonly DocumentUpdate[]): number[] {
  return statementsOf(all).map((statement) => {
    if ('updateOne' in statement) return 1
    const filter: Document = 'updateMany' in statement ? statement.updateMany.filter : {}
    return filter._id?.$in?.length ?? 0
  })
}

describe('guarded updates', () => {
  it('to which the same happens are one statement, each document under its own guard', () => {
    expect(statementsOf(updates(2, (n) => ({ id: `r${n}`, unset: ['note'] })))).toEqual([
      {
        updateMany: {
          filter: {
            _id: { $in: ['r0', 'r1'] },
            $or: [
              { _id: 'r0', n: 0, done: absent },
              { _id: 'r1', n: 1, done: absent },
            ],
          },
          update: { $set: { done: true }, $unset: { note: '' } },
        },
      },
    ])
  })

  it('with one guard for many are one statement under it', () => {
    const all = updates(1000, () => ({ guard: { done: absent } }))
    const ids = Array.from({ length: 1000 }, (_, n) => n)
    const filter = { _id: { $in: ids }, done: absent }
    expect(statementsOf(all)).toEqual([{ updateMany: { filter, update: { $set: { done: true } } } }])
  })

  it('that differ in what happens, be it by the type of a value, are statements of their own', () => {
    const [one] = statementsOf(updates(1, () => ({})))
    expect(one).toEqual({ updateOne: { filter: { _id: 0, n: 0, done: absent }, update: { $set: { done: true } } } })
    expect(counts(updates(3, (n) => ({ set: { done: n } })))).toEqual([1, 1, 1])
    expect(counts(updates(2, (n) => ({ set: { done: n === 0 ? 1 : 1n } })))).toEqual([1, 1])
    expect(counts(updates(2, (n) => ({ set: {}, unset: n === 0 ? ['a'] : ['a', 'b'] })))).toEqual([1, 1])
  })

  it('with guards of their own are as many statements as keeps each short', () => {
    expect(counts(updates(120, () => ({})))).toEqual([50, 50, 20])
    expect(counts(updates(170, (n) => (n < 100 ? { guard: { done: absent } } : {})))).toEqual([100, 50, 20])
    expect(counts(updates(100, (n) => ({ guard: { same: n % 4, done: absent } })))).toEqual([50, 50])
  })

  it('of large documents fit what a statement may hold', () => {
    expect(counts(updates(5, () => ({ size: 500_000 })))).toEqual([2, 2, 1])
    expect(counts(updates(60, () => ({ size: 500_000, guard: { done: absent } })))).toEqual(Array(30).fill(2))
    expect(counts(updates(2, () => ({ size: 16_000_000 })))).toEqual([1, 1])
  })

  it('are all there, each once', () => {
    const all = updates(1000, (n) => ({ set: { done: n % 7 }, guard: n % 3 === 0 ? { n } : { done: absent } }))
    expect(counts(all).reduce((sum, count) => sum + count, 0)).toBe(1000)
    expect(statementsOf([])).toEqual([])
  })
})
