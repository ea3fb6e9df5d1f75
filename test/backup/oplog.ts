// An oplog as a member of a replica set keeps it, told by a test that says what was done: for the lab's database, whose own is empty.
import { type Document, Long, type MongoClient, Timestamp, UUID } from 'mongodb'
import { PLANTED } from './member.ts'

/** Writes entries in the documented format, at the time of the clock. */
export class PlantedOplog {
  readonly #client: MongoClient
  readonly #database: string
  #seconds = 0
  #increment = 0
  readonly #ui = new UUID().toBinary()

  private constructor(client: MongoClient, database: string) {
    this.#client = client
    this.#database = database
  }

  /** @param client of a user that may write anything */
  static async begin(client: MongoClient, database: string): Promise<PlantedOplog> {
    const planted = new PlantedOplog(client, database)
    await planted.noop()
    return planted
  }

  /** The time of the last entry. */
  get time(): Timestamp {
    return new Timestamp({ t: this.#seconds, i: this.#increment })
  }

  /** As the server does when its oplog is full. */
  async forget(): Promise<void> {
    await this.#all.deleteMany({})
    await this.noop()
  }

  noop(): Promise<void> {
    return this.entry({ op: 'n', ns: '', o: { msg: 'periodic noop' } })
  }

  insert(collection: string, o: Document): Promise<void> {
    return this.entry(this.op('i', collection, o, { _id: o._id }))
  }

  /** @param o `{ $v: 2, diff }`, or a whole document */
  update(collection: string, _id: unknown, o: Document): Promise<void> {
    return this.entry(this.op('u', collection, o, { _id }))
  }

  delete(collection: string, _id: unknown): Promise<void> {
    return this.entry(this.op('d', collection, { _id }))
  }

  command(o: Document): Promise<void> {
    return this.entry(this.op('c', '$cmd', o))
  }

  op(op: string, collection: string, o: Document, o2?: Document): Document {
    return { op, ns: `${this.#database}.${collection}`, ui: this.#ui, o, ...(o2 === undefined ? {} : { o2 }) }
  }

  /** A transaction in as many entries as there are lists of operations. */
  async transaction(...parts: Document[][]): Promise<void> {
    const session = { lsid: { id: new UUID().toBinary() }, txnNumber: Long.fromNumber(1) }
    for (const [index, applyOps] of parts.entries()) {
      const o = { applyOps, ...(index === parts.length - 1 ? { count: Long.fromNumber(2) } : { partialTxn: true }) }
      await this.entry({ ...session, op: 'c', ns: 'admin.$cmd', o })
    }
  }

  /** The first entry of a transaction whose last was not written. */
  begun(applyOps: Document[]): Promise<void> {
    const session = { lsid: { id: new UUID().toBinary() }, txnNumber: Long.fromNumber(2) }
    return this.entry({ ...session, op: 'c', ns: 'admin.$cmd', o: { applyOps, partialTxn: true } })
  }

  async entry(fields: Document): Promise<void> {
    const now = Math.floor(Date.now() / 1000)
    this.#increment = now > this.#seconds ? 1 : this.#increment + 1
    this.#seconds = Math.max(now, this.#seconds)
    await this.#all.insertOne({ ...fields, ts: this.time, t: Long.ONE, v: Long.fromNumber(2), wall: new Date() })
  }

  get #all() {
    return this.#client.db(PLANTED).collection('oplog.rs')
  }
}
