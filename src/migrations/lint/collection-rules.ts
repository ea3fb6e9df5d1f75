import { has, ownCalls } from './places.ts'
import type { Rule } from './rule.ts'

const INDEX_CALLS = /^(createIndex|createIndexes|dropIndex|dropIndexes)$/

/** What the driver's own calls do to a collection without the look that `schema` takes first. */
export const COLLECTION_RULES: readonly Rule[] = [
  {
    id: 'unique-unchecked',
    level: 'error',
    assurable: true,
    fix: 'declare it in schema.collection, which counts duplicates first',
    find: (source) =>
      ownCalls(source)
        .filter(({ method, args }) => /^createIndex(es)?$/.test(method) && has(args, 'unique', true))
        .map(({ line }) => ({
          line,
          message: 'a unique index is built without a look for duplicates: it fails halfway',
        })),
  },
  {
    id: 'strict-uncounted',
    level: 'error',
    assurable: true,
    fix: 'declare it in schema.collection, which counts first and warns before it is strict',
    find: (source) =>
      ownCalls(source)
        .filter(
          ({ args }) =>
            has(args, 'validator') && !has(args, 'validationLevel', 'moderate') && !has(args, 'validationLevel', 'off'),
        )
        .map(({ line }) => ({
          line,
          message: 'a strict validator is set without counting the documents that it would refuse',
        })),
  },
  {
    id: 'transaction-index',
    level: 'error',
    assurable: false,
    fix: 'build the index outside the transaction',
    find: (source) => {
      const transaction = source.calls.find(
        ({ method }) => method === 'withTransaction' || method === 'startTransaction',
      )
      if (transaction === undefined) return []
      return source.calls
        .filter(({ method, within }) => INDEX_CALLS.test(method) && within === transaction.within)
        .map(({ method, line }) => ({
          line,
          message: `${method} beside a transaction: a server refuses it on a collection with documents`,
        }))
    },
  },
]
