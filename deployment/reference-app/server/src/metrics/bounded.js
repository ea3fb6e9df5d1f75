/** What stands for every value that is not told apart. */
export const OTHER = 'other'

/**
 * A label's value as one of a fixed set: each value is a time series that is kept for ever.
 * @param {readonly string[]} values
 * @returns {(value: string) => string} `other` for one that is none of them
 */
export function oneOf(values) {
  const known = new Set(values)
  return (value) => (known.has(value) ? value : OTHER)
}

/**
 * A label's value as one of the first `count` different ones.
 * @param {number} count
 * @returns {(value: string) => string} `other` once there are as many
 */
export function atMost(count) {
  /** @type {Set<string>} */
  const known = new Set()
  return (value) => {
    if (known.has(value)) return value
    if (known.size >= count) return OTHER
    known.add(value)
    return value
  }
}
