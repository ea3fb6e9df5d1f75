// Runs over the real database that are killed, cut or left without an answer. What an undisturbed run leaves is what each must leave.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db, Document } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  applyMigrations,
  type DatabaseAddress,
  loadMigrations,
  type Migration,
  type MigrationEvent,
  openDatabase,
  PHASES,
  undoTo,
} from '../../src/migrations/index.ts'
import { type Database, type Fault, startDatabase, startWire, type Wire } from '../lab/index.ts'
import { addressOf, clear, contentOf, passLease, putReports, sampleFolder } from '../migrations/site.ts'
import { random, seedOfCommit } from '../site/seed.ts'

/** Five batches: two are under way at once, so that after one death more than one is left. */
const REPORTS = 220
/** Long: what a test wants run out, it ends by hand. */
const LEASE = { ttl: 30_000, wait: 30_000 }

let database: Database
let db: Db
let folder: string
let migrations: Migration[]
/** What an undisturbed run leaves, and how many commands it sends. */
let expected: Record<string, string>
let commands: number
/** Ids of the reports as a walk meets them. */
let order: string[]
const wires: Wire[] = []

async function applyAll(
  address: DatabaseAddress,
  lease = LEASE,
  onEvent: (event: MigrationEvent) => void = () => undefined,
): Promise<void> {
  await using opened = await openDatabase(address)
  const common = { run: 'run', actor: 'octocat', host: 'runner', signal: new AbortController().signal, lease }
  for (const phase of PHASES) {
    await applyMigrations(opened, migrations, { ...common, onEvent, phase })
  }
}

async function undoAll(address: DatabaseAddress): Promise<void> {
  await using opened = await openDatabase(address)
  const common = { run: 'run', actor: 'octocat', host: 'runner', signal: new AbortController().signal, lease: LEASE }
  await undoTo(opened, migrations, null, { ...common, onEvent: () => undefined })
}

async function newWire(): Promise<Wire> {
  const wire = await startWire(database)
  wires.push(wire)
  return wire
}

beforeAll(async () => {
  database = await startDatabase()
  db = (await database.connect('root')).db('pacs')
  folder = await sampleFolder()
  migrations = await loadMigrations(folder)
  await putReports(db, REPORTS)
  order = (await db.collection('reports').find().sort({ _id: 1 }).toArray()).map(({ _id }) => String(_id))
  const wire = await newWire()
  await applyAll(addressOf(database, wire))
  expected = await contentOf(db)
  commands = wire.commands.length
})

beforeEach(async () => {
  await clear(db)
  await putReports(db, REPORTS)
})

afterAll(async () => {
  for (const wire of wires) await wire[Symbol.asyncDispose]()
  await database?.down()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

/** `count` points of a run, spread over its commands and different with each commit. */
async function points(count: number, salt: number): Promise<number[]> {
  const next = random(Number.parseInt(await seedOfCommit(), 16) + salt)
  // A slow run renews its lease more often: only the sure part of the commands is drawn from.
  const width = (commands * 0.8) / count
  return Array.from({ length: count }, (_, part) => Math.floor((part + next()) * width))
}

/**
 * Starts run after run. Each falls silent for ever at the first command that `nameOf` names and at which none before it did, as that of
 * a process that was killed there; the last one meets none and ends.
 * @returns where they died
 */
async function dieAtEach(
  at: Fault['at'],
  nameOf: (command: Document) => string | null,
  work: (address: DatabaseAddress) => Promise<void> = applyAll,
): Promise<string[]> {
  const deaths = new Set<string>()
  for (;;) {
    const wire = await newWire()
    wire.break({
      how: 'silence',
      at,
      matches(command) {
        const name = nameOf(command)
        if (name === null || deaths.has(name)) return false
        deaths.add(name)
        return true
      },
    })
    const run = work(addressOf(database, wire))
    await Promise.race([run, wire.untilStruck()])
    if (wire.struck === 0) return [...deaths]
    run.catch(() => undefined)
    await passLease(db)
  }
}

/** What a write to ledger or history says, without who wrote it. */
function ledgerWrite(command: Document): string | null {
  const { insert, update } = command
  const [written] = [...(command.documents ?? []), ...(command.updates ?? []).map(({ u }: Document) => u)]
  if (insert === '_migrations_history') return `history: ${written.migration} ${written.event}`
  if ((insert !== '_migrations' && update !== '_migrations') || written.progress === undefined) return null
  const reached = Object.values<Document>(written.progress).map(({ after, finished }) => `${finished} ${after}`)
  return `ledger: ${written._id} ${written.state} ${reached}`
}

/** A command that writes many documents: before-images, or what a migration changes; the latter by where the batch begins. */
function batchWrite({ insert, update, documents, updates }: Document): string | null {
  if (insert === '_migrations_before' && documents.length > 1) return `images of ${documents[0].migration}`
  if (update === '_migrations_before' && updates.length > 1) return `images of ${updates[0].u.migration}, again`
  if (update !== 'reports') return null
  const ids: unknown[] = updates.flatMap(({ q }: Document) => q._id.$in ?? [q._id])
  const [{ u }] = updates
  return ids.length < 2
    ? null
    : `reports: ${Object.keys(u)} from batch ${Math.floor(order.indexOf(String(ids[0])) / 50)}`
}

/** A write of an undo, each kind of the data's once. */
function undoWrite(command: Document): string | null {
  const { update, delete: removed, createIndexes, dropIndexes, drop } = command
  if (update === 'reports') return 'reports put back'
  if (removed === '_migrations_before') return 'images removed'
  if (removed === '_migrations') return `entry removed: ${command.deletes[0].q._id}`
  if (createIndexes === 'reports') return 'index made'
  if (dropIndexes === 'reports') return 'index dropped'
  if (drop !== undefined) return `collection dropped: ${drop}`
  return ledgerWrite(command)
}

it('has the sample do what it says, each change once', async () => {
  await applyAll(addressOf(database))
  const reports = await db.collection('reports').find().toArray()
  expect(reports).toHaveLength(REPORTS)
  for (const { words, note, revision } of reports) expect([words >= 5, note, revision]).toEqual([true, undefined, 2])
  expect(commands).toBeGreaterThan(60)
})

describe('runs that die', () => {
  it.each([
    ['before the database sees it', 'request'],
    ['after the database did it', 'reply'],
  ] as const)('at every write of the ledger, %s, are finished by the next, to the same content', async (_when, at) => {
    const deaths = await dieAtEach(at, ledgerWrite)
    expect(deaths.length).toBeGreaterThanOrEqual(20)
    for (const { id } of migrations) {
      for (const what of [`history: ${id} applying`, `history: ${id} applied`, `ledger: ${id} applied`]) {
        expect(deaths).toContainEqual(expect.stringMatching(`^${what}`))
      }
    }
    expect(await contentOf(db)).toEqual(expected)
  })

  it('in the middle of every batch are finished by the next, to the same content', async () => {
    const deaths = await dieAtEach('half', batchWrite)
    expect(deaths.filter((name) => name.startsWith('reports: $set')).length).toBeGreaterThanOrEqual(2)
    expect(deaths.filter((name) => name.startsWith('reports: $unset')).length).toBeGreaterThanOrEqual(1)
    expect(deaths).toContain('images of 004_count_words')
    expect(await contentOf(db)).toEqual(expected)
  })

  it('in an undo, at every write of the ledger and of what it puts back, are finished by the next, to what was before', async () => {
    const before = await contentOf(db)
    await applyAll(addressOf(database))
    const deaths = await dieAtEach('reply', undoWrite, undoAll)
    for (const { id } of migrations) {
      for (const what of [`history: ${id} rolling-back`, `history: ${id} undone`]) expect(deaths).toContain(what)
    }
    for (const what of ['reports put back', 'images removed', 'index made', 'collection dropped', 'entry removed'])
      expect(deaths).toContainEqual(expect.stringContaining(what))
    expect(await contentOf(db)).toEqual(before)
  })

  it('by a real SIGKILL are finished by the next, to the same content', async () => {
    for (const [index, after] of (await points(2, 1)).entries()) {
      await clear(db)
      await putReports(db, REPORTS)
      const at = index % 2 === 0 ? 'request' : 'reply'
      await killAt({ how: 'silence', at, after })
      await passLease(db)
      await applyAll(addressOf(database))
      expect(await contentOf(db), `killed at command ${after} of ${commands}, ${at}`).toEqual(expected)
    }
  })
})

/** Applies in a process that is killed where `fault` strikes. */
async function killAt(fault: Fault): Promise<void> {
  const wire = await newWire()
  wire.break(fault)
  const child = spawn(process.execPath, [join(import.meta.dirname, '../migrations/child.ts')], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  child.stdin.end(JSON.stringify({ address: addressOf(database, wire), folder, phases: PHASES, lease: LEASE }))
  await Promise.race([wire.untilStruck(), exited])
  child.kill('SIGKILL')
  const [, signal] = await exited
  expect(signal).toBe('SIGKILL')
}

describe('a way to the database', () => {
  it('that is cut at any command is survived by the run itself', async () => {
    for (const [index, after] of (await points(4, 2)).entries()) {
      await clear(db)
      await putReports(db, REPORTS)
      const at = index % 2 === 0 ? 'reply' : 'request'
      const wire = await newWire()
      wire.break({ how: 'close', at, after })
      await applyAll(addressOf(database, wire))
      expect(wire.struck).toBe(1)
      expect(await contentOf(db), `cut at command ${after} of ${commands}, ${at}`).toEqual(expected)
    }
  })

  it('that is cut again and again ends the run after five cuts that it survived; the next one finishes', async () => {
    const wire = await newWire()
    const lost: string[] = []
    const fault: Fault = { how: 'close', at: 'request', matches: ({ update }) => update === 'reports' }
    wire.break(fault)
    const again = () => wire.untilStruck().then(() => wire.break(fault))
    const onEvent = (event: MigrationEvent) => {
      if (event.kind !== 'log' || !/the connection to the database broke; waits for it/.test(event.line)) return
      lost.push(event.id)
    }
    const run = applyAll(addressOf(database, wire), LEASE, onEvent)
    const ended = expect(run).rejects.toMatchObject({
      kind: 'unreachable',
      message: '004_count_words: the connection to the database broke; ask again, it continues',
    })
    let isOver = false
    void ended.finally(() => {
      isOver = true
    })
    while (!isOver) await Promise.race([again(), ended])
    expect(lost).toEqual(Array(5).fill('004_count_words'))
    // Two batches are under way at once, and the cut of one is the cut of both.
    expect(wire.struck).toBeGreaterThanOrEqual(6)
    await passLease(db)
    await applyAll(addressOf(database))
    expect(await contentOf(db)).toEqual(expected)
  })

  it('that is cut whenever the lease is asked for is given up after four questions, and nothing was changed', async () => {
    const before = await contentOf(db)
    const wire = await newWire()
    const asks: Fault = { how: 'close', at: 'request', command: 'findAndModify' }
    let questions = 0
    const count = (): boolean => {
      questions += 1
      return true
    }
    const arm = () => wire.break({ ...asks, matches: count })
    arm()
    let isOver = false
    const ended = expect(applyAll(addressOf(database, wire)))
      .rejects.toMatchObject({
        kind: 'unreachable',
        message: 'the lease cannot be taken: the connection to the database broke; ask again, it continues',
      })
      .finally(() => {
        isOver = true
      })
    while (!isOver) await Promise.race([wire.untilStruck().then(arm), ended])
    // The driver itself asks a replica set once more, under a number by which the server knows a write that it did.
    expect(questions).toBe(database.topology === 'replica-set' ? 8 : 4)
    expect(await contentOf(db)).toEqual(before)
  })

  it.each([0, 1, 2])(
    'that swallows everything ends the run before others may take its lease; the next one finishes (%i)',
    async (part) => {
      const after = ((await points(3, 3))[part] ?? 0) % 60
      const wire = await newWire()
      wire.break({ how: 'silence', at: after % 2 === 0 ? 'request' : 'reply', after, matches: isUnderLease })
      await expect(applyAll(addressOf(database, wire), { ttl: 5000, wait: 0 })).rejects.toMatchObject({
        kind: 'failed',
        message: expect.stringMatching(/lease of the database was lost \(not renewed for 4000 ms/),
      })
      await passLease(db)
      await applyAll(addressOf(database))
      expect(await contentOf(db), `silent at command ${after} under the lease`).toEqual(expected)
    },
  )
})

/** Reads and writes that a run makes only while it holds the lease. */
function isUnderLease(command: Document): boolean {
  const { find, aggregate, listCollections, listIndexes } = command
  const reads = [find, aggregate].some((of) => of === 'reports') || (listCollections ?? listIndexes) !== undefined
  return reads || ledgerWrite(command) !== null || batchWrite(command) !== null
}
