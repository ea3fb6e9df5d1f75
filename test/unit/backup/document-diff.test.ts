import { BSON, type Document } from 'bson'
import { describe, expect, it } from 'vitest'
import { applyDiff } from '../../../src/backup/document-diff.ts'

/** In this order; a name that is a number would move to the front of an object. */
type Fields = ReadonlyMap<string, unknown>
const fields = (...all: [string, unknown][]): Fields => new Map(all)
const bytes = (document: Document | Fields) => Buffer.from(BSON.serialize(document))
const applied = (before: Document | Fields, diff: Document | Fields) =>
  applyDiff(bytes(before), bytes(diff)).toString('hex')
const hex = (document: Document | Fields) => bytes(document).toString('hex')

describe('an update in the oplog', () => {
  it('changes a field where it stands, and adds new ones at the end, in their order', () => {
    expect(applied({ _id: 1, a: 1, b: 2 }, { u: { a: 'x' }, i: { d: 4, c: 3 } })).toBe(
      hex({ _id: 1, a: 'x', b: 2, d: 4, c: 3 }),
    )
  })

  it('adds what it updates and is not there, before what it inserts', () => {
    expect(applied({ _id: 1 }, { u: { a: 1 }, i: { b: 2 } })).toBe(hex({ _id: 1, a: 1, b: 2 }))
  })

  it('leaves the order of fields whose names are numbers', () => {
    const before = fields(['_id', 1], ['20100010', 'STANDARD'], ['00080020', 1])
    expect(applied(before, { u: { '20100010': 'x' } })).toBe(
      hex(fields(['_id', 1], ['20100010', 'x'], ['00080020', 1])),
    )
  })

  it('removes fields, and moves one to the end that it inserts again', () => {
    expect(applied({ _id: 1, a: 1, b: 2, c: 3 }, { d: { b: false }, i: { a: 9 } })).toBe(hex({ _id: 1, c: 3, a: 9 }))
  })

  it('goes into documents and arrays within', () => {
    const before = { _id: 1, s: { t: { u: 1, v: 2 } }, l: [1, { x: 1 }, [1, 2], 4] }
    const diff = {
      ss: { st: { d: { v: false }, i: { w: 3 } } },
      sl: { a: true, l: 3, u0: 'x', s1: { u: { x: 2 } }, s2: { a: true, u3: 9 } },
    }
    expect(applied(before, diff)).toBe(hex({ _id: 1, s: { t: { u: 1, w: 3 } }, l: ['x', { x: 2 }, [1, 2, null, 9]] }))
  })

  it('tells a document from an array, whose first field may be called as the mark of an array', () => {
    expect(applied({ _id: 1, s: { a: { b: 1 } } }, { ss: { sa: { u: { b: 2 } } } })).toBe(
      hex({ _id: 1, s: { a: { b: 2 } } }),
    )
    expect(applied({ _id: 1, s: { a: 1 } }, { ss: { u: { a: 2 } } })).toBe(hex({ _id: 1, s: { a: 2 } }))
  })

  it('grows an array by what is missing', () => {
    expect(applied({ _id: 1, l: [] }, { sl: { a: true, u2: 'x' } })).toBe(hex({ _id: 1, l: [null, null, 'x'] }))
    expect(applied({ _id: 1, l: [1] }, { sl: { a: true, l: 3 } })).toBe(hex({ _id: 1, l: [1, null, null] }))
  })

  it.each([
    [{ _id: 1 }, { ss: { u: { a: 1 } } }, /what a field holds that the document does not have/],
    [{ _id: 1, s: 4 }, { ss: { u: { a: 1 } } }, /field of another type/],
    [{ _id: 1, s: { a: 1 } }, { ss: { a: true, u0: 1 } }, /field of another type/],
    [{ _id: 1, l: [1] }, { sl: { a: true, s4: { u: { a: 1 } } } }, /field of another type/],
    [{ _id: 1, a: 1 }, { b: { a: 1 } }, /a part "b", which is not known/],
    [{ _id: 1, l: [1] }, { sl: { a: true, x0: 1 } }, /a part "x0", which is not known/],
  ])('fits %j by %j in no way', (before, diff, why) => {
    expect(() => applied(before, diff)).toThrow(why)
  })
})
