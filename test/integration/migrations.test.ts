import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BSON, type Db, type Document } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type ApplyOptions,
  applyMigrations,
  driftOf,
  loadMigrations,
  type Migration,
  mark,
  type OpenDatabase,
  openDatabase,
  PHASES,
  type Phase,
  planMigrations,
  readLedger,
  undoTo,
  writeLock,
} from '../../src/migrations/index.ts'
import { fencedBlocks, readPage } from '../docs/fenced-blocks.ts'
import { type Database, startDatabase, startWire, type Wire } from '../lab/index.ts'
import { marking, migration } from '../migrations/one-migration.ts'
import { addressOf, clear, contentOf, putReports, sampleFolder } from '../migrations/site.ts'

let database: Database
let root: Db
let wire: Wire
let opened: OpenDatabase
let folder: string
let sample: Migration[]

const signal = new AbortController().signal
const common = { run: 'run', actor: 'octocat', host: 'runner', signal, onEvent: () => undefined }
/** `fresh` 0: a lease that is taken away is seen at once. */
const LEASE = { ttl: 20_000, wait: 20_000, fresh: 0 }

beforeAll(async () => {
  database = await startDatabase()
  root = (await database.connect('root')).db('pacs')
  wire = await startWire(database)
  folder = await sampleFolder()
  sample = await loadMigrations(folder)
  opened = await openDatabase(addressOf(database, wire))
})
beforeEach(() => clear(root))
afterAll(async () => {
  await opened?.[Symbol.asyncDispose]()
  await wire?.[Symbol.asyncDispose]()
  await database?.down()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

function apply(migrations: readonly Migration[], phase: Phase, options: Partial<ApplyOptions> = {}) {
  return applyMigrations(opened, migrations, { ...common, phase, lease: LEASE, ...options })
}

async function putX(count: number): Promise<void> {
  await root.collection('x').insertMany(Array.from({ length: count }, (_, n): Document => ({ _id: n, n })))
}

describe('001 and the sample', () => {
  it('plans without one write, runs, finds no drift, and is undone to every byte', async () => {
    await putReports(root, 60)
    const before = await contentOf(root)
    const sent = wire.writes.length
    const plan = await planMigrations(opened, sample, { phase: 'expand', signal })
    expect(wire.writes.slice(sent)).toEqual([])
    expect(plan.steps.map(({ id, impacts }) => [id, impacts.length])).toEqual([
      ['001_create_collections', 5],
      ['003_report_words', 2],
    ])
    for (const phase of PHASES) {
      const planned = wire.writes.length
      const { steps } = await planMigrations(opened, sample, { phase, signal })
      await readLedger(opened)
      await driftOf(opened, sample, signal)
      expect(wire.writes.slice(planned), `a plan of ${phase}`).toEqual([])
      const { applied } = await apply(sample, phase)
      expect(applied.map(({ id }) => id)).toEqual(steps.map(({ id }) => id))
    }
    expect(await driftOf(opened, sample, signal)).toEqual([])
    await root.collection('auditlogs').dropIndex('seq')
    await root.collection('sessions').createIndex({ role: 1 }, { name: 'by_hand' })
    expect((await driftOf(opened, sample, signal)).map(({ text }) => text)).toEqual([
      'sessions: index by_hand is declared nowhere: someone changed it by hand',
      'auditlogs: index seq is not there: someone changed it by hand',
    ])
    await root.collection('sessions').dropIndex('by_hand')
    await undoTo(opened, sample, '003_report_words', common)
    expect((await readLedger(opened)).entries.map(({ _id }) => _id)).toEqual([
      '001_create_collections',
      '003_report_words',
    ])
    await undoTo(opened, sample, null, common)
    expect(await contentOf(root)).toEqual(before)
  })

  it('takes a validator that only warns for no drift while documents need that, and for one when it is gone', async () => {
    const drift = async () => (await driftOf(opened, sample, signal)).map(({ text }) => text)
    await root.collection('sessions').insertOne({ of: 'another time' })
    await apply(sample.slice(0, 1), 'expand')
    expect(await drift()).toEqual([])
    await root.collection('sessions').deleteMany({})
    expect(await drift()).toEqual([
      'sessions: the validator still only warns, and every document satisfies it: declare it once more',
    ])
    await root.command({ collMod: 'sessions', validator: {} })
    expect(await drift()).toEqual([expect.stringMatching(/^sessions.* validator.*: someone changed it by hand$/)])
  })

  it('has an empty run ask and write nothing', async () => {
    for (const phase of PHASES) await apply(sample, phase)
    const sent = wire.commands.length
    expect(await apply(sample, 'expand')).toEqual({ applied: [], waiting: [] })
    expect(wire.commands.slice(sent)).toEqual(['aggregate'])
  })

  it('looks at all collections of a migration at once, before and after', async () => {
    const sent: Document[] = []
    wire.watch = (command) => void sent.push(command)
    await apply(sample.slice(0, 1), 'expand')
    wire.watch = undefined
    // The third is the migration's own check.
    expect(sent.filter(({ listCollections }) => listCollections !== undefined)).toHaveLength(3)
    expect(sent.filter(({ listIndexes }) => listIndexes !== undefined)).toHaveLength(5)
    // What they were is one line between `applying` and `applied`.
    expect(sent.filter(({ insert }) => insert === '_migrations_history')).toHaveLength(3)
  })
})

describe('a run that nobody disturbs', () => {
  it('reads the ledger once, and gives the lease back with the last that it writes', async () => {
    for (const phase of ['expand', 'data'] as const) await apply(sample, phase, { lease: { wait: 0 } })
    const sent: Document[] = []
    wire.watch = (command) => void sent.push(command)
    await apply(sample, 'contract', { lease: { wait: 0 } })
    wire.watch = undefined
    expect(sent.map((command) => Object.entries(command)[0]?.join(' '))).toEqual([
      'aggregate _migrations',
      'findAndModify _migrations',
      'insert _migrations_history',
      'insert _migrations',
      'find reports',
      'listCollections 1',
      'listIndexes reports',
      'insert _migrations_history',
      'dropIndexes reports',
      'listCollections 1',
      'listIndexes reports',
      'aggregate reports',
      'insert _migrations_history',
      'update _migrations',
    ])
    const lease = await root.collection<{ _id: string }>('_migrations').findOne({ _id: 'lease' })
    expect(lease).toMatchObject({ expiresAt: new Date(0), purpose: 'migrate' })
  })
})

describe('a walk that meets nothing', () => {
  it('asks one question and keeps nothing', async () => {
    const sent: Document[] = []
    wire.watch = (command) => void sent.push(command)
    await apply([marking()], 'data')
    wire.watch = undefined
    // The second is the migration's own check.
    const asked = sent.map((command) => Object.entries(command)[0]).filter(([, of] = ['', '']) => of === 'x')
    expect(asked).toEqual([
      ['find', 'x'],
      ['aggregate', 'x'],
    ])
    expect((await root.listCollections().toArray()).map(({ name }) => name).sort()).toEqual([
      '_migrations',
      '_migrations_history',
    ])
  })
})

describe('docs/migrations.md', () => {
  it('shows migrations that plan, apply, check and are undone to every byte', async () => {
    const blocks = fencedBlocks(await readPage('migrations.md')).filter(({ language }) => language === 'js')
    const folder = await mkdtemp(join(tmpdir(), 'pacs-page-'))
    for (const [index, { text }] of blocks.entries()) await writeFile(join(folder, `00${index + 1}_block.js`), text)
    await writeLock(folder)
    const shown = await loadMigrations(folder)
    await rm(folder, { recursive: true })
    await putReports(root, 20)
    const before = await contentOf(root)
    for (const phase of PHASES) await apply(shown, phase)
    const { entries } = await readLedger(opened)
    expect(entries.map(({ _id, state }) => [_id, state])).toEqual(shown.map(({ id }) => [id, 'applied']))
    expect(await root.collection('reports').countDocuments({ words: { $gte: 5 } })).toBe(20)
    expect(await root.collection('reports').indexes()).toContainEqual(expect.objectContaining({ name: 'author' }))
    await undoTo(opened, shown, null, common)
    expect(await contentOf(root)).toEqual(before)
  })
})

describe('two and five at once', () => {
  it.each([2, 5])('%i: each migration is applied once', async (count) => {
    await putX(40)
    let runs = 0
    const counted = marking({
      up: async ({ batches }) => {
        runs += 1
        await batches({ collection: 'x', size: 10, change: ({ n }) => ({ set: { n: n + 1, done: true } }) })
      },
    })
    const all = await Promise.all(
      Array.from({ length: count }, async (_, one) => {
        await using own = await openDatabase(addressOf(database))
        return await applyMigrations(own, [counted], { ...common, run: `run ${one}`, phase: 'data', lease: LEASE })
      }),
    )
    expect(all.flatMap(({ applied }) => applied)).toHaveLength(1)
    expect(runs).toBe(1)
    expect((await root.collection('x').find().sort({ _id: 1 }).toArray()).map(({ n }) => n)).toEqual(
      Array.from({ length: 40 }, (_, n) => n + 1),
    )
  })

  it('says who holds the lease when the wait is over', async () => {
    await putX(1)
    const { promise: inside, resolve: enter } = Promise.withResolvers<void>()
    const { promise: go, resolve: leave } = Promise.withResolvers<void>()
    const slow = marking({
      up: async () => {
        enter()
        await go
        await root.collection('x').updateMany({}, { $set: { done: true } })
      },
    })
    const first = apply([slow], 'data')
    await inside
    await using other = await openDatabase(addressOf(database))
    await expect(
      applyMigrations(other, [slow], { ...common, phase: 'data', lease: { ...LEASE, wait: 0 } }),
    ).rejects.toMatchObject({ kind: 'locked', message: expect.stringMatching(/octocat on runner \(run run\)/) })
    const before = await readLedger(other)
    const noWait = { ...common, lease: { ...LEASE, wait: 0 } }
    const locked = { kind: 'locked', message: expect.stringMatching(/migrate of octocat on runner/) }
    await expect(undoTo(other, [slow], null, noWait)).rejects.toMatchObject(locked)
    const reason = 'looked at every document'
    await expect(mark(other, [slow], '001_x', 'applied', { ...noWait, reason })).rejects.toMatchObject(locked)
    expect(await readLedger(other)).toEqual(before)
    leave()
    await first
  })
})

describe('a lease', () => {
  const lease = () => root.collection<{ _id: string }>('_migrations')

  it('that is lost in the middle of a batch ends the run, which writes no more', async () => {
    // Far more batches than a run writes while one update of the lease is under way.
    await putX(1000)
    let taken = false
    const robbed = apply([marking()], 'data', {
      onEvent: (event) => {
        if (event.kind !== 'progress' || taken) return
        taken = true
        void lease().updateOne({ _id: 'lease' }, { $set: { token: 'someone else' } })
      },
      phase: 'data',
    })
    await expect(
      Promise.race([robbed, robbed.then(() => expect.unreachable('the run did not notice'))]),
    ).rejects.toMatchObject({ kind: 'failed', message: expect.stringMatching(/lease of the database was lost/) })
    const left = await root.collection('x').countDocuments({ done: { $exists: false } })
    expect(left).toBeGreaterThan(0)
    await lease().updateOne({ _id: 'lease' }, { $set: { expiresAt: new Date(0) } })
    await apply([marking()], 'data')
    expect(await root.collection('x').countDocuments({ done: { $exists: false } })).toBe(0)
  })

  it.each([24, -24])('does not care for a clock of this machine that is %i hours ahead', async (hours) => {
    await putX(5)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * 3_600_000 })
    try {
      await using own = await openDatabase(addressOf(database))
      expect(Math.round(own.clockAhead / 3_600_000)).toBe(hours)
      await applyMigrations(own, [marking()], { ...common, phase: 'data', lease: LEASE })
    } finally {
      vi.useRealTimers()
    }
    const { entries, history } = await readLedger(opened)
    const times = [
      ...entries.flatMap(({ startedAt, finishedAt }) => [startedAt, finishedAt]),
      ...history.map(({ at }) => at),
    ]
    for (const time of times) expect(Math.abs(Number(time) - Date.now())).toBeLessThan(600_000)
  })
})

describe('documents', () => {
  it('to which the same happens are changed by one statement, and those that were edited meanwhile are not', async () => {
    const ids = [
      'a',
      new BSON.ObjectId(),
      new Date(0),
      { x: 1 },
      true,
      0.5,
      ...Array.from({ length: 150 }, (_, n) => n),
    ]
    const x = root.collection<{ _id: unknown; [field: string]: unknown }>('x')
    await x.insertMany(ids.map((_id, n) => ({ _id, n, kind: n % 2, note: 'x' })))
    await x.updateMany({ n: { $in: [3, 20, 21] } }, { $set: { kind: 'edited' } })
    const before = wire.writes.length
    // Those of one kind share a guard; each of the other has its own.
    const updates = ids.map((id, n) => {
      const guard: Document = n % 2 === 0 ? { kind: 0 } : { kind: 1, n }
      return { id, guard: { ...guard, done: { $exists: false } }, set: { done: true }, unset: ['note'], size: 100 }
    })
    expect(await opened.documents.update('x', updates)).toBe(ids.length - 3)
    expect(wire.writes.slice(before)).toEqual(['update'])
    const left = await x
      .find({ $or: [{ done: { $exists: false } }, { note: 'x' }] })
      .sort({ n: 1 })
      .toArray()
    expect(left.map(({ n, kind, done, note }) => [n, kind, done, note])).toEqual(
      [3, 20, 21].map((n) => [n, 'edited', undefined, 'x']),
    )
    expect(await x.countDocuments({ done: true, note: { $exists: false } })).toBe(ids.length - 3)
  })

  it('lose a field that was not fetched, and are counted where they had it', async () => {
    const documents = [1, 2, 3].map((n) => ({ _id: n as never, n }))
    const unsetting = (id: string, field: string, names: string[]) =>
      migration(
        {
          phase: 'data',
          description: 'x',
          up: ({ batches }) =>
            batches({
              collection: 'x',
              beforeImages: false,
              reads: ['n'],
              change: ({ n }) => ({ ...(field === '' ? {} : { set: { [field]: n * 2 } }), unset: names }),
            }),
          irreversible: 'a test',
          check: async () => true,
        },
        id,
      )
    const x = root.collection('x')
    await x.insertMany(documents.map((one) => (one.n === 2 ? { ...one, name: 'Ann', born: 1950, old: 1 } : one)))
    const both = [unsetting('001_x', '', ['name', 'born']), unsetting('002_x', 'twice', ['old'])]
    await apply(both, 'data')
    expect(await x.find().sort({ _id: 1 }).toArray()).toEqual(documents.map((one) => ({ ...one, twice: one.n * 2 })))
    const { entries } = await readLedger(opened)
    expect(entries.map(({ progress }) => progress.x?.done)).toEqual([1, 3])
  })

  it('with DICOM tags as names, in whatever order, are changed and given back byte by byte', async () => {
    // An object of JavaScript would put 20100010 first.
    const tags = new Map<string, unknown>([
      ['00080005', { vr: 'CS' }],
      ['20100010', 'STANDARD\\1,1'],
      ['10200010', new BSON.Double(3)],
    ])
    const documents = [
      { _id: 1, n: 1, tags },
      {
        _id: 2,
        n: 2,
        frames: [
          { n: 1 },
          new Map([
            ['10', tags],
            ['2', tags],
          ]),
        ],
      },
      ...Array.from({ length: 15 }, (_, n) => ({
        _id: new Map<string, unknown>([
          ['study', `s${n}`],
          ['20100010', n],
        ]),
        n,
      })),
    ]
    await root.collection<{ _id: unknown }>('x').insertMany(documents)
    const before = await contentOf(root)
    await apply([marking()], 'data')
    expect(await root.collection('x').countDocuments({ done: true })).toBe(17)
    await undoTo(opened, [marking()], null, common)
    expect(await contentOf(root)).toEqual(before)
  })

  it('with names like operators are changed and given back byte by byte', async () => {
    const named = { $price: 5, $set: { x: '$n' }, nested: { $inc: [1] }, 'a.b': '$$ROOT', text: '$n' }
    await root.collection('x').insertMany([
      { n: 1, ...named },
      { n: 2, nested: { $inc: [1] }, 'a.b': '$$ROOT', text: '$n' },
    ])
    const before = await contentOf(root)
    await apply([marking()], 'data')
    expect(await root.collection('x').countDocuments({ done: true })).toBe(2)
    await undoTo(opened, [marking()], null, common)
    expect(await contentOf(root)).toEqual(before)
  })

  it('of 16 MB are changed and given back byte by byte', async () => {
    const bytes = 16 * 1024 * 1024 - 4096
    await root.collection('x').insertOne({ n: 1, blob: new BSON.Binary(Buffer.alloc(bytes, 7)) })
    const before = await contentOf(root)
    await apply([marking()], 'data')
    expect(await root.collection('x').findOne({}, { projection: { done: 1, _id: 0 } })).toEqual({ done: true })
    await undoTo(opened, [marking()], null, common)
    expect(await contentOf(root)).toEqual(before)
  })

  it.each([
    ['smaller', 9, 1],
    ['larger', 1, 9],
  ])('that somebody makes %s meanwhile are given back so', async (_what, was, is) => {
    const blob = (size: number) => new BSON.Binary(Buffer.alloc(size * 1024 * 1024, size))
    await root.collection('x').insertOne({ n: 1, blob: blob(was) })
    let edited: string | null = null
    const { documents } = opened
    const update: typeof documents.update = async (collection, updates) => {
      if (edited === null) {
        await root.collection('x').updateOne({ n: 1 }, { $set: { blob: blob(is) } })
        edited = (await contentOf(root)).x ?? null
      }
      return documents.update(collection, updates)
    }
    const editing = { ...opened, documents: { ...documents, update } }
    await applyMigrations(editing, [marking()], { ...common, phase: 'data' })
    expect(await root.collection('x').countDocuments({ done: true })).toBe(1)
    await undoTo(opened, [marking()], null, common)
    expect((await contentOf(root)).x).toBe(edited)
  })

  it.each([
    ['x', ['x', 'y']],
    [new Date(0), [new Date(0), 'y']],
    [{ of: 'x' }, [{ of: 'x' }, 'y']],
    [null, undefined],
  ])('that somebody gives a list with the value %o, or takes it from, meanwhile are left so', async (was, is) => {
    const x = root.collection<{ _id: number; studies?: unknown }>('x')
    const edit = () => x.replaceOne({ _id: 1 }, is === undefined ? {} : { studies: is })
    const { documents } = opened
    const listing = marking({
      up: ({ batches }) =>
        batches({
          collection: 'x',
          filter: { studies: { $exists: true } },
          change: ({ studies }) => (Array.isArray(studies) ? null : { set: { studies: [studies] } }),
        }),
      check: async () => true,
    })
    await x.insertOne({ _id: 1, studies: was })
    const update: typeof documents.update = (...all) => edit().then(() => documents.update(...all))
    await applyMigrations({ ...opened, documents: { ...documents, update } }, [listing], { ...common, phase: 'data' })
    const edited = { _id: 1, ...(is === undefined ? {} : { studies: is }) }
    expect(await x.findOne()).toEqual(edited)
    await clear(root)
    await x.insertOne({ _id: 1, studies: was })
    await apply([marking()], 'data')
    const put: typeof documents.put = (...all) => edit().then(() => documents.put(...all))
    await expect(undoTo({ ...opened, documents: { ...documents, put } }, [marking()], null, common)).rejects.toThrow(
      '1 documents were edited',
    )
    expect(await x.findOne()).toEqual(edited)
  })

  it('have no before-image where one was cut while it took the place of another', async () => {
    const image = (size: number) => {
      const before = BSON.serialize({ blob: new BSON.Binary(Buffer.alloc(size * 1024 * 1024)) })
      return { migration: '001_x', collection: 'x', id: 1, before, writtenHash: '' }
    }
    const sizes = async () => (await opened.before.find('001_x', 'x', [1])).map(({ before }) => before.length)
    const parts = root.collection<{ _id: string }>('_migrations_before')
    await opened.before.save([image(12)], false)
    const old = (await parts.findOne({ part: 1 })) ?? expect.unreachable()
    await opened.before.save([image(10)], false)
    expect(await sizes()).toEqual([image(10).before.length])
    await parts.replaceOne({ _id: old._id }, old)
    expect(await sizes()).toEqual([])
  })

  it('that would grow over 16 MB fail the migration and stay as they are', async () => {
    const bytes = 16 * 1024 * 1024 - 4096
    await root.collection('x').insertOne({ n: 1, blob: new BSON.Binary(Buffer.alloc(bytes, 7)) })
    const before = await contentOf(root)
    const growing = migration({
      phase: 'data',
      description: 'x',
      up: ({ batches }) => batches({ collection: 'x', change: () => ({ set: { more: 'x'.repeat(8192) } }) }),
      down: ({ batches }) => batches.restore(),
      check: async () => true,
    })
    await expect(apply([growing], 'data')).rejects.toThrow(/^001_x: the database refused/)
    expect((await contentOf(root)).x).toEqual(before.x)
  })

  it('that were edited since are listed, and the undo leaves everything as it is until they are decided', async () => {
    await putX(30)
    await apply([marking()], 'data')
    await root.collection('x').updateOne({ n: 7 }, { $set: { note: 'by hand' } })
    await root.collection('x').deleteOne({ n: 8 })
    const before = await contentOf(root)
    await expect(undoTo(opened, [marking()], null, common)).rejects.toThrow(
      /2 documents were edited(.|\n)*\nx (7|8 \(deleted\))$/,
    )
    expect(await contentOf(root)).toEqual(before)
    await undoTo(opened, [marking()], null, {
      ...common,
      decide: (_c, id) => (id === '7' ? 'keep' : 'restore'),
    })
    expect(await root.collection('x').countDocuments({ done: true })).toBe(1)
    expect(await root.collection('x').countDocuments({})).toBe(30)
  })
})

describe('a server', () => {
  it('that refuses the credentials, or is not there, is named', async () => {
    const address = addressOf(database)
    await expect(openDatabase({ ...address, password: 'wrong-password' })).rejects.toMatchObject({
      kind: 'bad-input',
      message: expect.stringMatching(/refused the credentials of migrations/),
    })
    await expect(openDatabase({ ...address, port: 9 }, { serverSelectionTimeoutMS: 500 })).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/127\.0\.0\.1:9/),
    })
  })
})
