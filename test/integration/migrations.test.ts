import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BSON, type Db, type Document } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type ApplyOptions,
  applyMigrations,
  driftOf,
  type IndexDeclaration,
  loadMigrations,
  type Migration,
  type MigrationDefinition,
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
import { sha256 } from '../../src/release/index.ts'
import { fencedBlocks, readPage } from '../docs/fenced-blocks.ts'
import { type Database, startDatabase, startWire, type Wire } from '../lab/index.ts'
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

function migration(definition: MigrationDefinition, id = '001_x'): Migration {
  return { id, sha256: sha256(id), phase: definition.phase, definition }
}

/** A data migration that sets `done` in every document of `x`, with parts of it replaced. */
function marking(parts: Partial<MigrationDefinition> = {}): Migration {
  const definition: MigrationDefinition = {
    phase: 'data',
    description: 'x',
    up: ({ batches }) =>
      batches({
        collection: 'x',
        filter: { done: { $exists: false } },
        size: 10,
        change: () => ({ set: { done: true } }),
      }),
    down: ({ batches }) => batches.restore(),
    check: async ({ db }) => (await db.collection('x').countDocuments({ done: { $exists: false } })) === 0,
  }
  return migration(Object.assign(definition, parts))
}

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

describe('an author’s mistake', () => {
  it('that throws is recorded without a value of a document, and runs again when mended', async () => {
    await putX(5)
    const throwing = marking({
      up: async ({ db }) => {
        await db.collection('x').createIndex({ name: 1 }, { unique: true })
        await db.collection('x').insertOne({ name: 'DOE^JANE' })
        await db.collection('x').insertOne({ name: 'DOE^JANE' })
      },
      check: async () => false,
    })
    await root.collection('x').drop()
    await expect(apply([throwing], 'data')).rejects.toThrow(/001_x: duplicate key/)
    const { entries, history } = await readLedger(opened)
    expect(JSON.stringify([entries, history])).not.toContain('DOE')
    expect(entries[0]).toMatchObject({ state: 'failed', error: expect.stringMatching(/duplicate key/) })
    await apply([marking({})], 'data')
    expect((await readLedger(opened)).entries[0]?.state).toBe('applied')
  })

  it('that never ends is ended at its limit, and its calls with it', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<string>()
    const endless = marking({
      timeout: '500ms',
      up: async ({ db }) => {
        try {
          for (;;) await db.collection('y').findOne()
        } catch (thrown) {
          resolve(String(thrown))
          throw thrown
        }
      },
    })
    await expect(apply([endless], 'data')).rejects.toThrow(/up of 001_x took longer than 0\.5 s and was ended/)
    expect(await ended).toMatch(/closed/i)
    expect((await readLedger(opened)).entries[0]?.state).toBe('failed')
  })

  it('that never ends in check or down is ended at its limit, too', async () => {
    await putX(5)
    const forever = () => new Promise<never>(() => undefined)
    const silent = marking({ timeout: '500ms', check: forever })
    await expect(apply([silent], 'data')).rejects.toThrow(/check failed: check of 001_x took longer than 0\.5 s/)
    const kept = marking({ timeout: '500ms', down: forever })
    await apply([kept], 'data')
    await expect(undoTo(opened, [kept], null, common)).rejects.toThrow(
      /undo of 001_x: down of 001_x took longer than 0\.5 s and was ended; ask for the undo again to continue/,
    )
    expect((await readLedger(opened)).entries[0]?.state).toBe('rolling-back')
  })

  it('in check does not pass: a lie, a no, nothing at all, a write', async () => {
    const liar = migration({
      phase: 'expand',
      description: 'x',
      async up({ db, schema }) {
        await schema.collection('x', { indexes: [{ name: 'n', key: { n: 1 } }] })
        await db.collection('x').dropIndex('n')
      },
      down: ({ schema }) => schema.restore(),
      check: async () => true,
    })
    await expect(apply([liar], 'expand')).rejects.toThrow(
      /is not done, though its check says it is: x: index n is not there/,
    )
    const checks: [MigrationDefinition['check'], RegExp][] = [
      [async () => false, /its check says it is not done/],
      [async () => Reflect.get({}, 'x'), /it gave undefined instead of true or false/],
      [
        async ({ db }) => (await db.collection('x').deleteMany({})).acknowledged,
        /collection\.deleteMany is not allowed/,
      ],
      [
        async ({ db }) =>
          (
            await db
              .collection('x')
              .aggregate([{ $out: 'y' }])
              .toArray()
          ).length === 0,
        /with \$out/,
      ],
    ]
    for (const [check, message] of checks) {
      await clear(root)
      await expect(apply([marking({ check })], 'data')).rejects.toThrow(message)
    }
  })

  it('that was cut and cannot be told is settled by a person, with a reason', async () => {
    const unclear = marking({
      check: async () => {
        throw new Error('who knows')
      },
    })
    await expect(apply([unclear], 'data')).rejects.toThrow(/its check failed: who knows/)
    await expect(apply([unclear], 'data')).rejects.toThrow(
      /find out, then "pacs-agent migrate mark 001_x applied\|pending/,
    )
    await mark(opened, [unclear], '001_x', 'applied', { ...common, reason: 'looked at every document' })
    expect((await readLedger(opened)).history.at(-1)).toMatchObject({
      event: 'marked-applied',
      note: 'looked at every document',
    })
    expect(await apply([unclear], 'data')).toEqual({ applied: [], waiting: [] })
  })
})

describe('a ledger that was edited by hand', () => {
  it.each([
    ['an entry taken away', () => root.collection('_migrations').deleteMany({}), /missing from the ledger/],
    [
      'a state',
      () => root.collection('_migrations').updateMany({}, { $set: { state: 'done' } }),
      /_migrations 001_x .*state/,
    ],
    [
      'one that was applied and is to run again',
      () => root.collection('_migrations').updateMany({}, { $set: { state: 'failed' } }),
      /001_x is failed by the ledger, but its history ends with applied/,
    ],
    [
      'a hash',
      () => root.collection('_migrations').updateMany({}, { $set: { sha256: sha256('other') } }),
      /another hash in the ledger/,
    ],
  ])('%s: refuses to run and to plan', async (_what, edit, message) => {
    await apply([marking()], 'data')
    await edit()
    await expect(apply([marking()], 'data')).rejects.toThrow(message)
    await expect(planMigrations(opened, [marking()], { phase: 'data', signal })).rejects.toThrow(message)
  })

  it('goes on when a person has said what is true', async () => {
    await apply([marking()], 'data')
    await root.collection('_migrations').deleteMany({})
    await mark(opened, [marking()], '001_x', 'applied', { ...common, reason: 'it was deleted by mistake' })
    expect(await apply([marking()], 'data')).toEqual({ applied: [], waiting: [] })
  })
})

describe('an existing collection', () => {
  const declared = (parts: object = {}) =>
    migration({
      phase: 'expand',
      description: 'x',
      up: ({ schema }) =>
        schema.collection('x', {
          schema: { bsonType: 'object', required: ['n'], properties: { n: { bsonType: ['int', 'long', 'double'] } } },
          ...parts,
        }),
      down: ({ schema }) => schema.restore(),
      check: async () => true,
    })

  it('is adopted: counted, warned about, and strict once its documents are mended', async () => {
    await root.collection('x').insertMany([{ n: 1 }, { n: 'two' }, {}])
    const plan = await planMigrations(opened, [declared()], { phase: 'expand', signal })
    expect(plan.steps[0]?.impacts[0]).toMatchObject({
      level: 'warning',
      text: '2 documents do not satisfy the validator: it warns only, until they are mended',
    })
    await apply([declared()], 'expand')
    const validation = async () => (await opened.catalog.describe('x'))?.validation
    expect(await validation()).toMatchObject({ level: 'moderate', action: 'warn' })
    await root.collection('x').updateMany({}, { $set: { n: 3 } })
    const again = { ...declared(), id: '002_again', sha256: sha256('again') }
    await apply([declared(), again], 'expand')
    expect(await validation()).toMatchObject({ level: 'strict', action: 'error' })
    await expect(root.collection('x').insertOne({ n: 'two' })).rejects.toMatchObject({ code: 121 })
  })

  it('with duplicates gets no unique index, and plan and run say how many', async () => {
    await root.collection('x').insertMany([{ n: 1 }, { n: 1 }, { n: 2 }])
    const unique = declared({ indexes: [{ name: 'n', key: { n: 1 }, unique: true }] })
    const plan = await planMigrations(opened, [unique], { phase: 'expand', signal })
    expect(plan.steps[0]?.impacts).toContainEqual({
      level: 'error',
      collection: 'x',
      text: '1 values stand more than once: n cannot be unique',
    })
    await expect(apply([unique], 'expand')).rejects.toThrow(/1 values stand more than once/)
  })

  it('gets indexes of every kind, which are then no drift, and is undone to every byte', async () => {
    await root.collection('x').insertMany([{ n: 1, text: 'no finding', at: { type: 'Point', coordinates: [7, 50] } }])
    const before = await contentOf(root)
    const kinds: IndexDeclaration[] = [
      { name: 'words', key: { text: 'text' } },
      { name: 'place', key: { at: '2dsphere' } },
      { name: 'spread', key: { n: 'hashed' } },
      { name: 'some', key: { n: -1, text: 1 }, partialFilterExpression: { n: { $gt: 0 } } },
    ]
    const every = declared({ indexes: kinds })
    await apply([every], 'expand')
    expect((await opened.catalog.describe('x'))?.indexes).toHaveLength(kinds.length)
    expect(await driftOf(opened, [every], signal)).toEqual([])
    const again = { ...every, id: '002_again', sha256: sha256('again') }
    const { steps } = await planMigrations(opened, [every, again], { phase: 'expand', signal })
    expect(steps[0]?.impacts.map(({ text }) => text)).toEqual(['is as declared already'])
    await undoTo(opened, [every], null, common)
    expect(await contentOf(root)).toEqual(before)
  })

  it('has as duplicates what the server would refuse: what is absent as null, and nothing that a sparse or partial index leaves out', async () => {
    const x = root.collection('x')
    const unique = (more: object) => declared({ indexes: [{ name: 'n', key: { n: 1 }, unique: true, ...more }] })
    await x.insertMany([{ n: 1, on: true }, { n: 1 }, { n: 2 }, {}, { n: null }])
    const duplicates = async (index: object) => {
      const { steps } = await planMigrations(opened, [unique(index)], { phase: 'expand', signal })
      return steps[0]?.impacts.flatMap(({ level, text }) => (level === 'error' ? [Number.parseInt(text, 10)] : []))
    }
    expect(await duplicates({})).toEqual([2])
    expect(await duplicates({ sparse: true })).toEqual([1])
    expect(await duplicates({ partialFilterExpression: { on: true } })).toEqual([])
    await expect(x.createIndex({ n: 1 }, { unique: true })).rejects.toMatchObject({ code: 11000 })
    await x.deleteMany({ n: { $in: [1, null] }, on: { $ne: true } })
    await x.insertMany([{ text: 'without' }, { text: 'another' }])
    await expect(apply([unique({})], 'expand')).rejects.toThrow(/1 values stand more than once/)
    await clear(root)
    await x.insertMany([{ n: 1 }, {}, {}])
    await apply([unique({ sparse: true })], 'expand')
    await expect(x.insertOne({ n: 1 })).rejects.toMatchObject({ code: 11000 })
  })

  it('is told how many documents a TTL would delete at once', async () => {
    const old = new Date(Date.now() - 3_600_000)
    await root.collection('x').insertMany([{ n: 1, at: old }, { n: 2, at: new Date(Date.now() + 3_600_000) }, { n: 3 }])
    const ttl = declared({ indexes: [{ name: 'at', key: { at: 1 }, expireAfterSeconds: 60 }] })
    const plan = await planMigrations(opened, [ttl], { phase: 'expand', signal })
    expect(plan.steps[0]?.impacts).toContainEqual(
      expect.objectContaining({ level: 'warning', text: expect.stringMatching(/deletes 1 documents within a minute/) }),
    )
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

  it('of 16 MB are changed and given back byte by byte', async () => {
    const bytes = 16 * 1024 * 1024 - 4096
    await root.collection('x').insertOne({ n: 1, blob: new BSON.Binary(Buffer.alloc(bytes, 7)) })
    const before = await contentOf(root)
    await apply([marking()], 'data')
    expect(await root.collection('x').findOne({}, { projection: { done: 1, _id: 0 } })).toEqual({ done: true })
    await undoTo(opened, [marking()], null, common)
    expect(await contentOf(root)).toEqual(before)
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
