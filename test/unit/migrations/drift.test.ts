import { describe, expect, it } from 'vitest'
import { refused } from '../../../src/lib/index.ts'
import type { UpContext } from '../../../src/migrations/definition.ts'
import { applyMigrations, driftOf } from '../../../src/migrations/index.ts'
import { connect, MemoryDatabase } from './memory-store.ts'
import { ACTOR, migration, SHORT } from './sample.ts'

const signal = new AbortController().signal

const step = (id: string, up: (context: UpContext) => Promise<void>) =>
  migration(id, { phase: 'expand', description: 'x', up, check: async () => true, irreversible: 'only a test' })

const declaring = (id: string) =>
  step(id, ({ schema }) => schema.collection('reports', { indexes: [{ name: 'n', key: { n: 1 } }] }))

/** Its own calls change what is declared; a plan stops it there. */
const dropping = (id: string, database: MemoryDatabase) =>
  step(id, async ({ db }) => {
    expect(db).toBeDefined()
    database.collections.delete('reports')
  })

async function ran(database: MemoryDatabase, migrations: ReturnType<typeof step>[]) {
  for (const one of migrations) {
    database.clock += 1000
    const options = { ...ACTOR, signal, onEvent: () => undefined, lease: SHORT, phase: 'expand' as const }
    await applyMigrations(connect(database), migrations.slice(0, migrations.indexOf(one) + 1), options)
  }
  return connect(database)
}

describe('a collection that is not as declared', () => {
  const DROPPED = 'reports is not there: someone changed it by hand'

  it('was changed by hand where no migration works by calls of its own', async () => {
    const database = new MemoryDatabase()
    const migrations = [declaring('001_first'), step('002_none', async () => undefined)]
    const store = await ran(database, migrations)
    expect(await driftOf(store, migrations, signal)).toEqual([])
    database.collections.delete('reports')
    const drift = await driftOf(store, migrations, signal)
    expect(drift).toEqual([{ collection: 'reports', migration: '001_first', text: DROPPED }])
  })

  it('may have been by one that ran since and has calls of its own, and not by one that ran before', async () => {
    const database = new MemoryDatabase()
    const before = dropping('000_before', database)
    const migrations = [before, declaring('001_first'), dropping('002_drop', database)]
    const texts = (await driftOf(await ran(database, migrations), migrations, signal)).map(({ text }) => text)
    expect(texts).toEqual([`${DROPPED}, or 002_drop by its own calls`])
  })

  it('is told where it has become a view, as the rest of the drift', async () => {
    const database = new MemoryDatabase()
    const migrations = [declaring('001_first'), step('002_more', ({ schema }) => schema.collection('studies', {}))]
    const store = await ran(database, migrations)
    const { describe } = store.catalog
    database.collections.delete('studies')
    store.catalog.describe = async (name) => {
      if (name === 'reports') throw refused('reports is a view: a declaration needs a collection')
      return describe(name)
    }
    expect((await driftOf(store, migrations, signal)).map(({ text }) => text)).toEqual([
      'reports is a view: a declaration needs a collection: someone changed it by hand',
      'studies is not there: someone changed it by hand',
    ])
    store.catalog.describe = () => Promise.reject(new Error('gone'))
    await expect(driftOf(store, migrations, signal)).rejects.toThrow('gone')
  })
})
