import { rm } from 'node:fs/promises'
import { type MongoClient, MongoServerError, Timestamp } from 'mongodb'
import { z } from 'zod'
import { BsonFileWriter } from './bson-file.ts'
import type { OplogContents } from './contents.ts'
import { readRaw } from './dump.ts'
import { type OplogTime, oplogInstant, oplogTimeText, startOfSecond } from './oplog-time.ts'

interface CaptureRequest {
  client: MongoClient
  /** Entries that do not concern it are left out. */
  database: string
  /** What comes after this… */
  from: OplogTime
  /** …up to this, itself included. */
  to: OplogTime
  /** Is made, as `oplog.bson` of the stock tools. */
  file: string
  /** Bytes that it may have. */
  room: number
  signal: AbortSignal
}

const OPLOG = 'oplog.rs'
const UNAUTHORIZED = 13
/** CappedPositionLost: the server dropped what was being read. */
const POSITION_LOST = 136

/**
 * Copies what an oplog holds of a database between two moments.
 * @returns what was kept, or why nothing was; the file is there only if something was
 */
export async function captureOplog(request: CaptureRequest): Promise<OplogContents> {
  const { from, file } = request
  try {
    const kept = await copy(request)
    // Looked at last: what was dropped meanwhile, while it was read, is missing as well.
    const oldest = await oldestIn(request.client)
    if (kept !== null && oldest !== null && oldest <= from) return kept
    await rm(file, { force: true })
    if (kept === null) return none(`it is longer than the ${mib(request.room)} MiB that are left for it`)
    if (oldest === null) return none('the server keeps no oplog')
    return none(`the server keeps it only from ${oplogInstant(oldest)} on, after ${oplogInstant(from)}`)
  } catch (thrown) {
    await rm(file, { force: true })
    if (!(thrown instanceof MongoServerError)) throw thrown
    if (thrown.code === UNAUTHORIZED) return none(MAY_NOT_READ)
    if (thrown.code === POSITION_LOST) return none('the server dropped entries while they were read')
    throw thrown
  }
}

const MAY_NOT_READ = 'the user of backups may not read local.oplog.rs: give it the role backup'

function none(why: string): OplogContents {
  return { kind: 'none', why }
}

function mib(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2)
}

/** @returns null where it has no room */
async function copy({ client, database, from, to, file, room, signal }: CaptureRequest): Promise<OplogContents | null> {
  const out = await BsonFileWriter.create(file)
  let entries = 0
  let bytes = 0
  try {
    const filter = {
      ts: { $gt: new Timestamp(from), $lte: new Timestamp(to) },
      // A transaction is one entry, whatever databases it changes.
      ns: { $regex: `^(${escaped(database)}\\.|admin\\.\\$cmd$)` },
    }
    for await (const lot of readRaw(client.db('local'), OPLOG, undefined, signal, filter)) {
      for (const entry of lot) {
        bytes += entry.length
        if (bytes > room) {
          await out.abandon()
          return null
        }
        const wait = out.add(entry)
        if (wait !== null) await wait
      }
      entries += lot.length
    }
    await out.finish()
  } catch (thrown) {
    await out.abandon()
    throw thrown
  }
  return { kind: 'kept', from: oplogTimeText(from), to: oplogTimeText(to), entries, bytes }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

async function oldestIn(client: MongoClient): Promise<OplogTime | null> {
  const first = await client
    .db('local')
    .collection(OPLOG)
    .findOne({}, { projection: { ts: 1 } })
  return first?.ts instanceof Timestamp ? first.ts.toBigInt() : null
}

/** What a live server can tell of what happened on it. */
export type OplogWindow =
  /** From `oldest` on without a gap; nothing will be written before `now` any more. */
  { kind: 'there'; oldest: OplogTime; now: OplogTime } | { kind: 'none'; why: string }

const helloSchema = z.object({
  setName: z.string().optional(),
  localTime: z.date(),
  lastWrite: z.object({ majorityOpTime: z.object({ ts: z.instanceof(Timestamp) }) }).optional(),
})
/** Milliseconds in which a write that has its time becomes visible, or fails. */
const SETTLED = 10_000

/** @param client of a user that may read the oplog */
export async function oplogWindow(client: MongoClient): Promise<OplogWindow> {
  const { setName, localTime, lastWrite } = helloSchema.parse(await client.db('admin').command({ hello: 1 }))
  if (setName === undefined) return { kind: 'none', why: 'it is no member of a replica set and keeps no oplog' }
  try {
    const oldest = await oldestIn(client)
    if (oldest === null) return { kind: 'none', why: 'its oplog is empty' }
    const settled = startOfSecond(new Date(localTime.getTime() - SETTLED))
    const written = lastWrite?.majorityOpTime.ts.toBigInt() ?? 0n
    return { kind: 'there', oldest, now: written > settled ? written : settled }
  } catch (thrown) {
    if (!(thrown instanceof MongoServerError) || thrown.code !== UNAUTHORIZED) throw thrown
    return { kind: 'none', why: MAY_NOT_READ }
  }
}
