import type { UpContext } from './definition.ts'
import type { Migration } from './files.ts'
import type { Store } from './store.ts'
import { checkLimitOf, within } from './time-limit.ts'

/** What a `down` puts back of what is kept. */
interface PutsBack {
  documents: boolean
  collections: boolean
}

/**
 * Runs `down` where it can change nothing, to know what it asks for before the first change.
 * @returns null for one that does anything else than to put back what is kept: what it leaves cannot be foreseen.
 */
export async function foreseenOf(store: Store, migration: Migration, signal: AbortSignal): Promise<PutsBack | null> {
  const { id, definition } = migration
  if (!('down' in definition)) return null
  const puts: PutsBack = { documents: false, collections: false }
  let isForeseen = true
  const other = (): never => {
    isForeseen = false
    throw new Error('not foreseen')
  }
  const context = (inner: AbortSignal): UpContext => ({
    get db() {
      return other()
    },
    log: () => undefined,
    signal: inner,
    batches: Object.assign(async () => other(), {
      restore: async () => {
        puts.documents = true
      },
    }),
    schema: {
      collection: async () => other(),
      restore: async () => {
        puts.collections = true
      },
    },
  })
  try {
    await within(store, `down of ${id}`, checkLimitOf(migration), signal, (inner) => definition.down(context(inner)))
  } catch {
    signal.throwIfAborted()
    return null
  }
  return isForeseen ? puts : null
}
