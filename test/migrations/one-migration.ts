import type { Migration, MigrationDefinition } from '../../src/migrations/index.ts'
import { sha256 } from '../../src/release/index.ts'

export function migration(definition: MigrationDefinition, id = '001_x'): Migration {
  return { id, sha256: sha256(id), phase: definition.phase, definition }
}

/** A data migration that sets `done` in every document of `x`, with parts of it replaced. */
export function marking(parts: Partial<MigrationDefinition> = {}): Migration {
  const definition: MigrationDefinition = {
    phase: 'data',
    description: 'x',
    up: ({ batches }) =>
      batches({
        collection: 'x',
        filter: { done: { $exists: false } },
        size: 10,
        change: () => ({ set: { done: true } }),
      }),
    down: ({ batches }) => batches.restore(),
    check: async ({ db }) => (await db.collection('x').countDocuments({ done: { $exists: false } })) === 0,
  }
  return migration(Object.assign(definition, parts))
}
