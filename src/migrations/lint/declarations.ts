import { setTimeout as delay } from 'node:timers/promises'
import type { Db } from 'mongodb'
import type { BatchesDeclaration, CollectionDeclaration, MigrationDefinition } from '../definition.ts'

export interface Declarations {
  collections: { name: string; declaration: CollectionDeclaration }[]
  walks: BatchesDeclaration[]
}

/** Milliseconds that `up` may take while it only notes down. */
const LIMIT = 5000

const NO_DATABASE: Db = new Proxy(Object.create(null), {
  get: () => {
    throw new Error('there is no database in a lint')
  },
})

/**
 * What `up` declares when nothing is done and there is no database: what it would ask of one ends it, and what it declared
 * until then counts.
 */
export async function declarationsOf(definition: MigrationDefinition): Promise<Declarations> {
  const found: Declarations = { collections: [], walks: [] }
  const end = new AbortController()
  const context = {
    db: NO_DATABASE,
    log: () => undefined,
    signal: end.signal,
    batches: Object.assign(async (walk: BatchesDeclaration) => void found.walks.push(walk), {
      restore: async () => undefined,
    }),
    schema: {
      collection: async (name: string, declaration: CollectionDeclaration) =>
        void found.collections.push({ name, declaration }),
      restore: async () => undefined,
    },
  }
  const work = async () => definition.up(context)
  await Promise.race([delay(LIMIT, undefined, { signal: end.signal }), work().catch(() => undefined)])
  end.abort()
  return found
}
