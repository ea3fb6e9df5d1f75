import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { ContentHash } from '../../../src/backup/content-hash.ts'

function hashOf(...documents: string[]): string {
  const hash = new ContentHash()
  for (const document of documents) hash.add(Buffer.from(document))
  return hash.hex
}

test('is the sum of the SHA-256 of each document modulo 2^256', () => {
  const documents = Array.from({ length: 500 }, (_, index) => `document ${index}`)
  const sum = documents.reduce(
    (total, one) => (total + BigInt(`0x${createHash('sha256').update(one).digest('hex')}`)) % 2n ** 256n,
    0n,
  )
  expect(hashOf(...documents)).toBe(sum.toString(16).padStart(64, '0'))
})

test('does not depend on the order', () => {
  expect(hashOf('a', 'b', 'c')).toBe(hashOf('c', 'a', 'b'))
})

test('sees one changed, lost or doubled document', () => {
  const whole = hashOf('a', 'b', 'c')
  expect(hashOf('a', 'b', 'd')).not.toBe(whole)
  expect(hashOf('a', 'b')).not.toBe(whole)
  expect(hashOf('a', 'b', 'c', 'c')).not.toBe(whole)
  // A plain exclusive or would not see a pair.
  expect(hashOf('a', 'b', 'c', 'd', 'd')).not.toBe(whole)
})

test('of nothing is zero', () => {
  expect(hashOf()).toBe('0'.repeat(64))
})
