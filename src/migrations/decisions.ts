import { BSON } from 'mongodb'
import { badInput } from '../lib/index.ts'
import { sha256 } from '../release/index.ts'
import { nameId } from './bson-document.ts'
import type { Decide, Decision } from './restore.ts'

/** What a person decided, and what of it was of no use. */
export interface Decisions {
  decide: Decide
  /** The entries that decided nothing so far. */
  idle(): string[]
  /** By which the same decisions are known again, in whatever order and spelling; null for none. */
  digest: string | null
}

/**
 * Reads what a person decides about documents that were edited since: of one by its collection and `_id`, like `reports "r7"`, of
 * all others of a collection by its name.
 * @throws Failure `bad-input` for what is neither, and for one of which both is said.
 */
export function readDecisions(keep: readonly string[], restore: readonly string[]): Decisions {
  const kept = keep.map(readEntry)
  const restored = restore.map(readEntry)
  const both = kept.find((one) => restored.includes(one))
  if (both !== undefined) throw badInput(`${both}: --keep and --restore cannot both be`)
  const decided = new Map<string, Decision>([
    ...kept.map((one) => [one, 'keep'] as const),
    ...restored.map((one) => [one, 'restore'] as const),
  ])
  const idle = new Set(decided.keys())
  return {
    decide: (collection, id) => {
      const one = `${collection} ${id}`
      idle.delete(one)
      idle.delete(collection)
      return decided.get(one) ?? decided.get(collection) ?? null
    },
    idle: () => [...idle],
    digest: decided.size === 0 ? null : sha256(JSON.stringify([...decided].sort())),
  }
}

/** A collection, or a document in the one spelling that refusals use. */
function readEntry(text: string): string {
  const entry = text.trim()
  if (/^\S+$/.test(entry)) return entry
  for (const { index } of entry.matchAll(/\s+/g)) {
    const id = readTyped(entry.slice(index))
    if (id !== null) return `${entry.slice(0, index)} ${id}`
  }
  const shown = JSON.stringify(text)
  throw badInput(
    `${shown} is neither a collection (reports) nor a document of one by its _id: type 'reports "r7"', for the inner quotes must reach the program`,
  )
}

function readTyped(text: string): string | null {
  try {
    return nameId(BSON.EJSON.parse(text, { relaxed: false }))
  } catch {
    return null
  }
}
