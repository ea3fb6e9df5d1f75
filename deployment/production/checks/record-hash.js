import { createHash } from 'node:crypto'

/**
 * The hash of a record as the API computes it (reference-app/server/src/records/canonical.js): names sorted, dates as ISO 8601 in UTC.
 * @param {Record<string, unknown>} record
 */
export function hashOf(record) {
  const entries = Object.entries(record).map(([name, value]) => [
    name,
    value instanceof Date ? value.toISOString() : value,
  ])
  const text = JSON.stringify(Object.fromEntries(entries.sort(([one], [two]) => (one < two ? -1 : 1))))
  return createHash('sha256').update(text).digest('hex')
}
