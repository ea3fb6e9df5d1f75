import { Long, ObjectId } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { nameId } from '../../../src/migrations/bson-document.ts'
import { readDecisions } from '../../../src/migrations/decisions.ts'

describe('what a person decides', () => {
  it.each([
    ['reports "r7"', 'r7'],
    ['  reports   "r7" ', 'r7'],
    ['reports "a b"', 'a b'],
    ['reports 7', 7],
    ['reports {"$numberInt": "7"}', 7],
    ['reports 9007199254740993', Long.fromString('9007199254740993')],
    ['reports { "$oid": "656000000000000000000007" }', new ObjectId('656000000000000000000007')],
    ['reports {"b": 1, "a": [null, true]}', { b: 1, a: [null, true] }],
    ['reports {"$date": "2026-11-24T10:15:00Z"}', new Date('2026-11-24T10:15:00Z')],
  ])('is found for %s, however it is typed', (typed, id) => {
    const { decide, idle } = readDecisions([typed], [])
    expect(idle()).toHaveLength(1)
    expect(decide('reports', nameId(id))).toBe('keep')
    expect(decide('reports', '"other"')).toBeNull()
    expect(idle()).toEqual([])
  })

  it('about one document goes before what is decided about its collection, whose name may hold a blank', () => {
    const { decide, idle } = readDecisions(['reports "r7"', 'old reports "r7"'], ['reports'])
    expect(decide('reports', '"r8"')).toBe('restore')
    expect(decide('reports', '"r7"')).toBe('keep')
    expect(decide('old reports', '"r8"')).toBeNull()
    expect(idle()).toEqual(['old reports "r7"'])
    expect(decide('old reports', '"r7"')).toBe('keep')
    expect(idle()).toEqual([])
  })

  it.each([
    ['reports r7'],
    [''],
    [' '],
    ['reports "r7'],
    ['reports {"$oid": "r7"}'],
    ['reports 1,"x":2'],
    ['reports "r7" (deleted)'],
  ])('is refused as %j, which names nothing, and said how to type', (typed) => {
    expect(() => readDecisions([], [typed])).toThrow(
      expect.objectContaining({ kind: 'bad-input', message: expect.stringContaining(`type 'reports "r7"'`) }),
    )
  })

  it('is known again in another order and spelling, and told from any other', () => {
    const { digest } = readDecisions(['reports "r7"', 'a'], ['b'])
    expect(readDecisions(['a', ' reports  "r7"'], ['b']).digest).toBe(digest)
    const others = [readDecisions(['reports "r7"'], ['a', 'b']), readDecisions(['a', 'b'], ['reports "r7"'])]
    expect(new Set([digest, ...others.map((one) => one.digest), null]).size).toBe(4)
    expect(readDecisions([], []).digest).toBeNull()
  })

  it('is not both, in whatever spelling', () => {
    expect(() => readDecisions(['reports "r7"'], ['reports  "r7"'])).toThrow(
      'reports "r7": --keep and --restore cannot both be',
    )
  })
})
