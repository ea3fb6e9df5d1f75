import { createHash } from 'node:crypto'

/**
 * A record as one text, whatever the order in which its fields were written; dates as ISO 8601 in UTC with milliseconds.
 * @param {Record<string, string | number | Date>} record
 */
export function canonicalJson(record) {
  const entries = Object.entries(record).map(([name, value]) => [
    name,
    value instanceof Date ? value.toISOString() : value,
  ])
  return JSON.stringify(Object.fromEntries(entries.sort(([one], [two]) => (String(one) < String(two) ? -1 : 1))))
}

/**
 * @param {string} text
 * @returns {string} SHA-256, lower-case hex
 */
export function sha256(text) {
  return createHash('sha256').update(text).digest('hex')
}
