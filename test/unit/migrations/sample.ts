import { setTimeout as delay } from 'node:timers/promises'
import type { MigrationDefinition } from '../../../src/migrations/definition.ts'
import type { Migration } from '../../../src/migrations/files.ts'
import { sha256 } from '../../../src/release/index.ts'
import type { MemoryDatabase } from './memory-store.ts'

export const ACTOR = { run: 'run-1', actor: 'octocat', host: 'runner' }

/** Lets timers of a lease fire within a test; a lease of a dead owner has run out when this has passed. */
export const SHORT = { ttl: 60_000, wait: 0, fresh: 0 }

export function migration(id: string, definition: MigrationDefinition): Migration {
  return { id, sha256: sha256(id), phase: definition.phase, definition }
}

/** Three migrations of each phase over `reports`, the data one by a change that may happen once only. */
export function sampleMigrations(database: MemoryDatabase): Migration[] {
  return [
    migration('001_create', {
      phase: 'expand',
      description: 'reports with a validator and an index',
      async up({ schema }) {
        await schema.collection('reports', {
          schema: { bsonType: 'object', required: ['n'] },
          indexes: [{ name: 'by_n', key: { n: 1 } }],
        })
        await schema.collection('sessions', { indexes: [{ name: 'once', key: { user: 1 }, unique: true }] })
      },
      down: ({ schema }) => schema.restore(),
      check: async () => database.collections.has('sessions'),
    }),
    migration('002_count', {
      phase: 'data',
      description: 'one more',
      up: ({ batches }) =>
        batches({
          collection: 'reports',
          size: 2,
          change: (document) => ({ set: { n: Number(document.n) + 1, counted: true } }),
        }),
      down: ({ batches }) => batches.restore(),
      check: async () => database.read('reports').every(({ counted }) => counted === true),
    }),
    migration('003_drop', {
      phase: 'contract',
      description: 'old field away',
      up: ({ batches }) =>
        batches({
          collection: 'reports',
          filter: { old: { $exists: true } },
          size: 2,
          change: () => ({ unset: ['old'] }),
        }),
      down: ({ batches }) => batches.restore(),
      check: async () => database.read('reports').every((report) => !Object.hasOwn(report, 'old')),
    }),
  ]
}

export function seed(database: MemoryDatabase): void {
  database.insert(
    'reports',
    [1, 2, 3, 4, 5].map((n) => ({ _id: `r${n}`, n, old: `text ${n}` })),
  )
}

/** Ends what a dead owner left: the server's clock passes its lease. */
export async function afterTheLease(database: MemoryDatabase): Promise<void> {
  database.clock += 10 * 60_000
  await delay(0)
}
