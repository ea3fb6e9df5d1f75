// A database of a few collections in memory that answers what a replay asks, by the real driver's protocol, byte for byte.
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { BSON } from 'bson'
import { type Db, type Document, MongoClient } from 'mongodb'
import { documentOf, elementsOf, type RawElement } from '../../src/backup/raw-document.ts'
import { bodyOf, commandName, MessageReader, replyTo, request, requestIdOf } from '../lab/stand-ins/mongo/wire.ts'
import { sequencesOf } from '../lab/wire-command.ts'

/** What a collection is. */
interface Held {
  /** By the bytes of their `_id`, in the order in which they came. */
  documents: Map<string, Buffer>
  indexes: Document[]
  options: Document
  uuid: BSON.UUID
}

export class MemoryDatabase implements AsyncDisposable {
  readonly collections = new Map<string, Held>()
  /** Names of the commands that changed something, in their order. */
  readonly commands: string[] = []
  readonly #server: Server
  readonly #client: MongoClient
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, client: MongoClient) {
    this.#server = server
    this.#client = client
  }

  static async start(): Promise<MemoryDatabase> {
    let answering: MemoryDatabase | undefined
    const server = createServer((socket) => answering?.join(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('it does not listen')
    const client = new MongoClient(`mongodb://127.0.0.1:${address.port}/?directConnection=true`)
    answering = new MemoryDatabase(server, client)
    await client.connect()
    return answering
  }

  get db(): Db {
    return this.#client.db('side')
  }

  /** A collection with these documents. */
  hold(name: string, ...documents: Document[]): void {
    const held = documents.map((one) => Buffer.from(BSON.serialize(one)))
    this.collections.set(name, {
      ...{ documents: new Map(held.map((one) => [idOf(one), one])), indexes: [], options: {}, uuid: new BSON.UUID() },
    })
  }

  /** The documents of a collection, as hexadecimal bytes, whatever their order. */
  bytesOf(name: string): string[] {
    return [...this.#held(name).documents.values()].map((one) => one.toString('hex')).sort()
  }

  join(socket: Socket): void {
    this.#sockets.add(socket)
    const reader = new MessageReader()
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      for (const message of reader.push(chunk)) socket.write(this.#answer(message))
    })
  }

  #answer(message: Buffer): Buffer {
    const name = commandName(message)
    const body: Document = bodyOf(message)
    if (name === 'find') return found(message, this.#held(body.find).documents.get(idOf(serialized(body.filter))))
    const documents = sequencesOf(message)[0]?.documents ?? []
    return replyTo(message, this.#change(name, body, documents))
  }

  #change(name: string, body: Document, documents: readonly Buffer[]): Document {
    if (/^(hello|ismaster|isMaster)$/.test(name)) {
      const limits = { maxBsonObjectSize: 16777216, maxMessageSizeBytes: 48000000, maxWriteBatchSize: 100000 }
      return { ok: 1, isWritablePrimary: true, helloOk: true, minWireVersion: 0, maxWireVersion: 21, ...limits }
    }
    if (/^(ping|endSessions)$/.test(name)) return { ok: 1 }
    if (name === 'listCollections') {
      const wanted = body.filter?.name?.$in ?? (body.filter?.name === undefined ? null : [body.filter.name])
      const names = [...this.collections.keys()].filter((one) => wanted?.includes(one) ?? true)
      const firstBatch = names.map((one) => ({ name: one, type: 'collection', info: { uuid: this.#held(one).uuid } }))
      return { ok: 1, cursor: { id: BSON.Long.ZERO, ns: 'side.$cmd.listCollections', firstBatch } }
    }
    if (name === 'listIndexes') {
      const firstBatch = this.#held(body.listIndexes).indexes
      return { ok: 1, cursor: { id: BSON.Long.ZERO, ns: `side.${body.listIndexes}`, firstBatch } }
    }
    this.commands.push(name)
    const [about] = Object.values(body)
    if (name === 'create') {
      this.hold(about)
      return { ok: 1 }
    }
    if (name === 'renameCollection') {
      const [from, to] = [about, body.to].map((one) => String(one).replace(/^side\./, ''))
      this.collections.set(to ?? '', this.#held(from ?? ''))
      this.collections.delete(from ?? '')
      return { ok: 1 }
    }
    const held = this.#held(about)
    switch (name) {
      case 'insert':
        for (const one of documents) held.documents.set(idOf(one), Buffer.from(one))
        return { ok: 1, n: documents.length }
      case 'update':
        return { ok: 1, n: documents.filter((one) => this.#replace(held, partsOf(one))).length }
      case 'delete':
        return { ok: 1, n: documents.filter((one) => held.documents.delete(idOf(partsOf(one).q))).length }
      case 'drop':
        this.collections.delete(about)
        return { ok: 1 }
      case 'createIndexes':
        held.indexes.push(...body.indexes)
        return { ok: 1 }
      case 'collMod':
        held.options = { ...held.options, ...body }
        return { ok: 1 }
      default:
        return { ok: 0, code: 59, errmsg: `no such command: ${name}` }
    }
  }

  #replace({ documents }: Held, { q, u }: { q: Buffer; u: Buffer }): boolean {
    const id = idOf(q)
    if (!documents.has(id)) return false
    documents.set(id, Buffer.from(u))
    return true
  }

  #held(name: string): Held {
    const held = this.collections.get(String(name))
    if (held === undefined) throw new Error(`there is no collection ${name}`)
    return held
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

function serialized(document: Document): Buffer {
  return Buffer.from(BSON.serialize(document))
}

function idOf(document: Buffer): string {
  const id = elementsOf(document).find(({ name }) => name === '_id')
  return `${id?.type} ${id?.value.toString('hex')}`
}

/** The query and the document of an update. */
function partsOf(one: Buffer): { q: Buffer; u: Buffer } {
  const parts = new Map(elementsOf(one).map(({ name, value }) => [name, value]))
  return { q: parts.get('q') ?? Buffer.alloc(0), u: parts.get('u') ?? Buffer.alloc(0) }
}

/** An answer with a document as it lies here. */
function found(message: Buffer, document: Buffer | undefined): Buffer {
  const batch: RawElement[] = document === undefined ? [] : [{ name: '0', type: 3, value: document }]
  const empty = { cursor: { firstBatch: [], id: BSON.Long.ZERO, ns: 'side.any' }, ok: 1 }
  const body = elementsOf(serialized(empty)).map((one) =>
    one.name === 'cursor'
      ? {
          ...one,
          value: documentOf(
            elementsOf(one.value).map((part) =>
              part.name === 'firstBatch' ? { ...part, value: documentOf(batch) } : part,
            ),
          ),
        }
      : one,
  )
  const head = request(requestIdOf(message) + 1, {}).subarray(0, 21)
  const answer = Buffer.concat([head, documentOf(body)])
  answer.writeInt32LE(answer.length, 0)
  answer.writeInt32LE(requestIdOf(message), 8)
  return answer
}
