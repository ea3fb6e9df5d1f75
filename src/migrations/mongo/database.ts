import { setTimeout as delay } from 'node:timers/promises'
import type { MongoClient, MongoClientOptions } from 'mongodb'
import { z } from 'zod'
import type { Store } from '../store.ts'
import { clientsFor, connectTo, type DatabaseAddress } from './access.ts'
import { mongoBefore } from './before.ts'
import { mongoCatalog } from './catalog.ts'
import { mongoDocuments } from './documents.ts'
import { mongoLease } from './lease.ts'
import { mongoLedger } from './ledger.ts'
import { readOnly } from './read-only.ts'

/** Milliseconds to say goodbye. */
const CLOSE_LIMIT = 3000

const helloSchema = z.object({
  localTime: z.date(),
  setName: z.string().optional(),
  isWritablePrimary: z.boolean().optional(),
})

/** What kind of server answered: a standalone has no oplog and no transactions. */
interface Topology {
  replicaSet: string | null
  writable: boolean
}

function helloOf(heard: { reply: unknown; at: number } | null): { hello: z.infer<typeof helloSchema>; at: number } {
  if (heard === null) throw new Error('the driver connected without a hello')
  return { hello: helloSchema.parse(heard.reply), at: heard.at }
}

/** An open database; closed when it is disposed of. */
export interface OpenDatabase extends AsyncDisposable, Store {
  readonly topology: Topology
  /** Milliseconds that this machine's clock is ahead of the server's. */
  readonly clockAhead: number
}

/**
 * Connects and asks who is there. The engine's own calls and the author's go over separate connections, so that those of an author
 * can be cut without the ledger.
 * @throws Failure `unreachable` or `bad-input` as `connectTo` does.
 */
export async function openDatabase(address: DatabaseAddress, options: MongoClientOptions = {}): Promise<OpenDatabase> {
  const makeClient = await clientsFor(address, options)
  const client = makeClient()
  // What the driver hears as it connects; a question of our own would be one way more through a tunnel.
  let heard: { reply: unknown; at: number } | null = null
  client.once('serverHeartbeatSucceeded', ({ reply, duration }) => {
    heard = { reply, at: performance.now() - duration / 2 }
  })
  await connectTo(address, client)
  const { hello, at } = helloOf(heard)
  const db = client.db(address.database)
  // By the monotonic clock from here on: this machine's own may be wrong or jump.
  const now = () => new Date(hello.localTime.getTime() + Math.round(performance.now() - at))
  let author: MongoClient | null = null
  const abandon = async () => {
    const ended = author
    author = null
    // Its calls end at once; its goodbye may find nobody.
    if (ended !== null) await Promise.race([ended.close(true), delay(CLOSE_LIMIT, undefined, { ref: false })])
  }
  const close = async () => {
    await abandon()
    await client.close()
  }
  return {
    topology: { replicaSet: hello.setName ?? null, writable: hello.isWritablePrimary ?? true },
    clockAhead: Date.now() - now().getTime(),
    lease: mongoLease(db.collection('_migrations'), now),
    ledger: mongoLedger(db, now),
    documents: mongoDocuments(db),
    before: mongoBefore(db),
    catalog: mongoCatalog(db),
    db(access) {
      if (access === 'read') return readOnly(db)
      author ??= makeClient()
      return author.db(address.database)
    },
    abandon,
    async [Symbol.asyncDispose]() {
      await Promise.race([close(), delay(CLOSE_LIMIT, undefined, { ref: false })])
    },
  }
}
