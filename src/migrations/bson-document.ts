import { createHash } from 'node:crypto'
import { BSON, type Document } from 'mongodb'

/** A document for an author's code: numbers as numbers, dates as dates. */
export function readDocument(bytes: Uint8Array): Document {
  return BSON.deserialize(bytes)
}

const EXACT = { promoteValues: false, promoteBuffers: false, promoteLongs: false, bsonRegExp: true }

/**
 * A document that is written back as exactly these bytes: every value keeps its BSON type, every field its place.
 * @throws Error for a document that cannot be.
 */
export function readExactly(bytes: Uint8Array): Document {
  const document = BSON.deserialize(bytes, EXACT)
  if (Buffer.compare(BSON.serialize(document), bytes) === 0) return document
  // Objects of JavaScript put names like "1" first; maps do not.
  const map = readMap(bytes)
  if (Buffer.compare(BSON.serialize(map), bytes) === 0) return map
  throw new Error('a document holds values that the driver cannot write back as they were')
}

const EMBEDDED = 3
const ARRAY = 4

function readMap(bytes: Uint8Array): Map<string, unknown> {
  const map = new Map<string, unknown>()
  for (const [name, field] of fieldsOf(bytes)) map.set(name, readField(field))
  return map
}

/** What {@link fieldsOf} gives of one field, with every name in its place. */
export function readField(field: Uint8Array): unknown {
  const value = field.subarray(1)
  if (field[0] === EMBEDDED) return readMap(value)
  return field[0] === ARRAY ? [...readMap(value).values()] : readValue(field)
}

/** Whether a value may hold names in another order than its bytes: those like "1", as DICOM tags can be, come first in an object of JavaScript. */
export function mayBeReordered(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(mayBeReordered)
  if (value === null || typeof value !== 'object' || '_bsontype' in value || value instanceof Date) return false
  const [first = ''] = Object.keys(value)
  return /^\d+$/.test(first) || Object.values(value).some(mayBeReordered)
}

/** Whether the driver writes a field of a document back as it is. @param value what an author's code gets of it */
export function isWritable(bytes: Uint8Array, name: string, value: unknown): boolean {
  const field = mayBeUnwritable(value) ? fieldsOf(bytes).get(name) : undefined
  if (field === undefined) return true
  const written = fieldsOf(BSON.serialize({ [name]: readField(field) })).get(name)
  return written !== undefined && Buffer.compare(written, field) === 0
}

/** Of `undefined`, of a DBPointer, which is read as a DBRef, and of a date beyond those of JavaScript the driver makes something else. */
function mayBeUnwritable(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return value === undefined
  if (value instanceof Date) return Number.isNaN(value.getTime())
  if ('_bsontype' in value) return value._bsontype === 'DBRef'
  return Object.values(value).some(mayBeUnwritable)
}

/** One value by a document that holds it alone. */
function readValue(field: Uint8Array): unknown {
  const head = Buffer.alloc(4)
  head.writeInt32LE(4 + 3 + field.length - 1 + 1)
  const document = Buffer.concat([head, field.subarray(0, 1), Buffer.from('v\0'), field.subarray(1), Buffer.alloc(1)])
  return BSON.deserialize(document, EXACT).v
}

/** The top-level fields of a document as bytes: type, name and value of each. */
export function fieldsOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>()
  for (const [type, nameOffset, nameLength, offset, length] of BSON.onDemand.parseToElements(bytes)) {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + nameOffset, nameLength).toString('utf8')
    const value = Buffer.allocUnsafe(length + 1)
    value[0] = type
    value.set(bytes.subarray(offset, offset + length), 1)
    fields.set(name, value)
  }
  return fields
}

/**
 * SHA-256 over the top-level fields whatever their order: a server appends new fields in an order of its own, and a
 * field within a field keeps its place.
 */
export function documentHash(fields: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash('sha256')
  for (const name of [...fields.keys()].sort()) {
    const value = fields.get(name)
    if (value === undefined) continue
    hash.update(`${Buffer.byteLength(name)}:${name}:${value.length}:`).update(value)
  }
  return hash.digest('hex')
}

/** The fields after `set` and `unset`. */
export function changeFields(
  fields: ReadonlyMap<string, Uint8Array>,
  set: Document,
  unset: readonly string[],
): Map<string, Uint8Array> {
  const changed = new Map(fields)
  for (const name of unset) changed.delete(name)
  for (const [name, value] of fieldsOf(BSON.serialize(set))) changed.set(name, value)
  return changed
}

/** The `_id` of a document by which a server finds it again: with its names in their order. */
export function idOf(bytes: Uint8Array, document = readDocument(bytes)): unknown {
  const id: unknown = document._id
  const field = mayBeReordered(id) ? fieldsOf(bytes).get('_id') : undefined
  return field === undefined ? id : readField(field)
}

/** An `_id` as text that `readId` understands; keeps its type, and the order of its names. */
export function writeId(id: unknown): string {
  if (id instanceof Map) return JSON.stringify({ bson: Buffer.from(BSON.serialize({ id })).toString('base64') })
  return BSON.EJSON.stringify({ id }, { relaxed: false })
}

/** An `_id` as a person reads and types it: "r7", 7 or {"$oid":"…"}. */
export function nameId(id: unknown): string {
  return BSON.EJSON.stringify({ id }, { relaxed: true }).slice('{"id":'.length, -1)
}

export function readId(text: string): unknown {
  const { id, bson } = BSON.EJSON.parse(text, { relaxed: false })
  const field = bson === undefined ? undefined : fieldsOf(Buffer.from(bson, 'base64')).get('id')
  return field === undefined ? id : readField(field)
}
