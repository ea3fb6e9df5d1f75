import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { canonicalJson, sha256 } from './canonical.js'

/** What stands before the first entry. */
export const BEGINNING = '0'.repeat(64)
/** Entries after which others have their turn: a batch of the driver has tens of thousands, which take seconds. */
const AT_ONCE = 1000

export const entrySchema = z.object({
  seq: z.number().int(),
  at: z.date(),
  user: z.string(),
  action: z.string(),
  target: z.string(),
  outcome: z.enum(['success', 'failure']),
  previousHash: z.string(),
  hash: z.string(),
})

/** @typedef {z.infer<typeof entrySchema>} AuditEntry */
/** @typedef {Pick<AuditEntry, 'at' | 'user' | 'action' | 'target' | 'outcome'>} AuditEvent */

/**
 * The entry that follows `last` in the chain.
 * @param {AuditEntry | null} last null for the first one
 * @param {AuditEvent} event
 * @returns {AuditEntry}
 */
export function nextEntry(last, event) {
  const body = { seq: (last?.seq ?? 0) + 1, ...event, previousHash: last?.hash ?? BEGINNING }
  return { ...body, hash: sha256(canonicalJson(body)) }
}

/**
 * Recomputes the whole chain. An entry that was changed, removed, added or moved breaks it there; one cut off at the end does not:
 * compare `last` with what was noted elsewhere, for example in a backup.
 * @param {AsyncIterable<unknown>} entries in the order of seq
 * @returns {Promise<{ entries: number, last: string, broken: { seq: number, why: string } | null }>}
 */
export async function verifyChain(entries) {
  let seq = 0
  let last = BEGINNING
  for await (const document of entries) {
    const expected = seq + 1
    const parsed = entrySchema.safeParse(document)
    const why = parsed.success ? problemOf(parsed.data, expected, last) : 'the entry has not the shape of one'
    if (!parsed.success || why !== null) return { entries: seq, last, broken: { seq: expected, why: String(why) } }
    seq = expected
    last = parsed.data.hash
    if (seq % AT_ONCE === 0) await setImmediate()
  }
  return { entries: seq, last, broken: null }
}

/**
 * @param {AuditEntry} entry
 * @param {number} seq
 * @param {string} previousHash
 */
function problemOf(entry, seq, previousHash) {
  const { hash, ...body } = entry
  if (entry.seq !== seq) return `entry ${seq} is missing, ${entry.seq} follows`
  if (entry.previousHash !== previousHash) return 'the entry does not follow the one before it'
  if (sha256(canonicalJson(body)) !== hash) return 'the entry was changed after it was written'
  return null
}
