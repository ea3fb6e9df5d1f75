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

const DECLARED = "await schema.collection('reports', { indexes: [{ name: 'a', key: { old: 1 }, unique: true }] })"
const WALK = "await batches({ collection: 'reports', filter: { n: 1 }, change: ({ n }) => ({ set: { old: n } }) })"
const NEVER = "await batches({ collection: 'reports', filter: { n: 9 }, change: ({ n }) => ({ set: { old: n } }) })"
const OWN = "await db.collection('reports').deleteOne({ _id: 'r1' })"
const DROP = "await schema.collection('reports', { dropIndexes: ['a'] })"

it.each([
  ['duplicates', 'what the same migration mends first', [`${WALK}; ${DECLARED}`]],
  ['duplicates', 'what a migration before it mends', [WALK, DECLARED]],
  ['duplicates', 'what cannot be foreseen of a migration before it', [OWN, DECLARED]],
  ['an index', 'which a migration before it drops', [DROP, DECLARED]],
])('lets %s pass, with a warning, %s', async (what, _why, [first = '', second]) => {
  const reports = database.collection('reports')
  if (what === 'an index') reports.indexes.push({ name: 'a', key: { n: 1 }, options: {} })
  else database.insert('reports', [{ _id: 'r6', n: 1, old: 'text 1' }])
  await lay('001_first', 'data', first)
  if (second !== undefined) await lay('002_second', 'data', second)
  const { plans, ...rest } = await reviewed()
  expect(plans.flatMap(({ steps }) => steps).at(-1)?.impacts).toContainEqual({
    level: 'warning',
    collection: 'reports',
    text: expect.stringMatching(
      /^(1 values stand more than once: a cannot be unique|an index a with other keys or options is there) now; what 001_first does comes first$/,
    ),
  })
  expect(verdictOn({ plans, ...rest })).toMatchObject({ isGood: true })
})

it.each([
  ['that finds nothing to mend', NEVER, DECLARED],
  ['that comes after it', DECLARED, WALK],
])('refuses duplicates beside a walk %s', async (_what, first, second) => {
  database.insert('reports', [{ _id: 'r6', n: 1, old: 'text 1' }])
  await lay('001_first', 'data', first)
  await lay('002_second', 'data', second)
  expect(verdictOn(await reviewed())).toMatchObject({ isGood: false, text: expect.stringContaining('stand more than') })
})

it('names ten of what would be applied, and of what waits, and counts the rest', async () => {
  const number = (index: number) => String(index).padStart(3, '0')
  for (let index = 1; index <= 12; index++) await lay(`${number(index)}_x`, 'expand', '')
  for (let index = 13; index <= 25; index++) await lay(`${number(index)}_x`, 'data', '')
  const { text } = verdictOn(await reviewed())
  expect(text).toMatch(/^would be applied: 001_x, .*, 010_x, and 2 more; 013_x .*; 022_x .*; and 3 more/)
  expect(text).not.toMatch(/01[12]_x,|023_x \(/)
})
