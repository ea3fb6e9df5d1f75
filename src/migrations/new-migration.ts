import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput } from '../lib/index.ts'
import type { Phase } from './definition.ts'
import { readFiles } from './files.ts'

/**
 * Writes the next migration as a file to fill in.
 * @returns its path.
 * @throws Failure `bad-input` for a name that is not snake_case, or that another migration has.
 */
export async function newMigration(folder: string, name: string, phase: Phase): Promise<string> {
  if (!/^[a-z0-9]+(_[a-z0-9]+)*$/.test(name)) {
    throw badInput(`name: "${name}" is not snake_case; write it like add_report_state`)
  }
  await mkdir(folder, { recursive: true })
  const files = await readFiles(folder)
  const twin = files.find(({ id }) => id.slice('000_'.length) === name)
  if (twin) throw badInput(`name: there is ${twin.id} already; choose another one`)
  const last = files.at(-1)?.id.slice(0, 3) ?? '000'
  const path = join(folder, `${String(Number(last) + 1).padStart(3, '0')}_${name}.js`)
  await writeFile(path, `${TYPED}\n${TEXTS[phase](name.replaceAll('_', ' '))}`, { flag: 'wx' })
  return path
}

/** Tells an author's editor what a migration is; the file lies beside the shipped ones. */
const TYPED = "/** @type {import('./migration.d.ts').MigrationDefinition} */"

const TEXTS: Record<Phase, (title: string) => string> = {
  expand: (title) => `export default {
  phase: 'expand',
  description: '${title}',
  async up({ schema }) {
    await schema.collection('reports', {
      schema: { bsonType: 'object', required: ['study'], properties: { study: { bsonType: 'string' } } },
      indexes: [{ name: 'by_study', key: { study: 1 }, serves: 'find({ study })' }],
    })
  },
  async down({ schema }) {
    await schema.restore()
  },
  async check({ db }) {
    const found = await db.listCollections({ name: 'reports' }).toArray()
    return found.length === 1
  },
}
`,
  data: (title) => `export default {
  phase: 'data',
  description: '${title}',
  async up({ batches }) {
    await batches({
      collection: 'reports',
      filter: { state: { $exists: false } },
      change: () => ({ set: { state: 'draft' } }),
    })
  },
  async down({ batches }) {
    await batches.restore()
  },
  async check({ db }) {
    return (await db.collection('reports').countDocuments({ state: { $exists: false } }, { limit: 1 })) === 0
  },
}
`,
  contract: (title) => `export default {
  phase: 'contract',
  description: '${title}',
  assured: { destructive: 'say who does not read the old field any more, and since when' },
  async up({ batches }) {
    await batches({
      collection: 'reports',
      filter: { oldField: { $exists: true } },
      change: () => ({ unset: ['oldField'] }),
    })
  },
  async down({ batches }) {
    await batches.restore()
  },
  async check({ db }) {
    return (await db.collection('reports').countDocuments({ oldField: { $exists: true } }, { limit: 1 })) === 0
  },
}
`,
}
