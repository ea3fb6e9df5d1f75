import { BSON, ObjectId } from 'mongodb'
import { expect, test } from 'vitest'
import { HighWaterMark } from '../../../src/backup/high-water.ts'

const { Binary, BSONRegExp, Code, DBRef, Decimal128, Double, Int32, Long, MaxKey, MinKey, Timestamp, BSONSymbol } = BSON

function markOf(...documents: object[]) {
  const mark = new HighWaterMark()
  for (const document of documents) mark.add(Buffer.from(BSON.serialize(document)))
  return mark.value
}

test('names the greatest id and the newest date of each top-level field', () => {
  const [older, newer] = [new ObjectId('650000000000000000000001'), new ObjectId('660000000000000000000001')]
  expect(
    markOf(
      { _id: newer, createdAt: new Date('2026-01-02T03:04:05Z'), endedAt: null },
      { _id: older, createdAt: new Date('2026-01-01T00:00:00Z'), endedAt: new Date('2025-12-31T00:00:00Z') },
    ),
  ).toEqual({
    id: newer.toHexString(),
    dates: { createdAt: '2026-01-02T03:04:05.000Z', endedAt: '2025-12-31T00:00:00.000Z' },
  })
})

test('steps over a value of every type', () => {
  const everything = {
    double: new Double(1.5),
    string: 'text',
    document: { date: new Date(0) },
    array: [new Date(0), 'x'],
    binary: new Binary(Buffer.from('bytes')),
    undefined: undefined,
    id: new ObjectId(),
    yes: true,
    nothing: null,
    expression: new BSONRegExp('a.*b', 'im'),
    reference: new DBRef('other', new ObjectId()),
    code: new Code('return 1'),
    scoped: new Code('return x', { x: 1 }),
    symbol: new BSONSymbol('sym'),
    int: new Int32(1),
    timestamp: new Timestamp({ t: 1, i: 2 }),
    long: Long.fromNumber(2 ** 40),
    decimal: Decimal128.fromString('1.10'),
    least: new MinKey(),
    most: new MaxKey(),
    größe: new Date('2026-11-24T00:00:00Z'),
  }
  expect(markOf(everything)).toEqual({ id: null, dates: { größe: '2026-11-24T00:00:00.000Z' } })
})

test('leaves out dates that no calendar of JavaScript holds, and fields beyond 32', () => {
  const far = Buffer.from(BSON.serialize({ far: new Date(0) }))
  far.writeBigInt64LE(2n ** 62n, far.length - 9)
  const mark = new HighWaterMark()
  mark.add(far)
  expect(mark.value.dates).toEqual({})
  const wide = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field${index}`, new Date(index)]))
  expect(Object.keys(markOf(wide).dates)).toHaveLength(32)
})

test('refuses a torn document', () => {
  const torn = Buffer.from(BSON.serialize({ a: 'text', b: 1 }))
  torn.writeInt32LE(200, 7)
  expect(() => new HighWaterMark().add(torn)).toThrow(/torn/)
})
