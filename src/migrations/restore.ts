import type { Document } from 'mongodb'
import { refused } from '../lib/index.ts'
import { documentHash, fieldsOf, idOf, nameId, readDocument, writeId } from './bson-document.ts'
import { guardOf } from './change.ts'
import type { BeforeImage, Store } from './store.ts'

/** What becomes of a document that was edited after the migration wrote it: kept as it is now, or put back as it was. */
export type Decision = 'keep' | 'restore'

/** Decides for one document, its `_id` as a person types it (relaxed EJSON); null leaves it open. */
export type Decide = (collection: string, id: string) => Decision | null

interface RestoreRun {
  migration: string
  store: Store
  signal: AbortSignal
  check(): Promise<void>
  decide: Decide
  /** Called before the first document of a collection is put back. */
  prepare(collection: string): Promise<void>
  progress(done: number): void
}

/** How many edited documents a refusal names. */
const NAMED = 20

/** The top-level fields of each collection that are other now than in documents that are put back. */
export type FieldsPutBack = Map<string, Set<string>>

/**
 * Nothing of an undo begins before a person has decided about every document that was edited since.
 * @param newer whose documents are put back before, what ran last first
 * @returns what changes when they are put back as is decided
 * @throws Failure `refused` that lists those that are open.
 */
export async function requireDecided(
  store: Store,
  migration: string,
  decide: Decide,
  newer: readonly string[] = [],
): Promise<FieldsPutBack> {
  const open: string[] = []
  const changes: FieldsPutBack = new Map()
  for await (const images of store.before.walk(migration)) {
    let found = await withCurrent(store, images)
    for (const one of newer) found = await afterUndoOf(store, one, decide, found)
    for (const { image, current } of found) {
      const { collection, before } = image
      const decision = decisionOn(image, current, decide)
      if (decision === null) open.push(`${collection} ${nameId(image.id)}${current ? '' : ' (deleted)'}`)
      if (decision !== 'restore' || current === null) continue
      const names = changes.get(collection) ?? new Set()
      changes.set(collection, names)
      for (const name of differingFields(before, current)) names.add(name)
    }
  }
  if (open.length > 0) throw undecided(migration, open)
  return changes
}

function differingFields(one: Uint8Array, other: Uint8Array): string[] {
  const [ones, others] = [fieldsOf(one), fieldsOf(other)]
  return [...new Set([...ones.keys(), ...others.keys()])].filter((name) => {
    const [a, b] = [ones.get(name), others.get(name)]
    return a === undefined || b === undefined || Buffer.compare(a, b) !== 0
  })
}

/** Decides about whatever `migration` wrote, edited or not. */
export async function decideAll(store: Store, migration: string, decide: Decide): Promise<void> {
  for await (const images of store.before.walk(migration)) {
    for (const { collection, id } of images) decide(collection, nameId(id))
  }
}

/**
 * Forgets the images of documents that are as they were before: one of these that somebody edits to what the migration had written
 * counts as written otherwise, so that a next run passes it over and an undo takes the edit back.
 */
export async function forgetUnwritten(store: Store, migration: string, check: () => Promise<void>): Promise<void> {
  for await (const images of store.before.walk(migration)) {
    await check()
    const unwritten = (await withCurrent(store, images)).filter(
      ({ image, current }) => stateOf(image, current) === 'as-before',
    )
    for (const [collection, those] of Map.groupBy(unwritten, ({ image }) => image.collection)) {
      await store.before.forget(
        migration,
        collection,
        those.map(({ image }) => image.id),
      )
    }
  }
}

/**
 * Puts back every document that the migration wrote, byte for byte.
 * @throws Failure `refused` that lists the documents that someone edits meanwhile.
 */
export async function restoreDocuments(run: RestoreRun): Promise<void> {
  const open: string[] = []
  const prepared = new Set<string>()
  let done = 0
  for await (const images of run.store.before.walk(run.migration)) {
    run.signal.throwIfAborted()
    await run.check()
    for (const { collection } of images) {
      if (prepared.has(collection)) continue
      prepared.add(collection)
      await run.prepare(collection)
    }
    for (const { image, current } of await withCurrent(run.store, images)) {
      if (!(await putBack(run, image, current))) open.push(`${image.collection} ${nameId(image.id)}`)
    }
    done += images.length
    run.progress(done)
  }
  if (open.length > 0) throw undecided(run.migration, open)
}

/** @returns false when someone edited the document at this moment. */
async function putBack(run: RestoreRun, image: BeforeImage, current: Uint8Array | null): Promise<boolean> {
  const { collection, id, before } = image
  if (stateOf(image, current) === 'as-before') return true
  const decision = decisionOn(image, current, run.decide)
  if (decision !== 'restore') return decision === 'keep'
  return run.store.documents.put(collection, id, current && guardOfAll(current, before.length), before)
}

function decisionOn(image: BeforeImage, current: Uint8Array | null, decide: Decide): Decision | null {
  return stateOf(image, current) === 'edited' ? decide(image.collection, nameId(image.id)) : 'restore'
}

/** The documents as the undo of `migration` will leave them. */
async function afterUndoOf(store: Store, migration: string, decide: Decide, found: readonly Found[]): Promise<Found[]> {
  const newer = new Map<string, BeforeImage>()
  for (const [collection, those] of Map.groupBy(found, ({ image }) => image.collection)) {
    const ids = those.map(({ image }) => image.id)
    for (const image of await store.before.find(migration, collection, ids)) newer.set(keyOf(image), image)
  }
  return found.map(({ image, current }) => {
    const over = newer.get(keyOf(image))
    const isPutBack = over !== undefined && decisionOn(over, current, decide) === 'restore'
    return { image, current: isPutBack ? over.before : current }
  })
}

function keyOf({ collection, id }: Pick<BeforeImage, 'collection' | 'id'>): string {
  return `${collection} ${writeId(id)}`
}

function guardOfAll(bytes: Uint8Array, size: number): Document {
  const document = readDocument(bytes)
  return guardOf(bytes, document, [], Object.keys(document), size).guard
}

function stateOf({ before, writtenHash }: BeforeImage, current: Uint8Array | null): 'as-before' | 'written' | 'edited' {
  if (current === null) return 'edited'
  if (Buffer.compare(before, current) === 0) return 'as-before'
  return documentHash(fieldsOf(current)) === writtenHash ? 'written' : 'edited'
}

/** A document as it was, and as it is: null when it is not there. */
interface Found {
  image: BeforeImage
  current: Uint8Array | null
}

async function withCurrent(store: Store, images: readonly BeforeImage[]): Promise<Found[]> {
  const found = new Map<string, Uint8Array>()
  for (const collection of new Set(images.map((image) => image.collection))) {
    const ids = images.filter((image) => image.collection === collection).map(({ id }) => id)
    for (const bytes of await store.documents.find(collection, ids, {})) {
      found.set(keyOf({ collection, id: idOf(bytes) }), bytes)
    }
  }
  return images.map((image) => ({ image, current: found.get(keyOf(image)) ?? null }))
}

function undecided(migration: string, open: readonly string[]): Error {
  const named = open.slice(0, NAMED).join('\n')
  const more = open.length > NAMED ? `\nand ${open.length - NAMED} more` : ''
  return refused(
    `${migration}: ${open.length} documents were edited after it wrote them; decide for each: keep or restore\n${named}${more}`,
  )
}
