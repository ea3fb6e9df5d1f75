import { isDeepStrictEqual } from 'node:util'
import { BSON, type Document } from 'mongodb'
import { badInput } from '../lib/index.ts'
import { changeFields, fieldsOf, isWritable, mayBeReordered, readDocument, readField } from './bson-document.ts'
import type { Change } from './definition.ts'
import type { BeforeImage } from './store.ts'

/** Bytes of a guard together with what is then written: a statement must fit 16 MB… */
const STATEMENT = 15 * 1024 * 1024
/** …for which a server has 16 KiB more than for a document: room for what is short. */
const LEAST_GUARD = 8192
const ABSENT = Object.freeze({ $exists: false })
/** Bytes of that beside the name. */
const ABSENT_LENGTH = 17
/** A value in a query is met by a list that holds it, too… */
const NO_LIST = Object.freeze({ $not: Object.freeze({ $type: 'array' }) })
/** …and null by a field that is absent. */
const PRESENT = Object.freeze({ $exists: true })

/** What a change really alters, or null. */
interface EffectiveChange {
  set: Document
  unset: string[]
}

/**
 * `change` without what the document has already.
 * @param fetched the fields of which it is known whether the document has them; null: all
 * @throws Failure `bad-input` for a name that is no top-level field.
 */
export function effectiveChange(
  change: Change | null,
  document: Document,
  fetched: readonly string[] | null = null,
): EffectiveChange | null {
  if (change === null) return null
  const set: Document = {}
  for (const [name, value] of Object.entries(change.set ?? {})) {
    requireField(name)
    if (!Object.hasOwn(document, name) || !isDeepStrictEqual(document[name], value)) set[name] = value
  }
  const unset = (change.unset ?? []).filter((name) => {
    requireField(name)
    return Object.hasOwn(document, name) || (fetched !== null && !fetched.includes(name))
  })
  return Object.keys(set).length === 0 && unset.length === 0 ? null : { set, unset }
}

/** Whether a second change of the changed document would leave it as it is. */
export function isRepeatable(
  change: (document: Document) => Change | null,
  document: Document,
  { set, unset }: EffectiveChange,
): boolean {
  const changed = { ...document, ...set }
  for (const name of unset) delete changed[name]
  return effectiveChange(change(changed), changed) === null
}

/**
 * Whether a document that was edited since its before-image still shows, in any field, what the change made of that: what the field would
 * hold without it is not known then.
 */
export function showsChange(
  change: (document: Document) => Change | null,
  { before, writtenHash }: Pick<BeforeImage, 'before' | 'writtenHash'>,
  bytes: Uint8Array,
): boolean {
  const document = readDocument(before)
  const effective = effectiveChange(change(document), document)
  if (effective === null) return false
  const { set, unset } = effective
  const [was, is] = [fieldsOf(before), fieldsOf(bytes)]
  const written = changeFields(was, set, unset)
  // Written again since, with values that nobody kept: any that are not the old ones may be of the change.
  const isLike = (name: string) =>
    writtenHash === '' ? !sameField(is.get(name), was.get(name)) : sameField(is.get(name), written.get(name))
  return [...Object.keys(set), ...unset].some(isLike)
}

function sameField(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === undefined || other === undefined ? one === other : Buffer.compare(one, other) === 0
}

/**
 * A filter that the document matches while nobody edits what the change writes (`changed`) or reads (`reads`).
 * Values for which a statement has no room beside the `written` bytes are left out, of what is read first.
 * @returns the bytes of the document and of the fields that it lacks, too, of which the filter is made
 */
export function guardOf(
  bytes: Uint8Array,
  document: Document,
  reads: Iterable<string>,
  changed: readonly string[],
  written: number,
): { guard: Document; size: number } {
  const guard: Document = {}
  const writes = new Set(changed)
  let size = bytes.length
  let room = Math.max(STATEMENT - written, LEAST_GUARD)
  const lengths = size <= room / 2 ? null : fieldsOf(bytes)
  if (lengths === null) room -= size
  for (const name of new Set([...writes, ...reads])) {
    if (name === '_id' || name === '' || name.startsWith('$') || name.includes('.')) continue
    if (!Object.hasOwn(document, name)) {
      const length = Buffer.byteLength(name) + ABSENT_LENGTH
      if (length > room) continue
      room -= length
      size += length
      guard[name] = ABSENT
      continue
    }
    const length = lengths?.get(name)?.length ?? 0
    if (length > room) continue
    room -= length
    const value: unknown = document[name]
    if (!isWritable(bytes, name, value)) {
      guard[name] = PRESENT
      continue
    }
    const equal = { $eq: mayBeReordered(value) ? exactly(bytes, name) : value }
    // Only what is written would overwrite an edit: a server takes half as long again for a guard that says it of every field.
    if (writes.has(name) && !Array.isArray(value)) {
      guard[name] = { ...equal, ...NO_LIST, ...(value === null ? PRESENT : {}) }
    } else {
      // What is no object needs none around it.
      guard[name] = typeof value === 'object' ? equal : value
    }
  }
  return { guard, size }
}

/** A filter that a document matches which has any of these fields. */
export function guardOfAny(names: readonly string[]): Document {
  return { $or: names.map((name) => ({ [name]: PRESENT })) }
}

/** A value that a server finds the same, which compares the order of names. */
function exactly(bytes: Uint8Array, name: string): unknown {
  const field = fieldsOf(bytes).get(name)
  return field && readField(field)
}

function requireField(name: string): void {
  if (name === '_id' || name === '' || name.includes('.') || name.startsWith('$')) {
    throw badInput(`change: "${name}" cannot be set or unset; name a whole top-level field other than _id`)
  }
}

/** Whether the document has what the change sets and lacks what it unsets. */
export function hasChange(bytes: Uint8Array, { set, unset }: { set: Document; unset: readonly string[] }): boolean {
  const fields = fieldsOf(bytes)
  const isSet = [...fieldsOf(BSON.serialize(set))].every(([name, value]) => {
    const found = fields.get(name)
    return found !== undefined && Buffer.compare(found, value) === 0
  })
  return isSet && !unset.some((name) => fields.has(name))
}
