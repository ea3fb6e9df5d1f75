import { BSON, type Db, type Document, MongoServerError } from 'mongodb'
import { DocumentSequence } from 'mongodb/lib/cmap/commands.js'
import { z } from 'zod'
import { Failure } from '../lib/index.ts'
import { readBsonFile } from './bson-file.ts'
import { UNTOUCHED } from './definition.ts'
import { applyDiff, DoesNotFit } from './document-diff.ts'
import type { HeldTtl } from './held-ttl.ts'
import { type Operation, type OplogEntry, parseEntry, selecting, timeOf, Unreplayable } from './oplog-operations.ts'
import { type OplogTime, oplogInstant, oplogTimeText } from './oplog-time.ts'
import { documentOf } from './raw-document.ts'

/** Files with entries of an oplog, in the order of time; they may overlap. */
interface Slices {
  /** The database that the entries name. */
  database: string
  files: readonly string[]
  /** Entries after this… */
  from: OplogTime
  /** …and before this. */
  until: OplogTime
}

/** What there is to replay. */
export interface Survey {
  entries: number
  /** Transactions that had not ended: nothing of them was there. */
  unfinished: ReadonlySet<string>
}

/**
 * Reads through all of it and changes nothing.
 * @throws Failure `refused` that names what cannot be replayed, and until when it can
 */
export async function surveySlices(slices: Slices): Promise<Survey> {
  const unfinished = new Set<string>()
  let entries = 0
  for await (const { transaction } of entriesOf(slices)) {
    entries += 1
    if (transaction?.goesOn) unfinished.add(transaction.id)
    else if (transaction) unfinished.delete(transaction.id)
  }
  return { entries, unfinished }
}

async function* entriesOf({ database, files, from, until }: Slices): AsyncGenerator<OplogEntry & { time: OplogTime }> {
  let last = from
  for (const file of files) {
    for await (const lot of readBsonFile(file)) {
      for (const bytes of lot) {
        const time = timeOf(bytes)
        // Another slice had it.
        if (time <= last) continue
        if (time >= until) return
        last = time
        yield { time, ...parsed(bytes, database, time) }
      }
    }
  }
}

function parsed(bytes: Buffer, database: string, time: OplogTime): OplogEntry {
  try {
    return parseEntry(bytes, database)
  } catch (thrown) {
    if (!(thrown instanceof Unreplayable)) throw thrown
    throw new Failure(
      'refused',
      `the oplog tells of ${thrown.message}, which is not replayed: --to ${oplogInstant(time)} is the last that can be had`,
    )
  }
}

/** Inserts that are sent together: documents and bytes, about. */
const LOT_DOCUMENTS = 1000
const LOT_BYTES = 4 * 1024 * 1024

/**
 * Does to `db` what the entries tell, by the commands of anybody who may write, in their order. What lies there must be as it was at
 * `from`: what does not fit ends it.
 * @throws Failure `failed` that names the entry that does not fit
 */
export async function replaySlices(
  db: Db,
  slices: Slices,
  { unfinished, entries: all }: Survey,
  ttl: HeldTtl,
  signal: AbortSignal,
  onProgress: (line: string) => void,
): Promise<void> {
  const replay = new Replay(db, ttl)
  let done = 0
  for await (const { time, transaction, operations } of entriesOf(slices)) {
    signal.throwIfAborted()
    if (transaction === null || !unfinished.has(transaction.id)) {
      for (const operation of operations) await replay.add(operation, time)
    }
    done += 1
    if (done % LOT_DOCUMENTS === 0) onProgress(`replaying the oplog: ${done} of ${all} entries`)
  }
  await replay.flush()
}

type Insert = Extract<Operation, { kind: 'insert' }>

class Replay {
  readonly #db: Db
  readonly #ttl: HeldTtl
  /** Of one collection, not yet sent. */
  #inserts: Insert[] = []
  #bytes = 0
  #since: OplogTime = 0n

  constructor(db: Db, ttl: HeldTtl) {
    this.#db = db
    this.#ttl = ttl
  }

  async add(operation: Operation, time: OplogTime): Promise<void> {
    const [first] = this.#inserts
    const isFull = this.#inserts.length >= LOT_DOCUMENTS || this.#bytes >= LOT_BYTES
    if (operation.kind !== 'insert' || isFull || first?.collection !== operation.collection) await this.flush()
    if (operation.kind !== 'insert') return this.#at(time, operation, () => this.#apply(operation))
    if (this.#inserts.length === 0) this.#since = time
    // A copy: what was read is valid only until the next is asked for.
    this.#inserts.push({ ...operation, document: Buffer.from(operation.document) })
    this.#bytes += operation.document.length
  }

  /** Sends what is gathered. */
  async flush(): Promise<void> {
    const inserts = this.#inserts
    const [first] = inserts
    if (first === undefined) return
    this.#inserts = []
    this.#bytes = 0
    const documents = sequence(
      'documents',
      inserts.map(({ document }) => document),
    )
    await this.#at(this.#since, first, () => this.#write(inserts.length, { insert: first.collection, documents }))
  }

  async #apply(operation: Exclude<Operation, Insert>): Promise<void> {
    const { collection } = operation
    switch (operation.kind) {
      case 'replace':
        return this.#replace(collection, selecting(operation.id), operation.document)
      case 'patch': {
        const query = selecting(operation.id)
        return this.#replace(collection, query, applyDiff(await this.#find(collection, query), operation.diff))
      }
      case 'delete': {
        const one = documentOf([
          { name: 'q', type: DOCUMENT, value: selecting(operation.id) },
          { name: 'limit', type: INT, value: ONE },
        ])
        return this.#write(1, { delete: collection, deletes: sequence('deletes', [one]) })
      }
      case 'create':
        return this.#command({ create: collection, ...operation.options })
      case 'drop':
        this.#ttl.drop(collection)
        return this.#command({ drop: collection })
      case 'createIndexes':
        return this.#command({ createIndexes: collection, indexes: this.#ttl.hold(collection, operation.indexes) })
      case 'dropIndex':
        this.#ttl.dropIndex(collection, operation.index)
        return this.#command({ dropIndexes: collection, index: operation.index })
      case 'collMod':
        return this.#collMod(collection, operation.change)
      case 'rename': {
        const { to, dropsTarget } = operation
        this.#ttl.rename(collection, to)
        await this.#db.renameCollection(collection, to, { dropTarget: dropsTarget })
      }
    }
  }

  async #collMod(collection: string, { index, ...change }: Document): Promise<void> {
    const { expireAfterSeconds, ...rest } = index ?? {}
    if (expireAfterSeconds !== undefined) this.#ttl.change(collection, String(rest.name), expireAfterSeconds)
    // Beside the name of an index there may be nothing else to change.
    const kept = Object.keys(rest).length > 1 ? { ...change, index: rest } : change
    if (Object.keys(kept).length > 0) await this.#command({ collMod: collection, ...kept })
  }

  async #find(collection: string, query: Buffer): Promise<Buffer> {
    const found: unknown = await this.#db
      .collection(collection)
      .findOne(BSON.deserialize(query, UNTOUCHED), { raw: true })
    if (!(found instanceof Uint8Array)) throw new DoesNotFit('the document is not there')
    return Buffer.from(found.buffer, found.byteOffset, found.byteLength)
  }

  async #replace(collection: string, query: Buffer, document: Buffer): Promise<void> {
    const one = documentOf([
      { name: 'q', type: DOCUMENT, value: query },
      { name: 'u', type: DOCUMENT, value: document },
    ])
    return this.#write(1, { update: collection, updates: sequence('updates', [one]) })
  }

  /** A validator may be younger than a document, or was told to let it pass: the oplog tells what was written all the same. */
  async #write(count: number, command: Document): Promise<void> {
    const bypass = 'delete' in command ? {} : { bypassDocumentValidation: true }
    const { n, writeErrors } = writtenSchema.parse(await this.#db.command({ ...command, ordered: true, ...bypass }))
    if (writeErrors.length > 0) throw new DoesNotFit(`the server refuses it with code ${writeErrors[0]?.code}`)
    if (n !== count) throw new DoesNotFit('the document is not there')
  }

  async #command(command: Document): Promise<void> {
    await this.#db.command(command)
  }

  async #at(time: OplogTime, { kind, collection }: Operation, doing: () => Promise<void>): Promise<void> {
    try {
      await doing()
    } catch (thrown) {
      // The server's message may hold what stands in a document.
      const code = thrown instanceof MongoServerError ? `the server refuses it with code ${thrown.code}` : null
      const why = thrown instanceof DoesNotFit ? thrown.message : code
      if (why === null) throw thrown
      const what = `${kind} in ${collection} at ${oplogInstant(time)} (${oplogTimeText(time)})`
      throw new Failure('failed', `the oplog does not fit the backup: ${what}: ${why}`)
    }
  }
}

const DOCUMENT = 0x03
const INT = 0x10
const ONE = Buffer.from([1, 0, 0, 0])

const writtenSchema = z.object({
  n: z.number(),
  writeErrors: z.array(z.object({ code: z.number() })).default([]),
})

function sequence(field: string, documents: readonly Buffer[]): DocumentSequence {
  const all = new DocumentSequence(field)
  for (const document of documents) all.push({}, document)
  return all
}
