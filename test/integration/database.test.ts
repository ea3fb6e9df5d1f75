// The database that tests use in the place of a mongod, and the wire to it that can break.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { MongoClient, MongoNetworkError, MongoServerError, MongoServerSelectionError } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Database, type DatabaseUser, docker, startDatabase, startWire, type Wire } from '../lab/index.ts'

let database: Database

beforeAll(async () => {
  database = await startDatabase()
})

afterAll(() => database?.down())

async function pacs(user: DatabaseUser = 'migrations') {
  return (await database.connect(user)).db('pacs')
}

/** The code of the server's error that `work` ends with. */
async function codeOf(work: Promise<unknown>): Promise<unknown> {
  const thrown = await work.then(
    () => 'no error',
    (error) => error,
  )
  return thrown instanceof MongoServerError ? thrown.code : thrown
}

async function logIn(authSource: string, password: string): Promise<unknown> {
  const { host, port } = database
  const uri = `mongodb://${host}:${port}/?directConnection=true`
  await using client = new MongoClient(uri, { auth: { username: 'app', password }, authSource })
  return await codeOf(client.db('pacs').command({ ping: 1 }))
}

describe('the database', () => {
  test('lets its users in by their passwords, kept in "admin", and nobody else', async () => {
    expect(await logIn('admin', database.passwords.app)).toBe('no error')
    expect(await logIn('admin', database.passwords.root)).toBe(18)
    expect(await logIn('pacs', database.passwords.app)).toBe(18)
    await using stranger = new MongoClient(`mongodb://${database.host}:${database.port}/?directConnection=true`)
    expect(await codeOf(stranger.db('pacs').collection('any').findOne())).toBe(13)
    const { users } = await (await database.connect('root')).db('admin').command({ usersInfo: 1 })
    const [migrations] = users.filter(({ user }: { user: string }) => user === 'migrations')
    expect(migrations.roles).toContainEqual({ role: 'dbAdmin', db: 'pacs' })
  })

  test('holds a collection to the validator that it was created with, and creates it once', async () => {
    const db = await pacs()
    const validator = { $jsonSchema: { required: ['name'], properties: { name: { bsonType: 'string' } } } }
    await db.createCollection('guarded', { validator })
    const [listed] = await db.listCollections({ name: 'guarded' }, { nameOnly: false }).toArray()
    expect(listed?.options?.validator).toEqual(validator)
    expect(await codeOf(db.createCollection('guarded'))).toBe(48)
    const guarded = db.collection('guarded')
    expect(await codeOf(guarded.insertOne({ name: 1 }))).toBe(121)
    expect(await codeOf(guarded.insertMany([{ name: 'a' }, {}, { name: 'b' }], { ordered: false }))).toBe(121)
    expect(await codeOf(guarded.updateOne({ name: 'a' }, { $set: { name: 2 } }))).toBe(121)
    expect(await guarded.countDocuments()).toBe(2)
  })

  test('one of many that create a collection at once succeeds', async () => {
    const db = await pacs()
    const codes = await Promise.all(Array.from({ length: 8 }, () => codeOf(db.createCollection('race'))))
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(codes.filter((code) => code === 48)).toHaveLength(7)
  })

  test('calls a duplicate by its code, also in a unique index that is being made', async () => {
    const numbers = (await pacs()).collection<{ _id: number; same: number }>('numbers')
    await numbers.insertMany([1, 2].map((_id) => ({ _id, same: 0 })))
    expect(await codeOf(numbers.insertOne({ _id: 1, same: 1 }))).toBe(11000)
    expect(await codeOf(numbers.createIndex({ same: 1 }, { unique: true }))).toBe(11000)
  })

  test('lets one of many that insert a key at once succeed, and calls all others duplicates', async () => {
    const writers = (await Promise.all([pacs(), pacs(), pacs(), pacs()])).map((db) => db.collection('raced'))
    await writers[0]?.createIndex({ key: 1 }, { unique: true })
    for (let key = 0; key < 150; key++) {
      const codes = await Promise.all(writers.map((writer) => codeOf(writer.insertOne({ key }))))
      expect(codes.map(String).sort()).toEqual(['11000', '11000', '11000', 'no error'])
    }
  })

  test('takes a write that wants no answer, and goes on', async () => {
    const silent = (await pacs()).collection('silent')
    await silent.insertOne({ n: 1 }, { writeConcern: { w: 0 } })
    await silent.insertOne({ n: 2 })
    expect(await silent.countDocuments()).toBe(2)
  })

  test('refuses what it cannot do instead of pretending', async (ctx) => {
    if (database.real) ctx.skip('a mongod can do it')
    const client = await database.connect('migrations')
    const db = client.db('pacs')
    expect(await codeOf(db.createCollection('capped', { capped: true, size: 4096 }))).toBe(238)
    expect(await codeOf(db.command({ find: 'numbers', readConcern: { level: 'snapshot' } }))).toBe(123)
    const transaction = { insert: 'numbers', documents: [{}], txnNumber: 1n, autocommit: false, startTransaction: true }
    expect(await codeOf(db.command(transaction))).toBe(20)
    expect(database.topology).toBe('standalone')
  })

  test('keeps its data over a kill, and makes a user anew that is missing', async (ctx) => {
    if (database.container === undefined) ctx.skip('the server of PACS_TEST_MONGODB_URI is not ours to kill')
    const kept = (await pacs()).collection('kept')
    await kept.createIndex({ at: 1 }, { expireAfterSeconds: 3600 })
    await kept.insertOne({ word: 'still here' })
    await (await database.connect('root')).db('admin').command({ dropUser: 'backup' })
    await expect(database.connect('backup')).rejects.toThrow('Authentication failed')
    await database.kill()
    await database.start()
    const read = (await pacs('backup')).collection('kept')
    expect(await read.findOne()).toMatchObject({ word: 'still here' })
    expect(await read.indexes()).toContainEqual(expect.objectContaining({ key: { at: 1 }, expireAfterSeconds: 3600 }))
  })

  test('is removed when the process that started it was killed', async (ctx) => {
    if (database.container === undefined) ctx.skip('no container of ours')
    const program = `const { startDatabase } = await import(${JSON.stringify(join(import.meta.dirname, '../lab/index.ts'))})
      console.log((await startDatabase()).container); setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [container] = await once(createInterface(owner.stdout), 'line')
    const containers = () => docker(['ps', '-a', '--format', '{{.Names}}'])
    expect(await containers()).toContain(container)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    await using _another = await startDatabase()
    expect(await containers()).not.toContain(container)
  })
})

describe('a wire', () => {
  let wire: Wire

  beforeEach(async () => {
    wire = await startWire(database)
    return () => wire[Symbol.asyncDispose]()
  })

  async function through(name: string) {
    return (await database.connect('migrations', wire)).db('pacs').collection<{ n: number }>(name)
  }

  async function seen(name: string): Promise<number> {
    return (await pacs()).collection(name).countDocuments()
  }

  test('tells reads from writes, also an aggregation that stores its result', async () => {
    const counted = await through('counted')
    await counted.find().toArray()
    await counted.aggregate([{ $match: {} }]).toArray()
    await counted.indexes().catch(() => [])
    expect(wire.writes).toEqual([])
    expect(wire.commands).toEqual(['find', 'aggregate', 'listIndexes'])
    await counted.insertOne({ n: 1 })
    await counted.createIndex({ n: 1 })
    await counted.aggregate([{ $out: 'copied' }]).toArray()
    expect(wire.writes).toEqual(['insert', 'createIndexes', 'aggregate'])
    expect(wire.count('insert')).toBe(1)
  })

  test('breaks before a command: the server never sees it', async () => {
    const cut = await through('cut-before')
    await cut.insertOne({ n: 1 })
    wire.break({ how: 'close', at: 'request', command: 'insert', collection: 'cut-before', after: 1 })
    await cut.insertOne({ n: 2 })
    await expect(cut.insertOne({ n: 3 })).rejects.toThrow(MongoNetworkError)
    expect(await seen('cut-before')).toBe(2)
    await cut.insertOne({ n: 4 })
    expect(wire.struck).toBe(1)
    expect(await seen('cut-before')).toBe(3)
  })

  test('breaks after a command: the server has done it, and the client does not know', async () => {
    const cut = await through('cut-after')
    wire.break({ how: 'close', at: 'reply', command: 'insert' })
    await expect(cut.insertOne({ n: 1 })).rejects.toThrow(MongoNetworkError)
    expect(await seen('cut-after')).toBe(1)
  })

  test('falls silent, and works again when it is mended', async () => {
    const silent = await through('silent-wire')
    wire.break({ how: 'silence', at: 'request' })
    const waiting = silent.insertOne({ n: 1 })
    await wire.untilStruck()
    wire.mend()
    await expect(waiting).rejects.toThrow(MongoNetworkError)
    await silent.insertOne({ n: 2 })
    expect(await seen('silent-wire')).toBe(1)
  })

  test('lets nobody in until it is mended, where asked to', async () => {
    const away = await through('away')
    wire.break({ how: 'close', at: 'request', reachable: false })
    await expect(away.insertOne({ n: 1 })).rejects.toThrow(MongoNetworkError)
    const { host, port } = wire
    await using client = new MongoClient(`mongodb://${host}:${port}/`, { serverSelectionTimeoutMS: 200 })
    await expect(client.connect()).rejects.toThrow(MongoServerSelectionError)
    wire.mend()
    await away.insertOne({ n: 2 })
    expect(await seen('away')).toBe(1)
  })
})
