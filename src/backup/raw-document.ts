/** The longest document that is read back: MongoDB's 16 MiB and the 16 KiB that it allows itself on top. */
const MAX_DOCUMENT = 16 * 1024 * 1024 + 16 * 1024
/** The shortest: a length and a final zero. */
const MIN_DOCUMENT = 5

/**
 * The length in bytes that a raw BSON document at `offset` says of itself.
 * @throws Error when no document can have that length
 */
export function documentLength(bytes: Buffer, offset: number): number {
  const length = bytes.readInt32LE(offset)
  if (length < MIN_DOCUMENT || length > MAX_DOCUMENT) throw new Error(`a document cannot be ${length} bytes long`)
  return length
}

/**
 * Calls `visit` with every top-level element of a raw document, without decoding any: its BSON type, and where its name and value lie.
 * @throws Error when the document is torn or of a type that BSON does not know
 */
export function visitElements(document: Buffer, visit: (type: number, nameAt: number, valueAt: number) => void): void {
  const end = document.length - 1
  let at = 4
  while (at < end) {
    const nameAt = at + 1
    // Names are short: a search by the runtime costs more than the walk.
    let valueAt = nameAt
    while (valueAt <= end && document[valueAt] !== 0) valueAt += 1
    valueAt += 1
    if (valueAt > end) throw new Error('a document is torn: a name has no end')
    const type = document[at] ?? 0
    visit(type, nameAt, valueAt)
    at = valueAt + valueLength(document, type, valueAt)
  }
  if (at !== end || document[end] !== 0) throw new Error('a document is torn: its elements do not fill it')
}

/** Bytes of values with a length of their own kind; see bsonspec.org. */
const FIXED: Readonly<Record<number, number>> = {
  1: 8, // double
  6: 0, // undefined
  7: 12, // object id
  8: 1, // boolean
  9: 8, // date
  10: 0, // null
  16: 4, // int32
  17: 8, // timestamp
  18: 8, // int64
  19: 16, // decimal128
  127: 0, // max key
  255: 0, // min key
}

function valueLength(document: Buffer, type: number, at: number): number {
  const fixed = FIXED[type]
  if (fixed !== undefined) return fixed
  switch (type) {
    case 0x03: // document
    case 0x04: // array
    case 0x0f: // code with scope
      return document.readInt32LE(at)
    case 0x02: // string
    case 0x0d: // code
    case 0x0e: // symbol
      return 4 + document.readInt32LE(at)
    case 0x05: // binary
      return 5 + document.readInt32LE(at)
    case 0x0b: // regular expression: two names
      return document.indexOf(0, document.indexOf(0, at) + 1) + 1 - at
    case 0x0c: // database pointer
      return 4 + document.readInt32LE(at) + 12
    default:
      throw new Error(`a document holds a value of unknown type 0x${type.toString(16)}`)
  }
}

/** A top-level element of a raw document. */
export interface RawElement {
  /** Its name byte for byte, as latin1: what is no ASCII does not read as it was written, and stays the same bytes. */
  name: string
  /** As BSON numbers types. */
  type: number
  value: Buffer
}

/**
 * The top-level elements of a raw document in their order; the values lie in it.
 * @throws Error when the document is torn or of a type that BSON does not know
 */
export function elementsOf(document: Buffer): RawElement[] {
  const elements: RawElement[] = []
  visitElements(document, (type, nameAt, valueAt) => {
    const end = valueAt + valueLength(document, type, valueAt)
    if (end > document.length - 1) throw new Error('a document is torn: a value has no end')
    elements.push({
      name: document.toString('latin1', nameAt, valueAt - 1),
      type,
      value: document.subarray(valueAt, end),
    })
  })
  return elements
}

/** A raw document of these elements, in this order. */
export function documentOf(elements: readonly RawElement[]): Buffer {
  const parts: Buffer[] = [Buffer.alloc(4)]
  for (const { name, type, value } of elements) {
    parts.push(Buffer.from([type]), Buffer.from(`${name}\0`, 'latin1'), value)
  }
  parts.push(Buffer.alloc(1))
  const document = Buffer.concat(parts)
  document.writeInt32LE(document.length, 0)
  return document
}
