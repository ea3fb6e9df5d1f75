import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { applyMigrations, loadMigrations, PHASES, review, verdictOn, writeLock } from '../../../src/migrations/index.ts'
import { connect, MemoryDatabase } from './memory-store.ts'
import { ACTOR, SHORT, seed } from './sample.ts'

const signal = new AbortController().signal
const common = { ...ACTOR, signal, onEvent: () => undefined, lease: SHORT }

let folder: string
let database: MemoryDatabase
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-migrations-'))
  database = new MemoryDatabase()
  seed(database)
})
afterEach(() => rm(folder, { recursive: true }))

async function lay(id: string, phase: string, up: string): Promise<void> {
  const text = `export default {
  phase: '${phase}', description: 'x', irreversible: 'it is a test', assured: { destructive: 'it is a test' },
  async up({ db, schema, batches }) { ${up} },
  async check() { return true },
}
`
  await writeFile(join(folder, `${id}.js`), text)
}

async function reviewed() {
  await writeLock(folder)
  const migrations = await loadMigrations(folder)
  return { migrations, ...(await review(connect(database), migrations, { phases: PHASES, folder, signal })) }
}

it('has nothing against an expand over what a contract changed that is applied', async () => {
  await lay('001_away', 'contract', "await batches({ collection: 'reports', change: () => ({ unset: ['old'] }) })")
  await lay('002_index', 'expand', "await schema.collection('reports', { indexes: [{ name: 'n', key: { n: 1 } }] })")
  const { migrations, findings } = await reviewed()
  expect(findings.map(({ id }) => id)).toEqual(['expand-after-contract'])
  await applyMigrations(connect(database), migrations.slice(0, 1), { ...common, phase: 'contract' })
  expect(verdictOn(await reviewed())).toEqual({ isGood: true, text: 'would be applied: 002_index' })
})
