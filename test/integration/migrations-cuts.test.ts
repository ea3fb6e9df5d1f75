import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type ApplyOptions,
  applyMigrations,
  type DatabaseAddress,
  loadMigrations,
  type Migration,
  openDatabase,
  PHASES,
} from '../../src/migrations/index.ts'
import { type Database, type Fault, startDatabase, startWire } from '../lab/index.ts'
import { addressOf, clear, contentOf, putReports, sampleFolder } from '../migrations/site.ts'
import { random, seedOfCommit } from '../site/seed.ts'

const REPORTS = 220
/** Short, since each run after a kill waits until the lease of the dead one has run out. */
const LEASE = { ttl: 1200, wait: 30_000 }

let database: Database
let db: Db
let folder: string
let migrations: Migration[]
/** What an undisturbed run leaves, and how many commands it sends. */
let expected: Record<string, string>
let commands: number

async function applyAll(address: DatabaseAddress, onEvent: ApplyOptions['onEvent'] = () => undefined): Promise<void> {
  await using opened = await openDatabase(address)
  const signal = new AbortController().signal
  for (const phase of PHASES) {
    await applyMigrations(opened, migrations, {
      run: 'run',
      actor: 'octocat',
      host: 'runner',
      signal,
      onEvent,
      phase,
      lease: LEASE,
    })
  }
}

beforeAll(async () => {
  database = await startDatabase()
  db = (await database.connect('root')).db('pacs')
  folder = await sampleFolder()
  migrations = await loadMigrations(folder)
  await putReports(db, REPORTS)
  await using wire = await startWire(database)
  await applyAll(addressOf(database, wire))
  expected = await contentOf(db)
  commands = wire.commands.length
})

beforeEach(async () => {
  await clear(db)
  await putReports(db, REPORTS)
})

afterAll(async () => {
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

/** Applies in a process that is killed where `fault` strikes. */
async function killAt(fault: Fault): Promise<void> {
  await using wire = await startWire(database)
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

describe('a run that is disturbed', () => {
  it('has the sample do what it says', async () => {
    await applyAll(addressOf(database))
    const reports = await db.collection('reports').find().toArray()
    expect(reports).toHaveLength(REPORTS)
    expect(reports.every(({ words, note }) => words >= 5 && note === undefined)).toBe(true)
    expect(commands).toBeGreaterThan(80)
  })

  it('by SIGKILL at a command is finished by the next one, to the same content', async () => {
    for (const [index, after] of (await points(4, 1)).entries()) {
      await clear(db)
      await putReports(db, REPORTS)
      const at = index % 2 === 0 ? 'request' : 'reply'
      await killAt({ how: 'silence', at, after })
      await applyAll(addressOf(database))
      expect(await contentOf(db), `killed at command ${after} of ${commands}, ${at}`).toEqual(expected)
    }
  })

  it('by a cut connection is finished by the next one, to the same content', async () => {
    for (const [index, after] of (await points(4, 2)).entries()) {
      await clear(db)
      await putReports(db, REPORTS)
      const at = index % 2 === 0 ? 'reply' : 'request'
      await using wire = await startWire(database)
      wire.break({ how: 'close', at, after })
      await applyAll(addressOf(database, wire)).catch(() => undefined)
      expect(wire.struck).toBe(1)
      await applyAll(addressOf(database))
      expect(await contentOf(db), `cut at command ${after} of ${commands}, ${at}`).toEqual(expected)
    }
  })
})
