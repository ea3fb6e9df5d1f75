// A writer of bbolt files, as small as a fixture needs: one root page with all buckets inline. bbolt's page.go and bucket.go have the
// layout; all numbers are little-endian.

/** Buckets in buckets, down to values. */
export interface Bucket {
  [key: string]: Bucket | Uint8Array
}

const PAGE = 4096
const HEADER = 16
const ELEMENT = 16
const META = 0x04
const LEAF = 0x02
const FREELIST = 0x10
/** Of an element whose value is a bucket. */
const IS_BUCKET = 1
const MAGIC = 0xed0cdaed
/** bbolt maps at least this much. */
const SMALLEST = 32 * 1024

/** A bbolt file that holds `root`. */
export function boltFile(root: Bucket): Buffer {
  const leaf = leafPage(root)
  const pages = Math.ceil(leaf.length / PAGE)
  const file = Buffer.alloc(Math.max(SMALLEST, (3 + pages) * PAGE))
  for (const id of [0, 1]) metaPage(id, 3 + pages).copy(file, id * PAGE)
  pageHeader({ id: 2, flags: FREELIST, count: 0 }).copy(file, 2 * PAGE)
  leaf.copy(file, 3 * PAGE)
  file.writeBigUInt64LE(3n, 3 * PAGE)
  file.writeUInt32LE(pages - 1, 3 * PAGE + 12)
  return file
}

function metaPage(id: number, end: number): Buffer {
  const meta = Buffer.alloc(64)
  for (const [at, value] of [MAGIC, 2, PAGE, 0].entries()) meta.writeUInt32LE(value, at * 4)
  // Root page, its sequence, the list of free pages, the first page behind the last, the transaction.
  for (const [at, value] of [3, 0, 2, end, id].entries()) meta.writeBigUInt64LE(BigInt(value), 16 + at * 8)
  meta.writeBigUInt64LE(fnv64a(meta.subarray(0, 56)), 56)
  return Buffer.concat([pageHeader({ id, flags: META, count: 0 }), meta])
}

function leafPage(bucket: Bucket): Buffer {
  const entries = Object.entries(bucket)
    .map(([key, value]) => ({ key: Buffer.from(key), value }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ key, value }) =>
      value instanceof Uint8Array
        ? { key, value: Buffer.from(value), flags: 0 }
        : // Root page 0: the bucket's page stands right here.
          { key, value: Buffer.concat([Buffer.alloc(16), leafPage(value)]), flags: IS_BUCKET },
    )
  const elements = Buffer.alloc(entries.length * ELEMENT)
  let data = elements.length
  for (const [index, { key, value, flags }] of entries.entries()) {
    const at = index * ELEMENT
    const numbers = [flags, data - at, key.length, value.length]
    for (const [place, number] of numbers.entries()) elements.writeUInt32LE(number, at + place * 4)
    data += key.length + value.length
  }
  const header = pageHeader({ id: 0, flags: LEAF, count: entries.length })
  return Buffer.concat([header, elements, ...entries.flatMap(({ key, value }) => [key, value])])
}

function pageHeader({ id, flags, count }: { id: number; flags: number; count: number }): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeBigUInt64LE(BigInt(id), 0)
  header.writeUInt16LE(flags, 8)
  header.writeUInt16LE(count, 10)
  return header
}

function fnv64a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash
}
