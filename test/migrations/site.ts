import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { BSON, type Db, type Document } from 'mongodb'
import { type DatabaseAddress, writeLock } from '../../src/migrations/index.ts'
import type { Address, Database } from '../lab/index.ts'

const root = join(import.meta.dirname, '../..')
export const PRODUCTION = join(root, 'deployment/production/migrations')
const FIXTURES = join(root, 'test/fixtures/migrations')

/** How `migrations` reaches the database of a test, through `at` when given. */
export function addressOf({ host, port, passwords }: Database, at: Address = { host, port }): DatabaseAddress {
  return { host: at.host, port: at.port, database: 'pacs', username: 'migrations', password: passwords.migrations }
}

/** A locked folder with 001 of the product, and an expand, a data and a contract migration over `reports`. */
export async function sampleFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-migrations-'))
  const fixtures = (await readdir(FIXTURES)).filter((name) => /^\d{3}_/.test(name)).map((name) => join(FIXTURES, name))
  for (const file of [join(PRODUCTION, '001_create_collections.js'), ...fixtures]) {
    await copyFile(file, join(folder, basename(file)))
  }
  await writeLock(folder)
  return folder
}

/** Takes everything out of the database. */
export async function clear(db: Db): Promise<void> {
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) await db.collection(name).drop()
}

/** The lease of a dead run has run out. */
export async function passLease(db: Db): Promise<void> {
  await db.collection<{ _id: string }>('_migrations').updateOne({ _id: 'lease' }, { $set: { expiresAt: new Date(0) } })
}

/** Reports of the old shape, with values whose BSON type an undo must keep. */
export async function putReports(db: Db, count: number): Promise<void> {
  const reports = Array.from({ length: count }, (_, n): Document => {
    const study = `1.2.${n}`
    return {
      _id: n % 7 === 0 ? `r${n}` : new BSON.ObjectId(createHash('sha256').update(study).digest('hex').slice(0, 24)),
      study,
      text: `no finding in series ${n}`.repeat((n % 3) + 1),
      author: `reader${n % 5}`,
      revision: 1,
      dose: new BSON.Double(n % 4),
      series: BSON.Long.fromNumber(n),
      ...(n % 2 === 0 ? { note: { '10': 'a', b: new BSON.Double(1), '2': [1, 2] } } : {}),
    }
  })
  if (reports.length > 0) await db.collection('reports').insertMany(reports)
}

/** One hash over everything that migrations are about: documents byte by byte, options, indexes, ledger; not who and when. */
export async function contentOf(db: Db): Promise<Record<string, string>> {
  const content: Record<string, string> = {}
  const collections = await db.listCollections().toArray()
  for (const { name, ...info } of collections.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    if (name === '_migrations_history' || name === '_migrations') continue
    const hash = createHash('sha256')
    const documents = await db.collection(name).find({}, { raw: true }).sort({ _id: 1 }).toArray()
    for (const document of documents) hash.update(bytesOf(document))
    const indexes = await db.collection(name).listIndexes().toArray()
    const described = indexes.map((index) => JSON.stringify(index)).sort()
    hash.update(JSON.stringify(['options' in info ? withoutEmptyValidator(info.options ?? {}) : null, described]))
    if (name !== '_migrations_before' || documents.length > 0)
      content[name] = `${documents.length} ${hash.digest('hex')}`
  }
  const ledger = await db
    .collection('_migrations')
    .find({ state: { $exists: true } })
    .sort({ _id: 1 })
    .toArray()
  content.ledger = ledger.map(({ _id, state, sha256 }) => `${_id} ${state} ${sha256}`).join('\n')
  return content
}

/** A server keeps the level of a validator that was taken away. */
function withoutEmptyValidator(options: Document): Document {
  if (options.validator === undefined || Object.keys(options.validator).length > 0) return options
  const { validator: _validator, validationLevel: _level, validationAction: _action, ...others } = options
  return others
}

function bytesOf(document: unknown): Uint8Array {
  if (document instanceof Uint8Array) return document
  throw new Error('not a raw document')
}
