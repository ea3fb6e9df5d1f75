import { BSON } from 'mongodb'

/** What nobody names a field or an operator. */
const HIDDEN = '$$regex'

/**
 * Reads extended JSON in which `$regex` is an operator of a query, as validators and views have it: the driver's own parser takes it
 * for an expression of an older notation, and drops every condition that stands beside it.
 */
export function readExtended(text: string, options: { relaxed: boolean }): unknown {
  // Within a text a quote has a backslash before it.
  return shown(
    BSON.EJSON.parse(
      text.replaceAll(/"\$regex"(?=\s*:)/g, () => `"${HIDDEN}"`),
      options,
    ),
  )
}

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown)
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name === HIDDEN ? '$regex' : name, shown(inner)]),
  )
}
