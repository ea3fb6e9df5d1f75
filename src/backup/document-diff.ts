// The differences by which MongoDB's oplog tells an update (`$v: 2`), laid over the document as it was: byte for byte, since decoding
// would reorder fields whose names are numbers.
import { documentOf, elementsOf, type RawElement } from './raw-document.ts'

const TYPE = { document: 0x03, array: 0x04, null: 0x0a } as const

/** What an oplog tells does not fit what it is laid over. */
export class DoesNotFit extends Error {}

/**
 * The document after an update. The order of fields is the server's: what is updated stays in its place, what is inserted comes last.
 * @param diff the `diff` of an oplog's entry
 * @throws DoesNotFit when the diff was not made for this document, or has a part that is not known
 */
export function applyDiff(before: Buffer, diff: Buffer): Buffer {
  return documentOf(applyToDocument(elementsOf(before), sectionsOf(diff)))
}

interface Sections {
  deleted: ReadonlySet<string>
  updated: readonly RawElement[]
  inserted: readonly RawElement[]
  /** Diffs of what a field holds, by its name. */
  within: ReadonlyMap<string, Buffer>
}

function sectionsOf(diff: Buffer): Sections {
  let deleted: RawElement[] = []
  let updated: RawElement[] = []
  let inserted: RawElement[] = []
  const within = new Map<string, Buffer>()
  for (const { name, type, value } of elementsOf(diff)) {
    if (type !== TYPE.document) throw new DoesNotFit(`the part "${name}" of a diff is no document`)
    if (name === 'd') deleted = elementsOf(value)
    else if (name === 'u') updated = elementsOf(value)
    else if (name === 'i') inserted = elementsOf(value)
    else if (name.startsWith('s')) within.set(name.slice(1), value)
    else throw new DoesNotFit(`a diff has a part "${name}", which is not known`)
  }
  return { deleted: new Set(deleted.map(({ name }) => name)), updated, inserted, within }
}

function applyToDocument(before: readonly RawElement[], { deleted, updated, inserted, within }: Sections) {
  const news = new Map(updated.map((one) => [one.name, one]))
  const last = new Set(inserted.map(({ name }) => name))
  const there = new Set(before.map(({ name }) => name))
  for (const name of within.keys()) {
    if (!there.has(name)) throw new DoesNotFit('a diff changes what a field holds that the document does not have')
  }
  const kept = before.flatMap((one) => {
    if (deleted.has(one.name) || last.has(one.name)) return []
    const inner = within.get(one.name)
    return [inner === undefined ? (news.get(one.name) ?? one) : applyWithin(one, inner)]
  })
  return [...kept, ...updated.filter(({ name }) => !there.has(name)), ...inserted]
}

function applyWithin(element: RawElement, diff: Buffer): RawElement {
  const [first] = elementsOf(diff)
  const isArray = first?.name === 'a' && first.type !== TYPE.document
  if (element.type !== (isArray ? TYPE.array : TYPE.document)) {
    throw new DoesNotFit('a diff was made for a field of another type')
  }
  return { ...element, value: isArray ? applyToArray(element.value, diff) : applyDiff(element.value, diff) }
}

const NULL: Omit<RawElement, 'name'> = { type: TYPE.null, value: Buffer.alloc(0) }

/** `{ a: true, l: <new length>, u<index>: value, s<index>: diff }`, the indexes in their order. */
function applyToArray(before: Buffer, diff: Buffer): Buffer {
  const all: Omit<RawElement, 'name'>[] = elementsOf(before)
  const [, ...changes] = elementsOf(diff)
  for (const change of changes) {
    const { name, type, value } = change
    if (name === 'l') {
      const length = value.readInt32LE(0)
      while (all.length < length) all.push(NULL)
      all.length = length
      continue
    }
    const index = Number(name.slice(1))
    if (!/^[us]\d+$/.test(name)) throw new DoesNotFit(`a diff of an array has a part "${name}", which is not known`)
    while (all.length <= index) all.push(NULL)
    const old = all[index] ?? NULL
    all[index] = name.startsWith('u') ? { type, value } : applyWithin({ name, ...old }, value)
  }
  return documentOf(all.map(({ type, value }, index) => ({ name: String(index), type, value })))
}
