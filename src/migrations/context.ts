import { badInput, refused } from '../lib/index.ts'
import type { CatalogImage } from './catalog-image.ts'
import { bringCollection, dropOwnUnique, restoreCollection } from './collection.ts'
import type { BatchesDeclaration, CollectionDeclaration, UpContext } from './definition.ts'
import { meter, type OnEvent } from './events.ts'
import type { Migration } from './files.ts'
import { Gathering } from './gathering.ts'
import type { Lease } from './lease.ts'
import type { LedgerEntry } from './ledger.ts'
import type { LedgerWriter } from './ledger-writer.ts'
import { type Decide, restoreDocuments } from './restore.ts'
import type { CollectionState, Store } from './store.ts'
import { together } from './together.ts'
import { walkDocuments } from './walk.ts'

/** What a migration works in. */
export interface Workplace {
  store: Store
  lease: Lease
  writer: LedgerWriter
  onEvent: OnEvent
  decide: Decide
}

/** What a migration said it does: compared with the database when it says that it is done. */
export interface Declared {
  collections: { name: string; declaration: CollectionDeclaration }[]
  /** What collections were read back as, while nothing but such declarations can have changed one since. */
  readBack: Map<string, CollectionState> | null
  walks: BatchesDeclaration[]
}

/** The context of `up` and `down`: what it is told is done, recorded in `entry`, and noted in `declared`. */
export function workContext(
  place: Workplace,
  { id }: Migration,
  entry: LedgerEntry,
  signal: AbortSignal,
  declared: Declared,
): UpContext {
  const { store, lease, writer, onEvent, decide } = place
  const log = (line: string) => onEvent({ kind: 'log', id, line })
  const check = () => lease.check()
  const isUndo = entry.state === 'rolling-back'
  let isRestored = false
  const walk = async (declaration: BatchesDeclaration) => {
    const { collection } = declaration
    if (declared.walks.some((other) => other.collection === collection)) {
      throw badInput(
        `batches: ${collection} is walked twice; a document has one before-image, so make both changes in one walk`,
      )
    }
    declared.walks.push(declaration)
    if (isUndo && !isRestored && (await store.before.has(id))) {
      throw refused(
        `${id}: down would walk ${collection} before the before-images are put back: batches.restore() comes first; nothing of ${collection} was changed`,
      )
    }
    const record = async (reached: LedgerEntry['progress'][string]) => {
      entry.progress = { ...entry.progress, [collection]: { ...reached } }
      await writer.write(entry)
    }
    const progress = meter(id, collection, onEvent)
    const run = { migration: id, store, signal, check, record, progress }
    // Images are of what `up` wrote alone, so that an undo that is continued knows them from what it did itself.
    const walked = isUndo ? { ...declaration, beforeImages: false } : declaration
    // It may take hours: what was read back before its end is read again.
    await walkDocuments(run, walked, entry.progress[collection] ?? null).finally(() => declared.readBack?.clear())
  }
  // Those that are brought side by side are kept by one line.
  const keepImage = together(async (images: readonly CatalogImage[]) => {
    await writer.keep(entry, images)
    return images.map(() => true)
  })
  const gathering = new Gathering()
  const restored = meter(id, 'before-images', onEvent)
  return {
    get db() {
      declared.readBack = null
      return store.db('write')
    },
    log,
    signal,
    batches: Object.assign(walk, {
      async restore() {
        const progress = (done: number) => restored(done, done, done)
        const images = new Map(writer.kept(id).map((image) => [image.collection, image]))
        const prepare = async (collection: string) => {
          const image = images.get(collection)
          if (image !== undefined) await dropOwnUnique(store.catalog, id, image)
        }
        await restoreDocuments({ migration: id, store, signal, check, decide, prepare, progress })
        isRestored = true
      },
    }),
    schema: {
      async collection(name, declaration) {
        // The second of two that run at once may have been read back before the first.
        if (declared.collections.some((other) => other.name === name)) declared.readBack = null
        declared.collections.push({ name, declaration })
        const keep = (before: CollectionState | null) => keepImage({ collection: name, before })
        const run = { catalog: store.catalog, keep, log, signal, check, meet: () => gathering.meet() }
        const state = await gathering.join(() => bringCollection(run, name, declaration))
        declared.readBack?.set(name, state)
      },
      async restore() {
        declared.readBack = null
        for (const image of writer.kept(id)) {
          signal.throwIfAborted()
          await check()
          await restoreCollection(store.catalog, id, image)
        }
      },
    },
  }
}
