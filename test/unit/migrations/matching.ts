import { isDeepStrictEqual } from 'node:util'
import type { Document } from 'mongodb'

/** The few filters that the tests in memory use: equality, `$eq`, `$exists`, what is no list, any of several. */
export function matches(document: Document, filter: Document): boolean {
  return Object.entries(filter).every(([name, condition]: [string, unknown]) => {
    if (name === '$or' && Array.isArray(condition)) return condition.some((one) => matches(document, one))
    const has = Object.hasOwn(document, name)
    if (condition === null || typeof condition !== 'object') return isDeepStrictEqual(document[name], condition)
    if ('$not' in condition && Array.isArray(document[name])) return false
    if ('$eq' in condition) return has && isDeepStrictEqual(document[name], condition.$eq)
    if ('$exists' in condition) return has === condition.$exists
    throw new Error(`the memory store does not know the filter on ${name}`)
  })
}
