import { refused } from '../lib/index.ts'
import type { CatalogImage } from './catalog-image.ts'
import { same, sameIndex } from './compare.ts'
import type { CollectionState } from './store.ts'

/**
 * What a collection becomes when that is taken back which `migration` itself changed of it, null when nothing: whatever others changed
 * since stays. Of an image without what the migration left, all that is otherwise now counts as its own.
 * @throws Failure `refused` that names what both changed.
 */
export function takenBack(
  migration: string,
  { collection, before, left }: CatalogImage,
  now: CollectionState | null,
): CollectionState | null {
  if (now === null) return before
  const made = left ?? now
  const since = differing(made, now)
  if (before === null) {
    // Nothing is lost of an index that is gone already.
    const present = now.indexes.map(({ name }) => `index ${name}`)
    const lost = since.filter((part) => !part.startsWith('index ') || present.includes(part))
    if (lost.length === 0) return null
    throw refused(
      `${migration} created ${collection}, and somebody changed ${lost.join(' and ')} since: the undo would drop it with that; undo what changed it first, or take it back by hand`,
    )
  }
  const own = differing(before, made)
  const otherwise = differing(before, now)
  const both = own.filter((part) => since.includes(part) && otherwise.includes(part))
  if (both.length > 0) {
    throw refused(
      `${migration} changed ${both.join(' and ')} of ${collection}, and somebody since: make each what it was before or after ${migration}, or undo what changed it first`,
    )
  }
  const isOwn = ({ name }: { name: string }) => own.includes(`index ${name}`)
  return {
    options: own.includes('options') ? before.options : now.options,
    validation: own.includes('the validator') ? before.validation : now.validation,
    indexes: [...now.indexes.filter((index) => !isOwn(index)), ...before.indexes.filter(isOwn)],
  }
}

function differing(one: CollectionState, other: CollectionState): string[] {
  const found: string[] = []
  if (!same(one.options, other.options)) found.push('options')
  if (!same(one.validation, other.validation)) found.push('the validator')
  for (const name of new Set([...one.indexes, ...other.indexes].map((index) => index.name))) {
    const [its, others] = [one, other].map(({ indexes }) => indexes.find((index) => index.name === name))
    if (its === undefined || others === undefined || !sameIndex(its, others)) found.push(`index ${name}`)
  }
  return found
}
