// What migrations meet on the real database beside cuts: other writers, another owner, documents that a server refuses, files that are
// not those that ran, a server that is another. What only a mongod can show stands at the end.

import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect as connectSocket, createServer as createTunnel } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { type Collection, type Db, type Document, Long } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type ApplyOptions,
  applyMigrations,
  type BatchesDeclaration,
  type CollectionDeclaration,
  loadMigrations,
  type Migration,
  type MigrationDefinition,
  type OpenDatabase,
  openDatabase,
  type Phase,
  planMigrations,
  readLedger,
  undoTo,
} from '../../src/migrations/index.ts'
import { sha256 } from '../../src/release/index.ts'
import { CertificateAuthority } from '../lab/certificates.ts'
import { type Database, startDatabase, startWire, type Wire } from '../lab/index.ts'
import { addressOf, clear, contentOf, passLease, sampleFolder } from '../migrations/site.ts'

let database: Database
let root: Db
let wire: Wire
let opened: OpenDatabase

const signal = new AbortController().signal
const common = { run: 'run', actor: 'octocat', host: 'runner', signal, onEvent: () => undefined }
/** `fresh` 0: a lease that is taken away is seen at once. */
const LEASE = { ttl: 30_000, wait: 0, fresh: 0 }

beforeAll(async () => {
  database = await startDatabase()
  root = (await database.connect('root')).db('pacs')
  wire = await startWire(database)
  opened = await openDatabase(addressOf(database, wire))
})
beforeEach(() => clear(root))
afterAll(async () => {
  await opened?.[Symbol.asyncDispose]()
  await wire?.[Symbol.asyncDispose]()
  await database?.down()
})

function migration(definition: MigrationDefinition, id = '001_x'): Migration {
  return { id, sha256: sha256(id), phase: definition.phase, definition }
}

/** A data migration of one walk over `x`. */
function walking(walk: Partial<BatchesDeclaration> & Pick<BatchesDeclaration, 'change'>): Migration {
  return migration({
    phase: 'data',
    description: 'x',
    up: ({ batches }) => batches({ collection: 'x', size: 10, ...walk }),
    down: ({ batches }) => batches.restore(),
    check: async () => true,
  })
}

/** Each document one more: done twice it shows. */
const counting = () => walking({ change: ({ n }) => ({ set: { n: n + 1 } }) })

function apply(
  store: OpenDatabase,
  migrations: readonly Migration[],
  phase: Phase,
  options: Partial<ApplyOptions> = {},
) {
  return applyMigrations(store, migrations, { ...common, phase, lease: LEASE, ...options })
}

/** `opened`, where `before` happens ahead of each batch that is written. */
function withBefore(before: (batch: number, ids: readonly unknown[]) => Promise<void>): OpenDatabase {
  let batch = 0
  const { documents } = opened
  const update: typeof documents.update = async (collection, updates) => {
    batch += 1
    await before(
      batch,
      updates.map(({ id }) => id),
    )
    return documents.update(collection, updates)
  }
  return { ...opened, documents: { ...documents, update } }
}

async function putX(count: number): Promise<void> {
  await root.collection('x').insertMany(Array.from({ length: count }, (_, n): Document => ({ _id: n, n })))
}

async function valuesOf(collection: Collection): Promise<number[]> {
  return (await collection.find().sort({ _id: 1 }).toArray()).map(({ n }) => Number(n))
}

/** As long as a report may be. */
const longText = (n: number) => `text ${n} `.repeat(800)

describe('others', () => {
  it('that take over in the middle of a batch finish; the first owner wakes, changes nothing twice and stops', async () => {
    await putX(40)
    const before = await contentOf(root)
    const asleep = Promise.withResolvers<void>()
    const awake = Promise.withResolvers<void>()
    const sleepy = withBefore(async (batch) => {
      if (batch > 2) return
      // Two batches are under way, and a process sleeps with all that it does.
      if (batch === 2) asleep.resolve()
      await asleep.promise
      if (batch === 2) await awake.promise
      else {
        await passLease(root)
        await using other = await openDatabase(addressOf(database))
        await apply(other, [counting()], 'data', { run: 'other' })
        awake.resolve()
      }
    })
    await expect(apply(sleepy, [counting()], 'data')).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/lease of the database was lost \(another owner has it\)/),
    })
    expect(await valuesOf(root.collection('x'))).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
    expect((await readLedger(opened)).entries).toMatchObject([{ state: 'applied', run: 'other' }])
    await undoTo(opened, [counting()], null, common)
    expect(await contentOf(root)).toEqual(before)
  })

  it('of an old release that write during a backfill lose nothing, and the undo gives back what they wrote last', async () => {
    await root
      .collection('x')
      .insertMany(Array.from({ length: 40 }, (_, n): Document => ({ _id: n, text: longText(n) })))
    const app = (await database.connect('app')).db('pacs').collection<{ _id: number; text: string }>('x')
    const mirror = new Map(Array.from({ length: 40 }, (_, n) => [n, longText(n)]))
    const begun = new Set<number>()
    const busy = withBefore(async (_, [first]) => {
      // Two batches are under way, and what was edited is written once more: documents tell which batch it is, not how often one came.
      const batch = 1 + Math.floor(Number(first) / 10)
      if (batch < 1 || batch > 4 || begun.has(batch)) return
      begun.add(batch)
      // Below the cursor, within the batch that was read, and above.
      for (const _id of [-batch, 100 + batch]) {
        await app.insertOne({ _id, text: `new ${_id}` })
        mirror.set(_id, `new ${_id}`)
      }
      const [edited, deleted, replaced] = [0, 1, 2].map((one) => (batch - 1) * 10 + one)
      await app.updateOne({ _id: edited ?? 0 }, { $set: { text: 'edited by the old release' } })
      await app.deleteOne({ _id: deleted ?? 0 })
      await app.replaceOne({ _id: replaced ?? 0 }, { text: 'replaced' })
      mirror
        .set(edited ?? 0, 'edited by the old release')
        .set(replaced ?? 0, 'replaced')
        .delete(deleted ?? 0)
    })
    const words = walking({
      filter: { length: { $exists: false } },
      change: ({ text }) => ({ set: { length: text.length } }),
    })
    await apply(busy, [words], 'data')
    expect(begun.size).toBe(4)
    const documents = await root.collection('x').find().toArray()
    expect(new Map(documents.map(({ _id, text }) => [Number(_id), text]))).toEqual(mirror)
    expect(documents.filter(({ text, length }) => length !== text.length)).toEqual([])
    await undoTo(opened, [words], null, common)
    const left = await root.collection('x').find().toArray()
    expect(new Map(left.map(({ _id, text }) => [Number(_id), text]))).toEqual(mirror)
    expect(left.filter((one) => 'length' in one)).toEqual([])
  })

  it('that edit a document which is written already have it written again, and the undo asks what becomes of it', async () => {
    const x = root.collection('x')
    await x.insertMany([1, 2].map((_id): Document => ({ _id, text: 'old' })))
    const { documents } = opened
    let isEdited = false
    const matches: typeof documents.matches = async (collection, filter) => {
      if (!isEdited) await x.updateOne({ _id: 2 as never }, { $set: { text: 'edited' } })
      isEdited = true
      return documents.matches(collection, filter)
    }
    const lengths = walking({ change: ({ text }) => ({ set: { length: text.length } }) })
    await apply({ ...opened, documents: { ...documents, matches } }, [lengths], 'data')
    expect(await x.findOne({ _id: 2 as never })).toEqual({ _id: 2, text: 'edited', length: 6 })
    await expect(undoTo(opened, [lengths], null, common)).rejects.toThrow(/ 1 documents were edited .*\nx 2$/)
    await undoTo(opened, [lengths], null, { ...common, decide: () => 'restore' })
    expect(await x.find().sort({ _id: 1 }).toArray()).toEqual([1, 2].map((_id) => ({ _id, text: 'old' })))
  })
})

describe('a command of a cut connection that is carried out after the run has looked again', () => {
  const declaring = (declared: Pick<CollectionDeclaration, 'schema'>) =>
    migration({
      phase: 'expand',
      description: 'x',
      up: ({ schema }) => schema.collection('x', { ...declared, indexes: [{ key: { n: 1 }, name: 'n_1' }] }),
      down: ({ schema }) => schema.restore(),
      check: async () => true,
    })

  /** `opened`, to whose first look at `x` the collection is not there yet. */
  function withLateCreate(): OpenDatabase {
    let looks = 0
    const { catalog } = opened
    const describe: typeof catalog.describe = async (name) => {
      looks += 1
      if (looks > 1) return catalog.describe(name)
      await catalog.create(name, {}, null)
      return null
    }
    return { ...opened, catalog: { ...catalog, describe } }
  }

  it('counts as done, and the undo takes back what it made', async () => {
    const before = await contentOf(root)
    await apply(withLateCreate(), [declaring({})], 'expand')
    expect(await opened.catalog.describe('x')).toMatchObject({ indexes: [{ name: 'n_1' }] })
    await undoTo(opened, [declaring({})], null, common)
    expect(await contentOf(root)).toEqual(before)
  })

  it('is refused when it was another that made something else', async () => {
    const applied = apply(withLateCreate(), [declaring({ schema: { required: ['n'] } })], 'expand')
    await expect(applied).rejects.toThrow(/read back after the change/)
  })

  it('may have taken an index or a collection away', async () => {
    await opened.catalog.create('x', {}, null)
    await opened.catalog.dropIndex('x', 'gone')
    await opened.catalog.drop('x')
    await opened.catalog.drop('x')
    expect(await opened.catalog.describe('x')).toBeNull()
  })
})

describe('a strict validator', () => {
  it('that refuses a document of a batch fails it without a value; mended, it goes on, each document once', async () => {
    const validator = { $jsonSchema: { properties: { name: { bsonType: 'string' } } } }
    await root.createCollection('x', { validator })
    await putX(30)
    await root
      .collection('x')
      .updateOne({ n: 17 }, { $set: { name: Long.fromNumber(4711) } }, { bypassDocumentValidation: true })
    await expect(apply(opened, [counting()], 'data')).rejects.toThrow(
      /^001_x: a document does not satisfy the validator \(code 121\)$/,
    )
    const { entries, history } = await readLedger(opened)
    expect(entries[0]?.state).toBe('failed')
    expect(JSON.stringify([entries, history])).not.toContain('4711')
    await root.collection('x').updateOne({ _id: 17 as never }, { $set: { name: 'DOE' } })
    await apply(opened, [counting()], 'data')
    expect(await valuesOf(root.collection('x'))).toEqual(Array.from({ length: 30 }, (_, n) => n + 1))
  })

  it('does not hold up an undo: what it would refuse is given back as it was', async () => {
    await root.collection('x').insertMany([
      { n: 1, name: 4711 },
      { n: 2, name: 'DOE' },
    ])
    const before = await contentOf(root)
    const mending = walking({ change: ({ name }) => ({ set: { name: String(name) } }) })
    const strict = migration(
      {
        phase: 'contract',
        description: 'x',
        up: ({ schema }) => schema.collection('x', { schema: { properties: { name: { bsonType: 'string' } } } }),
        down: async () => undefined,
        check: async () => true,
      },
      '002_y',
    )
    await apply(opened, [mending, strict], 'data')
    await apply(opened, [mending, strict], 'contract')
    await expect(root.collection('x').insertOne({ name: 1 })).rejects.toMatchObject({ code: 121 })
    // The contract's own undo leaves the validator: the document below it comes back all the same.
    await undoTo(opened, [mending, strict], null, common)
    expect(await root.collection('x').countDocuments({ name: 4711 })).toBe(1)
    await root.command({ collMod: 'x', validator: {} })
    expect(await contentOf(root)).toEqual(before)
  })
})

describe('a unique index', () => {
  it('that refuses a document of a batch fails it without a value; mended, it goes on, each document once', async () => {
    const x = root.collection<{ _id: number; n: number; name: string; key: string }>('x')
    const names = Array.from({ length: 30 }, (_, n) => (n === 17 ? 'DOE 11' : `Doe ${n}`))
    await x.insertMany(names.map((name, n) => ({ _id: n, n, name, key: `${n}` })))
    await x.createIndex({ key: 1 }, { name: 'by_key', unique: true })
    const keyed = walking({ change: ({ n, name }) => ({ set: { n: n + 1, key: name.toLowerCase() } }) })
    await expect(apply(opened, [keyed], 'data')).rejects.toThrow(/^001_x: duplicate key.* \(code 11000\)$/)
    const { entries, history } = await readLedger(opened)
    expect(entries[0]?.state).toBe('failed')
    expect(JSON.stringify([entries, history])).not.toMatch(/doe/i)
    // One of the two was written.
    await x.updateOne({ key: { $in: ['11', '17'] } }, { $set: { name: 'Doe 30' } })
    await apply(opened, [keyed], 'data')
    expect(await valuesOf(root.collection('x'))).toEqual(Array.from({ length: 30 }, (_, n) => n + 1))
    await undoTo(opened, [keyed], null, common)
    expect((await x.find().sort({ _id: 1 }).toArray()).map(({ key }) => key)).toEqual(names.map((_, n) => `${n}`))
  })
})

describe('files that are not those that ran', () => {
  it('are refused by name, by plan and by run, without one write', async () => {
    const folder = await sampleFolder()
    const sample = await loadMigrations(folder)
    await rm(folder, { recursive: true })
    for (const phase of ['expand', 'data', 'contract'] as const) await apply(opened, sample, phase)
    const edited = sample.map((one) => (one.id === '003_report_words' ? { ...one, sha256: sha256('edited') } : one))
    const missing = sample.filter(({ id }) => id !== '005_drop_note')
    const late = sample.flatMap((one) =>
      one.id === '001_create_collections' ? [one, { ...one, id: '002_late' }] : [one],
    )
    const sent = wire.writes.length
    for (const [files, message] of [
      [edited, /003_report_words is applied in this database with another content: it was edited after it ran/],
      [missing, /005_drop_note \(contract\) is applied in this database, but its file is missing/],
      [late, /002_late \(expand\) is out of order: 003_report_words is applied already/],
    ] as const) {
      await expect(planMigrations(opened, files, { phase: 'expand', signal })).rejects.toThrow(message)
      await expect(apply(opened, files, 'expand')).rejects.toMatchObject({
        kind: 'refused',
        message: expect.stringMatching(message),
      })
    }
    expect(wire.writes.slice(sent)).toEqual([])
  })
})

describe('a server', () => {
  it('whose certificate names another, or is signed by nobody known, is not spoken to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pacs-tls-'))
    const authority = new CertificateAuthority(folder)
    await authority.create('hospital')
    const { certificate, key } = await authority.issue(['mongodb.hospital.test'])
    const sockets = new Set<TLSSocket>()
    const front = createServer({ cert: await readFile(certificate), key: await readFile(key) }, (client) => {
      const server = connectSocket({ host: database.host, port: database.port })
      sockets.add(client)
      for (const socket of [client, server]) socket.on('error', () => undefined)
      client.pipe(server).pipe(client)
    }).listen(0, '127.0.0.1')
    await once(front, 'listening')
    const tunnel = createTunnel((client) => {
      const bound = front.address()
      const end = connectSocket(typeof bound === 'object' && bound !== null ? bound.port : 0)
      for (const socket of [client, end]) socket.on('error', () => undefined)
      client.pipe(end).pipe(client)
    })
    try {
      const bound = front.address()
      const port = typeof bound === 'object' && bound !== null ? bound.port : 0
      const open = (tls: { caFile?: string; serverName?: string }) =>
        openDatabase({ ...addressOf(database, { host: '127.0.0.1', port }), tls }, { serverSelectionTimeoutMS: 800 })
      const caFile = authority.certificate
      await using right = await open({ caFile, serverName: 'mongodb.hospital.test' })
      await apply(right, [counting()], 'data')
      const refusal = { kind: 'bad-input', message: expect.stringMatching(/is not the one that its certificate names/) }
      await expect(open({ caFile, serverName: 'mongodb.other.test' })).rejects.toMatchObject(refusal)
      await expect(open({ serverName: 'mongodb.hospital.test' })).rejects.toMatchObject(refusal)
      // As at the end of a tunnel, which has no name of its own.
      const socket = join(folder, 'tunnel.sock')
      tunnel.listen(socket)
      await once(tunnel, 'listening')
      const { port: _port, host: _host, ...login } = addressOf(database)
      const openThrough = (serverName: string, options = {}) =>
        openDatabase({ ...login, socket, tls: { caFile, serverName } }, options)
      await using through = await openThrough('mongodb.hospital.test')
      expect((await readLedger(through)).entries).toHaveLength(1)
      const wrong = openThrough('mongodb.other.test', { serverSelectionTimeoutMS: 800 })
      await expect(wrong).rejects.toMatchObject(refusal)
    } finally {
      for (const socket of sockets) socket.destroy()
      front.close()
      tunnel.close()
      await rm(folder, { recursive: true })
    }
  })
})

describe('a mongod', () => {
  it('undoes what an author changed in a transaction that fails', async (ctx) => {
    if (database.topology === 'standalone') ctx.skip('transactions need a replica set, which the stand-in is not')
    await putX(2)
    const moving = (amount: number) =>
      migration({
        phase: 'data',
        description: 'x',
        async up({ db }) {
          await db.client.withSession((session) =>
            session.withTransaction(async () => {
              const x = db.collection<{ _id: number; n: number }>('x')
              await x.updateOne({ _id: 0 }, { $set: { n: -amount } }, { session })
              if (amount > 5) throw new Error('too much')
              await x.updateOne({ _id: 1 }, { $set: { n: 1 + amount } }, { session })
            }),
          )
        },
        down: async () => undefined,
        check: async () => true,
      })
    await expect(apply(opened, [moving(6)], 'data')).rejects.toThrow(/too much/)
    expect(await valuesOf(root.collection('x'))).toEqual([0, 1])
    await apply(opened, [moving(5)], 'data')
    expect(await valuesOf(root.collection('x'))).toEqual([-5, 6])
  })

  it('shows in its oplog that a plan wrote nothing, and that a run changed each document once', async (ctx) => {
    if (database.topology === 'standalone') ctx.skip('an oplog needs a replica set, which the stand-in is not')
    await putX(25)
    const oplog = (await database.connect('root')).db('local').collection('oplog.rs')
    const newest = async () => (await oplog.find().sort({ $natural: -1 }).limit(1).toArray())[0]?.ts
    const since = async (ts: unknown) => {
      const entries = await oplog.find({ ts: { $gt: ts } }).toArray()
      const flat = entries.flatMap(
        ({ op, ns, o }): { op: string; ns: string }[] => (op === 'c' && o.applyOps) || [{ op, ns }],
      )
      return flat.filter(({ ns }) => ns?.startsWith('pacs.'))
    }
    const start = await newest()
    await planMigrations(opened, [counting()], { phase: 'data', signal })
    expect(await since(start)).toEqual([])
    await apply(opened, [counting()], 'data')
    expect((await since(start)).filter(({ ns }) => ns === 'pacs.x').map(({ op }) => op)).toEqual(Array(25).fill('u'))
  })

  it('lets a user that may only read plan, and not apply', async (ctx) => {
    if (!database.real) ctx.skip('roles bind nobody on the stand-in')
    await putX(5)
    const reader = { ...addressOf(database), username: 'backup', password: database.passwords.backup }
    await using reading = await openDatabase(reader)
    const plan = await planMigrations(reading, [counting()], { phase: 'data', signal })
    expect(plan.steps[0]?.impacts[0]?.text).toBe('5 documents are changed')
    const refused = () =>
      expect(apply(reading, [counting()], 'data')).rejects.toThrow(/may this user write _migrations\?/)
    await refused()
    expect(await valuesOf(root.collection('x'))).toEqual([0, 1, 2, 3, 4])
    // The lease that was given back is there from then on.
    await apply(opened, [], 'data')
    await refused()
  })
})
