import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { applyCarried, applyMigrations, readCarried, writeLock } from '../../../src/migrations/index.ts'
import { type ReleaseManifest, sha256 } from '../../../src/release/index.ts'
import { connect, MemoryDatabase } from './memory-store.ts'
import { ACTOR, SHORT } from './sample.ts'

const common = { ...ACTOR, signal: new AbortController().signal, onEvent: () => undefined, lease: SHORT }
const NOT_TO_BE_IMPORTED = "throw new Error('imported')\n"
const carried: ReleaseManifest['migrations'] = [
  { id: '001_first', sha256: sha256(NOT_TO_BE_IMPORTED), phase: 'expand' },
]

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-migrations-'))
  await writeFile(join(folder, '001_first.js'), NOT_TO_BE_IMPORTED)
  await writeLock(folder)
})
afterEach(() => rm(folder, { recursive: true }))

it('imports a migration of a release when it is pending, and before anything is written', async () => {
  const database = new MemoryDatabase()
  const apply = async () =>
    applyCarried(connect(database), await readCarried(folder, carried), { ...common, phase: 'expand' })
  await expect(apply()).rejects.toThrow(/001_first\.js cannot be loaded: imported/)
  const store = connect(database)
  expect(await store.ledger.read()).toEqual({ rest: null, entries: [], history: [] })
  const definition = { description: 'x', irreversible: 'a test', up: async () => undefined, check: async () => true }
  const migrations = carried.map((one) => ({ ...one, definition: { ...definition, phase: one.phase } }))
  await applyMigrations(store, migrations, { ...common, phase: 'expand' })
  expect(await apply()).toEqual({ applied: [], waiting: [] })
})

it('leaves out what is newer than the release, and does not take another content for its own', async () => {
  await writeFile(join(folder, '002_newer.js'), NOT_TO_BE_IMPORTED)
  await writeLock(folder)
  expect((await readCarried(folder, carried)).known).toEqual(carried)
  const edited = carried.map((one) => ({ ...one, sha256: sha256('another') }))
  await expect(readCarried(folder, edited)).rejects.toThrow(/not the migrations of the release \(001_first differ/)
})
