// A database brought back as it was between two backups.
import type { Db, Document, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Contents, planRestore, type RestoreRunRequest, runRestore } from '../../src/backup/index.ts'
import { InstantSite, type Mark } from '../backup/instant-site.ts'
import type { PlantedOplog } from '../backup/oplog.ts'
import { fillRecords } from '../backup/records.ts'

const REPORTS = 1200
let site: InstantSite
let client: MongoClient
let db: Db
let oplog: PlantedOplog | null

beforeAll(async () => {
  site = await InstantSite.start()
  ;({ client, db, oplog } = site)
  await fillRecords(db, REPORTS)
}, 300_000)
afterAll(() => site?.[Symbol.asyncDispose]())

const backUp = () => site.backUp()
const mark = () => site.mark()
const act: InstantSite['act'] = (doing, telling) => site.act(doing, telling)
const restoring = (to: string, changes: Partial<RestoreRunRequest> = {}) => site.restoring(to, changes)
const expectRestored = (one: Mark, changes: Partial<RestoreRunRequest> = {}) => site.expectRestored(one, changes)
const reports = () => db.collection<Document & { _id: string }>('reports')

describe('a database', () => {
  let before: Contents
  const marks: Mark[] = []

  it('is backed up, the first time without an oplog', async () => {
    before = await backUp()
    expect(before.database?.moment.kind).toBe('snapshot')
    expect(before.database?.oplog).toEqual({ kind: 'none', why: 'no backup is there yet that it could follow upon' })
    marks.push(await mark())
  })

  it('goes on being written', async () => {
    const fresh = Array.from({ length: 5 }, (_, n) => ({
      _id: `new${n}`,
      study: `9.${n}`,
      version: 1,
      '20100010': 'A\\B',
      '8': n,
    }))
    await act(
      () => reports().insertMany(fresh),
      async (told) => {
        for (const one of fresh) await told.insert('reports', one)
      },
    )
    await act(
      () =>
        reports().updateOne(
          { _id: 'r1' },
          { $set: { version: 2, impression: { text: 'x', codes: [1, 2] } }, $unset: { createdAt: 1 } },
        ),
      (told) =>
        told.update('reports', 'r1', {
          $v: 2,
          diff: { d: { createdAt: false }, u: { version: 2 }, i: { impression: { text: 'x', codes: [1, 2] } } },
        }),
    )
    marks.push(await mark())
    await act(
      () => reports().updateOne({ _id: 'r1' }, { $set: { 'impression.codes.1': 7, 'impression.by': 'ada' } }),
      (told) =>
        told.update('reports', 'r1', {
          $v: 2,
          diff: { simpression: { i: { by: 'ada' }, scodes: { a: true, u1: 7 } } },
        }),
    )
    const whole = { study: '7', version: 3, '20100010': 'C' }
    await act(
      () => reports().replaceOne({ _id: 'r2' }, whole),
      (told) => told.update('reports', 'r2', { _id: 'r2', ...whole }),
    )
    await act(
      () => reports().deleteOne({ _id: 'r3' }),
      (told) => told.delete('reports', 'r3'),
    )
    marks.push(await mark())
  })

  it('is changed in its collections, indexes and validators', async () => {
    const options = {
      validator: { level: { $type: 'int' } },
      validationLevel: 'strict',
      validationAction: 'error',
    } as const
    await act(
      () => db.createCollection('findings', options),
      (told) => told.command({ create: 'findings', ...options, idIndex: { v: 2, key: { _id: 1 }, name: '_id_' } }),
    )
    const ttl = { name: 'old', expireAfterSeconds: 10 ** 8 }
    await act(
      () => db.collection('findings').createIndex({ at: 1 }, ttl),
      (told) => told.command({ createIndexes: 'findings', v: 2, key: { at: 1 }, ...ttl }),
    )
    await act(
      () => db.command({ collMod: 'findings', index: { name: 'old', expireAfterSeconds: 2 * 10 ** 8 } }),
      (told) => told.command({ collMod: 'findings', index: { name: 'old', expireAfterSeconds: 2 * 10 ** 8 } }),
    )
    await act(
      () => db.collection('reports').createIndex({ version: 1 }, { name: 'by_version' }),
      (told) =>
        told.command({ commitIndexBuild: 'reports', indexes: [{ v: 2, key: { version: 1 }, name: 'by_version' }] }),
    )
    await act(
      () => db.command({ collMod: 'reports', validationLevel: 'moderate' }),
      (told) => told.command({ collMod: 'reports', validationLevel: 'moderate' }),
    )
    // Older than the validator, which lets it be.
    await act(
      () => reports().updateOne({ _id: 'legacy' }, { $set: { version: 'two' } }),
      (told) => told.update('reports', 'legacy', { $v: 2, diff: { u: { version: 'two' } } }),
    )
    marks.push(await mark())
    await act(
      () => db.collection('sessions').rename('formersessions'),
      (told) => told.command({ renameCollection: 'pacs.sessions', to: 'pacs.formersessions', stayTemp: false }),
    )
    await act(
      () => db.collection('digitalsignatures').drop(),
      (told) => told.command({ drop: 'digitalsignatures' }),
    )
    await act(
      () => db.collection('reports').dropIndex('by_study'),
      (told) => told.command({ dropIndexes: 'reports', index: 'by_study' }),
    )
    marks.push(await mark())
  })

  it('is written in transactions', async () => {
    const pair = ['t1', 't2'].map((_id) => ({ _id, study: _id, version: 1 }))
    const inTransaction = () =>
      client.withSession((session) => session.withTransaction(() => reports().insertMany(pair, { session })))
    await act(
      () => (oplog === null ? inTransaction() : reports().insertMany(pair)),
      (told) => told.transaction(...pair.map((one) => [told.op('i', 'reports', one)])),
    )
    marks.push(await mark())
  })

  it('comes back as it was at each of these seconds, by the next backup alone', async () => {
    const after = await backUp()
    expect(after.database?.oplog).toMatchObject({ kind: 'kept', from: clusterTime(before), to: clusterTime(after) })
    expect(after.oneMoment[1]).toMatch(/^pacs: its oplog is kept from \S+Z on/)
    for (const one of marks) {
      const steps = await expectRestored(one, { oplogReader: null })
      expect(steps.at(-2)).toMatch(`as the backup ${after.id} kept it`)
      expect(steps.at(-1)).toMatch(`it is as of ${one.to}:`)
    }
  }, 300_000)

  it('comes back as it was after the last backup, by the oplog of the live server, also when it was dropped', async () => {
    await act(
      () => reports().deleteMany({ _id: /^new/ }),
      async (told) => {
        for (let n = 0; n < 5; n++) await told.delete('reports', `new${n}`)
      },
    )
    await oplog?.begun([oplog.op('i', 'reports', { _id: 'never' })])
    const last = await mark()
    const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name)
    await act(
      () => db.dropDatabase(),
      async (told) => {
        for (const name of names) await told.command({ drop: name })
        await told.command({ dropDatabase: 1 })
      },
    )
    const steps = await expectRestored(last)
    expect(steps.at(-2)).toMatch(/from \S+Z on from the live server$/)
  }, 120_000)
})

function clusterTime({ database: held }: Contents): string {
  return held?.moment.kind === 'snapshot' ? held.moment.clusterTime : expect.unreachable()
}

describe('a point in time', () => {
  beforeAll(async () => {
    await fillRecords(db, 10)
    await backUp()
  }, 60_000)

  const refusals = async (to: string, changes: Partial<RestoreRunRequest> = {}) => {
    await client.db('pacs_restored').dropDatabase()
    return (await planRestore(restoring(to, changes))).refusals
  }

  it('comes from this server’s backups alone where another one shares the repository', async () => {
    const ours = await backUp()
    await act(
      () => reports().deleteOne({ _id: 'r3' }),
      (told) => told.delete('reports', 'r3'),
    )
    const theirs = await site.backUp(site.at, 'other')
    expect(theirs.database?.oplog).toMatchObject({
      kind: 'none',
      why: expect.stringMatching(/^no backup is there yet/),
    })
    const between = await mark()
    const next = await backUp()
    expect(next.database?.oplog).toMatchObject({ kind: 'kept', from: clusterTime(ours), to: clusterTime(next) })
    expect((await planRestore(restoring(between.to))).backup).toBe(ours.id)
    await expectRestored(between, { oplogReader: null })
  }, 120_000)

  it('before the first backup, or to come, is refused', async () => {
    await expect(planRestore(restoring('2020-01-01T00:00:00Z'))).rejects.toThrow(
      /no backup of the database from before 2020-01-01T00:00:00Z: the oldest began 2/,
    )
    expect(await refusals('2090-01-01T00:00:00Z')).toEqual(['2090-01-01T00:00:00Z is to come, or less than 10 s ago'])
  })

  it('that no backup reaches and nobody may ask the server for is refused with what can be had', async () => {
    const { to } = await mark()
    expect(await refusals(to, { oplogReader: null })).toEqual([
      expect.stringMatching(
        /^what was written from \S+ to \S+ is not told without a gap: .*no user is known that may read/,
      ),
    ])
  })

  it('at which somebody migrated comes back with nobody at it', async () => {
    const lease = {
      _id: 'lease' as never,
      token: 'a',
      run: '1',
      actor: 'ada',
      host: 'h',
      process: null,
      purpose: 'migrate',
      previous: null,
    }
    const held = { ...lease, expiresAt: new Date(Date.now() + 3_600_000) }
    await act(
      () => db.collection('_migrations').insertOne(held),
      async (told) => {
        await told.command({ create: '_migrations', idIndex: { v: 2, key: { _id: 1 }, name: '_id_' } })
        await told.insert('_migrations', held)
      },
    )
    const { to } = await mark()
    await act(
      () => db.collection('_migrations').drop(),
      (told) => told.command({ drop: '_migrations' }),
    )
    const said: string[] = []
    await client.db('pacs_restored').dropDatabase()
    await runRestore(restoring(to, { progress: (line) => said.push(line) }))
    const [restored] = await client.db('pacs_restored').collection('_migrations').find().toArray()
    expect(restored?.expiresAt).toEqual(new Date(0))
    expect(said).toContainEqual(expect.stringMatching(/the database was locked by migrate of ada on h \(run 1\)/))
  })

  it('after a change of a view is refused before anything is restored, with the last that can be had', async (ctx) => {
    if (oplog === null) {
      await db.createCollection('all', { viewOn: 'reports', pipeline: [] })
    } else await oplog.insert('system.views', { _id: 'pacs.all', viewOn: 'reports', pipeline: [] })
    const { to } = await mark()
    await client.db('pacs_restored').dropDatabase()
    await expect(runRestore(restoring(to))).rejects.toThrow(
      /tells of .*views, as (of|for) a view, which is not replayed: --to \S+Z is the last/,
    )
    expect(await client.db('pacs_restored').listCollections().toArray()).toEqual([])
    if (oplog === null) await db.collection('all').drop()
    else ctx.annotate('told by the test alone: the stand-in has no views')
  })

  it('that the oplog tells otherwise than the backup holds ends with the entry that does not fit', async (ctx) => {
    if (oplog === null) return ctx.skip('a mongod tells what was done')
    await backUp()
    await oplog.delete('reports', 'nobody')
    const { to } = await mark()
    await client.db('pacs_restored').dropDatabase()
    await expect(runRestore(restoring(to))).rejects.toThrow(
      /does not fit the backup: delete in reports at \S+Z \(\d+\.\d+\): the document is not there; pacs_restored is left/,
    )
  })

  it('is lost where the server dropped what came after the last backup: the next one keeps none and says why', async (ctx) => {
    if (oplog === null) return ctx.skip('the oplog of a mongod holds more than a test writes')
    await oplog.forget()
    const { to } = await mark()
    expect(await refusals(to)).toEqual([expect.stringMatching(/the live server keeps its oplog only from \S+Z on/)])
    const { database: held, oneMoment } = await backUp()
    expect(held?.oplog).toEqual({
      kind: 'none',
      why: expect.stringMatching(/^the server keeps it only from \S+Z on, after \S+Z$/),
    })
    expect(oneMoment[1]).toMatch(/no oplog is kept with it/)
  })
})
