// One field more in every document, of a hundred values or of as many as documents: by a migration without and with before-images, and by
// the bare driver.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import { loadMigrations, writeLock } from '../../src/migrations/index.ts'
import type { Database, Progress } from '../lab/index.ts'
import { clear } from '../migrations/site.ts'
import { agentWork } from './agent-work.ts'
import { type Ran, runNode } from './child.ts'
import { type Measure, medianOf, rateOf, worstOf } from './report.ts'

const COLLECTION = 'reports'
/** Documents of one batch, on both sides. */
const SIZE = 1000
const INSERT = 5000

/** Runs the kinds in turns, each on documents that were made anew. */
export async function benchBackfill(
  database: Database,
  db: Db,
  folder: string,
  { rounds, documents }: { rounds: number; documents: number },
  progress: Progress,
): Promise<Measure[]> {
  const access = {
    port: database.port,
    database: 'pacs',
    username: 'migrations',
    password: database.passwords.migrations,
  }
  const byHand = { ...access, collection: COLLECTION, documents, size: SIZE }
  const migrate = async (directory: string) => {
    const migrations = (await loadMigrations(directory)).map(({ id, sha256, phase }) => ({ id, sha256, phase }))
    return agentWork({ work: 'migrate', access, directory, migrations, phase: 'data', run: 'bench', actor: 'bench' })
  }
  const off = `beforeImages: false, reads: ['n'],`
  const without = await writeMigration(join(folder, 'without'), off)
  const own = await writeMigration(join(folder, 'own'), off, 'n')
  const images = await writeMigration(join(folder, 'images'), '')
  const kinds: { name: string; run: () => Promise<Ran>; rates: number[]; peaks: number[] }[] = [
    {
      name: 'bare bulkWrite',
      run: () => runNode([join(import.meta.dirname, 'by-hand/bulk-write.js')], { input: JSON.stringify(byHand) }),
    },
    { name: 'without before-images', run: () => migrate(without) },
    { name: 'with before-images', run: () => migrate(images) },
    { name: 'without before-images, a value of its own for each document', run: () => migrate(own) },
  ].map((kind) => ({ ...kind, rates: [], peaks: [] }))
  for (let round = 1; round <= rounds; round++) {
    for (const { name, run, rates, peaks } of round % 2 === 0 ? kinds.toReversed() : kinds) {
      await clear(db)
      await fill(db, documents)
      const { ms, peak } = await progress.step(`round ${round} of the backfill: ${name}`, run)
      const left = await db.collection(COLLECTION).countDocuments({ words: { $exists: false } })
      if (left > 0) throw new Error(`${name}: ${left} documents were not changed`)
      rates.push(documents / (ms / 1000))
      peaks.push(peak)
    }
  }
  const rates = kinds.map((kind) => medianOf(`backfill, ${kind.name}`, 'documents/s', null, kind.rates))
  const [bare, plain, kept, apart] = rates
  if (!bare || !plain || !kept || !apart) throw new Error('a kind is missing')
  return [
    medianOf('documents of the backfill', 'documents', null, [documents]),
    ...rates,
    rateOf('backfill without before-images over bare bulkWrite', 0.8, plain, bare),
    rateOf('backfill with before-images over bare bulkWrite', null, kept, bare),
    rateOf('backfill with a value of its own for each document over bare bulkWrite', null, apart, bare),
    worstOf("the backfill's memory, without before-images", 'MB', null, kinds[1]?.peaks ?? []),
    worstOf("the backfill's memory, with before-images", 'MB', null, kinds[2]?.peaks ?? []),
  ]
}

async function writeMigration(folder: string, how: string, words = 'n % 100'): Promise<string> {
  await mkdir(folder)
  const text = `export default {
  phase: 'data',
  description: 'words of every report',
  up: ({ batches }) =>
    batches({
      collection: '${COLLECTION}',
      filter: { words: { $exists: false } },
      size: ${SIZE},
      ${how}
      change: ({ n }) => ({ set: { words: ${words} } }),
    }),
  down: ({ batches }) => batches.restore(),
  check: async ({ db }) => (await db.collection('${COLLECTION}').findOne({ words: { $exists: false } })) === null,
}
`
  await writeFile(join(folder, '001_words.js'), text)
  await writeLock(folder)
  return folder
}

async function fill(db: Db, documents: number): Promise<void> {
  for (let from = 0; from < documents; from += INSERT) {
    const some = Array.from({ length: Math.min(INSERT, documents - from) }, (_, index) => {
      const n = from + index
      return { _id: n, n, study: `1.2.840.${n}`, text: `no finding in series ${n}`, author: `reader${n % 5}` }
    })
    await db.collection<{ _id: number }>(COLLECTION).insertMany(some, { ordered: false })
  }
}
