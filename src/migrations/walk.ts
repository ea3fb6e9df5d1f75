import { setTimeout as delay } from 'node:timers/promises'
import { BSON, type Document } from 'mongodb'
import { badInput, refused } from '../lib/index.ts'
import {
  changeFields,
  documentHash,
  fieldsOf,
  idOf,
  isWritable,
  nameId,
  readDocument,
  readId,
  writeId,
} from './bson-document.ts'
import { effectiveChange, guardOf, guardOfAny, hasChange, isRepeatable, showsChange } from './change.ts'
import { isConnectionLoss } from './connection-loss.ts'
import type { BatchesDeclaration } from './definition.ts'
import type { Walk } from './ledger.ts'
import { lossOf } from './loss.ts'
import { type Reading, readingAll } from './reading.ts'
import type { BeforeImage, DocumentUpdate, Store } from './store.ts'

/** What a walk needs of the run it is part of. */
interface WalkRun {
  migration: string
  store: Store
  signal: AbortSignal
  /** Checks the lease; called before each batch. */
  check(): Promise<void>
  /** Records how far it came; checks the lease. */
  record(walk: Walk): Promise<void>
  /** Documents written, documents seen in this pass, and about how many there are. */
  progress(done: number, seen: number, total: number): void
}

const MOST_SWEEPS = 5
const MOST_ATTEMPTS = 10

/**
 * Changes the documents of one declaration, batch by batch from where an earlier run stopped, then sweeps from the first `_id` until
 * nothing is left: what an old release wrote meanwhile is found, also below the cursor.
 * @throws Failure `refused` when documents are edited faster than they are changed.
 */
export async function walkDocuments(run: WalkRun, declaration: BatchesDeclaration, from: Walk | null): Promise<void> {
  checkDeclaration(declaration)
  const { collection, filter = {} } = declaration
  const { documents } = run.store
  const walk: Walk = { ...(from ?? { after: null, done: 0, finished: false }) }
  const pass = new Pass(run, declaration, walk)
  if (!walk.finished) {
    const { seen } = await pass.go(walk.after === null ? null : { id: readId(walk.after) }, true)
    // Nothing from the first `_id` on is what a sweep would say.
    if (seen === 0 && walk.after === null) return
  }
  for (let sweep = 0; await documents.matches(collection, filter); sweep += 1) {
    if (sweep === MOST_SWEEPS) {
      throw refused(`${collection}: documents of the old shape keep coming; end the release that writes them first`)
    }
    if ((await pass.go(null, false)).written === 0) break
  }
  await run.record({ ...walk, finished: true })
}

interface Pending {
  bytes: Uint8Array
  update: DocumentUpdate
  /** What its before-image holds: `bytes`, or what the one that is kept held already. */
  before: Uint8Array
  /** Of the document as it will be; empty without before-images, and where the undo shall list it as edited. */
  hash: string
}

class Pass {
  readonly #run: WalkRun
  readonly #declaration: BatchesDeclaration
  readonly #walk: Walk
  readonly #read: Reading
  #total: number | null = null
  /** Seen on a first batch: enough, since `change` is pure. */
  #repeatable = false

  constructor(run: WalkRun, declaration: BatchesDeclaration, walk: Walk) {
    this.#run = run
    this.#declaration = declaration
    this.#walk = walk
    const { change, reads } = declaration
    this.#read = reads === undefined ? readingAll(change) : (document) => ({ change: change(document), reads })
  }

  /** @param first whether no pass went before. @returns how many documents it wrote, and how many it met. */
  async go(after: { id: unknown } | null, first: boolean): Promise<{ written: number; seen: number }> {
    const { collection, filter = {}, size = 1000, pause = 0, beforeImages = true } = this.#declaration
    const { documents, before } = this.#run.store
    const fields = this.#fetched()
    let isFresh: boolean | null = first && beforeImages ? null : false
    const pass = { written: 0, seen: 0 }
    let last: Promise<void> = Promise.resolve()
    try {
      for await (const batch of documents.walk(collection, { filter, after, size, fields })) {
        this.#run.signal.throwIfAborted()
        await this.#run.check()
        this.#total ??= await documents.estimate(collection)
        // Not by the ledger: a run that died in its first batch kept images before it recorded anything.
        isFresh ??= !(await before.has(this.#run.migration))
        const previous = last
        last = this.#finish(batch, this.#change(batch, isFresh), previous, pass)
        last.catch(() => undefined)
        // The next one begins while this one is written; with a pause there is nothing to win.
        await (pause > 0 ? last : previous)
        if (pause > 0) await delay(pause, undefined, { signal: this.#run.signal })
      }
      await last
    } finally {
      // Nothing of a pass goes on after its end.
      await last.catch(() => undefined)
    }
    return pass
  }

  /** Records a batch once it and all before it are written. */
  async #finish(
    batch: readonly Uint8Array[],
    change: Promise<number>,
    previous: Promise<void>,
    pass: { written: number; seen: number },
  ): Promise<void> {
    // Both are waited for, also when one fails.
    await Promise.allSettled([change, previous])
    await previous
    const written = await change
    pass.written += written
    pass.seen += batch.length
    this.#repeatable = true
    this.#walk.done += written
    const last = batch.at(-1)
    if (last !== undefined) this.#walk.after = writeId(idOf(last))
    await this.#run.record(this.#walk)
    this.#run.progress(this.#walk.done, pass.seen, this.#total ?? 0)
  }

  /** Changes one batch; documents that someone edits meanwhile are read again. */
  async #change(batch: readonly Uint8Array[], fresh: boolean): Promise<number> {
    const { collection, beforeImages = true } = this.#declaration
    const { before } = this.#run.store
    let written = 0
    let left = batch
    for (let attempt = 0; left.length > 0; attempt += 1) {
      if (attempt === MOST_ATTEMPTS) {
        throw refused(`${collection}: ${left.length} documents are edited faster than they are changed`)
      }
      const isFresh = fresh && attempt === 0
      const images = beforeImages && !isFresh ? await this.#imagesOf(left) : null
      // What is read again is read whole.
      const fetched = attempt === 0 ? this.#fetched() : null
      const pending = left.flatMap((bytes) => this.#pendingOf(bytes, images, fetched))
      if (pending.length === 0) break
      if (beforeImages)
        await before.save(
          pending.map((one) => this.#imageOf(one)),
          isFresh,
        )
      const matched = await this.#write(pending)
      written += matched
      left = matched === pending.length ? [] : await this.#missed(pending)
    }
    return written
  }

  async #write(pending: readonly Pending[]): Promise<number> {
    const { collection, beforeImages = true } = this.#declaration
    try {
      const updates = pending.map(({ update }) => update)
      return await this.#run.store.documents.update(collection, updates)
    } catch (thrown) {
      const isRefusal = !this.#run.signal.aborted && !isConnectionLoss(thrown)
      if (isRefusal && beforeImages) await this.#forgetUnwritten(pending).catch(() => undefined)
      throw thrown
    }
  }

  /** After a refusal: whoever mends a document that was not written has not edited what a migration wrote. */
  async #forgetUnwritten(pending: readonly Pending[]): Promise<void> {
    const { collection } = this.#declaration
    const { documents, before } = this.#run.store
    await this.#run.check()
    const ids = pending.map(({ update }) => update.id)
    const now = new Map((await documents.find(collection, ids, {})).map((bytes) => [keyOf(bytes), bytes]))
    const unwritten = pending.filter(({ bytes, before: kept }) => {
      const found = now.get(keyOf(bytes))
      return kept === bytes && found !== undefined && Buffer.compare(found, bytes) === 0
    })
    await before.forget(
      this.#run.migration,
      collection,
      unwritten.map(({ update }) => update.id),
    )
  }

  /** The fields that a walk fetches of each document, null for all. */
  #fetched(): readonly string[] | null {
    const { reads, beforeImages = true } = this.#declaration
    return beforeImages ? null : (reads ?? null)
  }

  #pendingOf(
    bytes: Uint8Array,
    images: ReadonlyMap<string, BeforeImage> | null,
    fetched: readonly string[] | null,
  ): Pending[] {
    const { change, beforeImages = true } = this.#declaration
    const document = readDocument(bytes)
    const id = idOf(bytes, document)
    const image = images?.get(writeId(id))
    const fields = beforeImages ? fieldsOf(bytes) : null
    // Written already, before a crash: a second change would be one too many.
    if (image && fields && documentHash(fields) === image.writtenHash) return []
    const { change: asked, reads } = this.#read(document)
    const effective = effectiveChange(asked, document, fetched)
    if (effective === null) return []
    this.#requireStorable(id, effective.set)
    const isEdited = image !== undefined && Buffer.compare(image.before, bytes) !== 0
    if (isEdited || (!beforeImages && !this.#repeatable)) this.#requireRepeatable(document, effective)
    if (beforeImages) this.#requireWritable(bytes, id, document)
    const { set, unset } = effective
    const changed = [...Object.keys(set), ...unset.filter((name) => Object.hasOwn(document, name))]
    const { guard, size } = guardOf(bytes, document, reads, changed, BSON.calculateObjectSize(set))
    // Nothing but fields that were not fetched: a document that has none of them is not changed.
    if (changed.length === 0) Object.assign(guard, guardOfAny(unset))
    const update = { id, guard, set, unset, size }
    // Neither old nor written: a person decides, from what it was at first.
    if (isEdited && showsChange(change, image, bytes)) return [{ bytes, update, before: image.before, hash: '' }]
    const hash = fields ? documentHash(changeFields(fields, set, unset)) : ''
    return [{ bytes, update, before: bytes, hash }]
  }

  #requireStorable(id: unknown, set: Document): void {
    for (const [name, value] of Object.entries(set)) {
      const loss = lossOf(value, name)
      if (loss === null) continue
      throw refused(
        `${this.#declaration.collection} ${nameId(id)}: change sets ${loss.path} to ${loss.what}, which the database cannot hold: leave the field out, or write null`,
      )
    }
  }

  #requireWritable(bytes: Uint8Array, id: unknown, document: Document): void {
    const lost = Object.keys(document).find((name) => !isWritable(bytes, name, document[name]))
    if (lost === undefined) return
    throw refused(
      `${this.#declaration.collection} ${nameId(id)}: the driver cannot write its field ${lost} back as it is, so that no undo could: mend it, or say beforeImages: false`,
    )
  }

  #requireRepeatable(document: Document, effective: { set: Document; unset: string[] }): void {
    const { collection, change } = this.#declaration
    if (isRepeatable(change, document, effective)) return
    throw refused(
      `${collection}: a second change of a document would change it again, and after a cut nothing tells which were done: return null for a document that is done`,
    )
  }

  #imageOf({ before, update, hash }: Pending): BeforeImage {
    const { migration } = this.#run
    return { migration, collection: this.#declaration.collection, id: update.id, before, writtenHash: hash }
  }

  async #imagesOf(batch: readonly Uint8Array[]): Promise<Map<string, BeforeImage>> {
    const ids = batch.map((bytes) => idOf(bytes))
    const images = await this.#run.store.before.find(this.#run.migration, this.#declaration.collection, ids)
    return new Map(images.map((image) => [writeId(image.id), image]))
  }

  /** The documents that were not written, as they are now and as far as they are still to be changed. */
  async #missed(pending: readonly Pending[]): Promise<Uint8Array[]> {
    const { collection, filter = {}, beforeImages = true } = this.#declaration
    const { documents, before } = this.#run.store
    // Whoever took over meanwhile has written them, and needs their images.
    await this.#run.check()
    const ids = pending.map(({ update }) => update.id)
    const now = new Map((await documents.find(collection, ids, {})).map((bytes) => [keyOf(bytes), bytes]))
    const matching = new Set((await documents.find(collection, ids, filter)).map(keyOf))
    const left: Uint8Array[] = []
    const gone: unknown[] = []
    for (const { update, bytes: read, before: kept } of pending) {
      const key = writeId(update.id)
      const bytes = now.get(key)
      if (bytes !== undefined && hasChange(bytes, update)) continue
      if (bytes !== undefined && matching.has(key)) left.push(bytes)
      else if (kept === read) gone.push(update.id)
    }
    if (beforeImages && gone.length > 0) await before.forget(this.#run.migration, collection, gone)
    return left
  }
}

function keyOf(bytes: Uint8Array): string {
  return writeId(idOf(bytes))
}

function checkDeclaration({ collection, size = 1000 }: BatchesDeclaration): void {
  if (collection === '' || collection.startsWith('_migrations')) {
    throw badInput(`batches: "${collection}" is no collection of the application`)
  }
  if (!Number.isInteger(size) || size < 1 || size > 10_000) {
    throw badInput(`batches: size is ${size}; allowed are 1 to 10000`)
  }
}
