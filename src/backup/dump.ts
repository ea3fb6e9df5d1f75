import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  type ClientSession,
  type Db,
  type Document,
  type Filter,
  type MongoClient,
  MongoServerError,
  Timestamp,
} from 'mongodb'
import { Failure, messageOf, refused } from '../lib/index.ts'
import { BsonFileWriter } from './bson-file.ts'
import { Collecting } from './collecting.ts'
import { ContentHash } from './content-hash.ts'
import type { DatabaseContents, DumpedCollection, LeftOut, Moment } from './contents.ts'
import { serverFacts } from './database.ts'
import { type Definition, definitionDifferences, metadataText, readDefinitions } from './definition.ts'
import { HighWaterMark } from './high-water.ts'

interface DumpRequest {
  client: MongoClient
  database: string
  /** An existing directory; the dump is made in `<directory>/<database>`, which must not exist. */
  directory: string
  signal: AbortSignal
  /** Called while it works, at every lot of documents. */
  onProgress?: (collection: string, documents: number, bytes: number) => void
}

type Dump = Omit<DatabaseContents, 'service' | 'seconds' | 'oplog'>

/**
 * Writes a database to a directory as the stock tools lay it out, raw, and counts and hashes each collection in the same pass.
 * Memory does not depend on its size.
 * @throws Failure `refused` for what cannot be carried, by name; `error` when the disk is full or a definition changed meanwhile. Nothing of the dump is left then.
 */
export async function dumpDatabase(request: DumpRequest): Promise<Dump> {
  const target = join(request.directory, request.database)
  await mkdir(target, { mode: 0o700 })
  try {
    return await dumpInto(target, request)
  } catch (thrown) {
    await rm(target, { recursive: true, force: true })
    throw explain(thrown, target)
  }
}

async function dumpInto(target: string, request: DumpRequest): Promise<Dump> {
  const { client, database, signal } = request
  const db = client.db(database)
  const server = await serverFacts(client)
  const definitions = await readDefinitions(db)
  if (definitions.length === 0) throw refused(`the database ${database} holds no collection: is this its name?`)
  refuseUncarried(definitions)
  const from = new Date().toISOString()
  await using snapshot = await openSnapshot(client, db, definitions, server.topology)
  const collections: DumpedCollection[] = []
  for (const definition of definitions) {
    signal.throwIfAborted()
    collections.push(await dumpCollection(db, definition, target, request, snapshot?.session))
  }
  await refuseChanged(db, definitions)
  const moment: Moment = snapshot
    ? { kind: 'snapshot', clusterTime: snapshot.clusterTime }
    : { kind: 'span', from, to: new Date().toISOString(), why: noSnapshot(server.topology) }
  return { database, server, moment, collections, leftOut: await findLeftOut(client, database) }
}

/** The longest part of a file name that every file system takes, less our endings. */
const LONGEST_NAME = 230

function refuseUncarried(definitions: readonly Definition[]): void {
  const reasons = definitions.flatMap(({ name, type }) => {
    if (type === 'timeseries') return [`${name} is a time series collection, which is not carried`]
    if (fileName(name).length > LONGEST_NAME) return [`the name ${name} is too long for a file`]
    return []
  })
  if (reasons.length > 0) throw refused(`no backup without loss: ${reasons.join('; ')}`)
}

/** The stock tools read the escaped name back. */
export function fileName(collection: string): string {
  return encodeURIComponent(collection)
}

interface Snapshot extends AsyncDisposable {
  session: ClientSession
  clusterTime: string
}

/** One snapshot over all collections, where the server gives one: only its answer with a cluster time is proof. */
async function openSnapshot(
  client: MongoClient,
  db: Db,
  definitions: readonly Definition[],
  topology: string,
): Promise<Snapshot | null> {
  const first = definitions.find(({ type }) => type === 'collection')
  if (topology === 'standalone' || first === undefined) return null
  const session = client.startSession({ snapshot: true })
  const answer = await db.command({ find: first.name, limit: 1, singleBatch: true }, { session })
  const time: unknown = answer.cursor?.atClusterTime ?? answer.atClusterTime
  if (time instanceof Timestamp) {
    return {
      session,
      clusterTime: `${time.getHighBitsUnsigned()}.${time.getLowBitsUnsigned()}`,
      [Symbol.asyncDispose]: () => session.endSession(),
    }
  }
  await session.endSession()
  return null
}

function noSnapshot(topology: string): string {
  return topology === 'standalone'
    ? 'the server is no member of a replica set, which alone can read all collections as of one moment'
    : 'the server gave no cluster time for a snapshot'
}

async function dumpCollection(
  db: Db,
  definition: Definition,
  target: string,
  { signal, onProgress }: DumpRequest,
  session: ClientSession | undefined,
): Promise<DumpedCollection> {
  const started = performance.now()
  const { name, type } = definition
  const metadata = metadataText(definition)
  await writeFile(join(target, `${fileName(name)}.metadata.json`), metadata, { mode: 0o600 })
  const hash = new ContentHash()
  const newest = new HighWaterMark()
  let count = 0
  let bytes = 0
  // A view has no documents of its own.
  if (type !== 'view') {
    const file = await BsonFileWriter.create(join(target, `${fileName(name)}.bson`))
    try {
      for await (const lot of readRaw(db, name, session, signal)) {
        for (const document of lot) {
          hash.add(document)
          newest.add(document)
          bytes += document.length
          const room = file.add(document)
          if (room !== null) await room
        }
        count += lot.length
        onProgress?.(name, count, bytes)
      }
      await file.finish()
    } catch (thrown) {
      await file.abandon()
      throw thrown
    }
  }
  const seconds = (performance.now() - started) / 1000
  return { name, type, metadata, count, bytes, hash: hash.hex, newest: newest.value, seconds }
}

/** The documents of a collection that fit a filter, as the server sent them, in its natural order, a lot per answer of the server. */
export async function* readRaw(
  db: Db,
  collection: string,
  session: ClientSession | undefined,
  signal: AbortSignal,
  filter: Filter<Document> = {},
): AsyncGenerator<Buffer[]> {
  const cursor = db
    .collection(collection)
    .find(filter, { raw: true, batchSize: LOT, signal, ...(session === undefined ? {} : { session }) })
  const collecting = new Collecting()
  try {
    let more = cursor.hasNext()
    while (await more) {
      const lot = cursor.readBufferedDocuments().map(asRaw)
      const bytes = lot.reduce((sum, document) => sum + document.length, 0)
      const isSmall = bytes <= READ_AHEAD
      // The server reads on while the caller works on these; two lots of large documents would be too much memory.
      if (isSmall) more = cursor.hasNext()
      more.catch(() => undefined)
      // The question is on its way before the documents are worked on.
      if (isSmall) await setImmediate()
      yield lot
      lot.length = 0
      collecting.passed(bytes)
      if (!isSmall) more = cursor.hasNext()
    }
  } finally {
    await cursor.close()
  }
}

/** Documents per answer; a server cuts it at 16 MiB. */
const LOT = 5000
/** Bytes of an answer up to which the next one is asked for already. */
const READ_AHEAD = 4 * 1024 * 1024

function asRaw(document: unknown): Buffer {
  if (!(document instanceof Uint8Array)) throw new Error('the driver decoded a document that was asked for raw')
  return Buffer.from(document.buffer, document.byteOffset, document.byteLength)
}

/** Metadata and documents must belong together: the lock keeps migrations out, and this sees anyone else. */
async function refuseChanged(db: Db, before: readonly Definition[]): Promise<void> {
  const after = new Map((await readDefinitions(db)).map((one) => [one.name, one]))
  const lines = before.flatMap((one) => {
    const now = after.get(one.name)
    return now === undefined ? [`${one.name}: was dropped`] : definitionDifferences(one, now)
  })
  const known = new Set(before.map(({ name }) => name))
  lines.push(...[...after.keys()].filter((name) => !known.has(name)).map((name) => `${name}: was added`))
  if (lines.length > 0) throw new Failure('error', `the database was changed during its backup: ${lines.join('; ')}`)
}

const OWN_DATABASES = new Set(['admin', 'config', 'local'])

/** What lies on the server and is not in the dump. */
async function findLeftOut(client: MongoClient, database: string): Promise<LeftOut[]> {
  const users = 'they are made by the stack from its secrets when the database is new'
  const left: LeftOut[] = [{ what: 'users and roles of the database', why: users }]
  try {
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true })
    for (const { name } of databases) {
      if (name !== database && !OWN_DATABASES.has(name)) {
        left.push({ what: `database ${name}`, why: `only ${database} belongs to the stack` })
      }
    }
  } catch (thrown) {
    left.push({ what: 'other databases', why: `they could not be listed: ${messageOf(thrown)}` })
  }
  return left
}

const SNAPSHOT_TOO_OLD = 239

function explain(thrown: unknown, target: string): unknown {
  if (thrown instanceof MongoServerError && thrown.code === SNAPSHOT_TOO_OLD) {
    const limit =
      'raise MONGODB_SNAPSHOT_SECONDS in .env (minSnapshotHistoryWindowInSeconds of mongod) above the time that a dump takes'
    return new Failure('error', `the server no longer holds the snapshot that the dump reads: ${limit}`)
  }
  return diskFull(thrown, target)
}

/** One clear line for a full disk; anything else comes back as it is. */
export function diskFull(thrown: unknown, path: string): unknown {
  const full = thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOSPC' || thrown.code === 'EDQUOT')
  return full ? new Failure('error', `the disk is full at ${path}: free some room and ask again`) : thrown
}
