import { type AnyBulkWriteOperation, BSON, type Document } from 'mongodb'
import type { DocumentUpdate } from '../store.ts'

/** Documents with guards of their own in one statement: a server compares each with each of them, and more gain nothing. */
const TOGETHER = 50
/** Bytes of the documents of one statement: their guards must fit 16 MB together with what it sets. */
const MOST_BYTES = 1024 * 1024

/**
 * Guarded updates as statements. Documents to which the same happens are updated by one, each under its own guard as before: that costs
 * a server a fraction of a statement for each.
 */
export function statementsOf(updates: readonly DocumentUpdate[]): AnyBulkWriteOperation<Document>[] {
  return groupsBy(updates, changeOf).flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const update = changeOf(first)
    const sharing = group.length < TOGETHER ? [group] : groupsBy(group, ({ guard }) => guard)
    const alike = sharing.filter((some) => some.length >= TOGETHER).flatMap((some) => chunksOf(some, some.length))
    const others = chunksOf(sharing.filter((some) => some.length < TOGETHER).flat(), TOGETHER)
    return [
      ...alike.map((some) => ({ updateMany: { filter: { ...some[0]?.guard, _id: oneOf(some) }, update } })),
      ...others.map((some) => {
        const each = some.map(({ id, guard }): Document => ({ _id: id, ...guard }))
        const [filter = {}] = each
        if (each.length === 1) return { updateOne: { filter, update } }
        return { updateMany: { filter: { _id: oneOf(some), $or: each }, update } }
      }),
    ]
  })
}

function changeOf({ set, unset }: DocumentUpdate): Document {
  const change: Document = {}
  if (Object.keys(set).length > 0) change.$set = set
  if (unset.length > 0) change.$unset = Object.fromEntries(unset.map((field) => [field, '']))
  return change
}

function oneOf(updates: readonly DocumentUpdate[]): Document {
  return { $in: updates.map(({ id }) => id) }
}

/** Those of which `what` is the same, byte by byte. */
function groupsBy(updates: readonly DocumentUpdate[], what: (update: DocumentUpdate) => Document): DocumentUpdate[][] {
  if (updates.length === 1) return [[...updates]]
  const groups = Map.groupBy(updates, (update) => {
    const { buffer, byteOffset, length } = BSON.serialize(what(update))
    return Buffer.from(buffer, byteOffset, length).toString('latin1')
  })
  return [...groups.values()]
}

/** In parts of at most `most` documents, and as many as fit a statement. */
function chunksOf(updates: readonly DocumentUpdate[], most: number): DocumentUpdate[][] {
  const chunks: DocumentUpdate[][] = []
  let bytes = 0
  for (const update of updates) {
    const last = chunks.at(-1)
    bytes += update.size
    if (last !== undefined && last.length < most && bytes <= MOST_BYTES) {
      last.push(update)
    } else {
      chunks.push([update])
      bytes = update.size
    }
  }
  return chunks
}
