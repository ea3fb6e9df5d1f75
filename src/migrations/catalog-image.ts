import { BSON } from 'mongodb'
import { z } from 'zod'
import { readExtended } from './extended-json.ts'
import type { HistoryLine } from './ledger.ts'
import type { CollectionState } from './store.ts'

/** What a collection was before a migration changed it; `before` null when it was not there. */
export interface CatalogImage {
  collection: string
  before: CollectionState | null
  /** What the migration left it as, once that is applied. */
  left?: CollectionState | null
}

const stateSchema: z.ZodType<CollectionState | null> = z.nullable(
  z.object({
    options: z.record(z.string(), z.unknown()),
    validation: z.nullable(
      z.object({
        validator: z.record(z.string(), z.unknown()),
        level: z.enum(['off', 'moderate', 'strict']),
        action: z.enum(['warn', 'error', 'errorAndLog']),
      }),
    ),
    indexes: z.array(
      z.object({
        name: z.string(),
        key: z.record(z.string(), z.unknown()),
        options: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
)

const imageSchema = z.object({ before: stateSchema, left: stateSchema.exactOptional() })

/** Images as a line of the history holds them: text, since a validator has names that a field of a document cannot have. */
export function writeImages(images: readonly CatalogImage[]): NonNullable<HistoryLine['kept']> {
  return images.map(({ collection, ...states }) => ({
    collection,
    before: BSON.EJSON.stringify(states, { relaxed: false }),
  }))
}

/** The collections that `migration` changed: the first image of each since it was last undone, or the one with which it was applied. */
export function imagesOf(history: readonly HistoryLine[], migration: string): CatalogImage[] {
  const images = new Map<string, CatalogImage>()
  for (const { migration: id, event, kept = [] } of history) {
    if (id !== migration) continue
    if (event === 'undone') images.clear()
    for (const { collection, before } of kept) {
      if (images.has(collection) && event !== 'applied') continue
      images.set(collection, { collection, ...imageSchema.parse(readExtended(before, { relaxed: true })) })
    }
  }
  return [...images.values()]
}
