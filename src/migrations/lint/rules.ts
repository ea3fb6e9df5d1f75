import type { AnyNode } from 'acorn'
import type { Finding } from './finding.ts'
import { type Call, lineOf, literal, property, type Source, visit } from './source.ts'

/** What a rule says of one place. */
export type Hit = Pick<Finding, 'line' | 'message'>

export interface Rule {
  id: string
  level: Finding['level']
  fix: string
  /** Whether the migration may say, under `assured`, why it is right here. */
  assurable: boolean
  find(source: Source): Hit[]
}

const DESTRUCTIVE =
  /^(drop|dropCollection|dropDatabase|dropIndex|dropIndexes|rename|renameCollection|deleteOne|deleteMany|findOneAndDelete)$/
const WHOLE = /^(updateMany|deleteMany)$/
const NOT_REPEATABLE = /^(insertOne|insertMany)$/
const INDEX_CALLS = /^(createIndex|createIndexes|dropIndex|dropIndexes)$/
const RECORDS = ['digitalsignatures', 'auditlogs']

/** Calls of the author's own on the database, in `up`; what `schema` and `batches` do is guarded by the engine. */
function ownCalls({ calls }: Source): Call[] {
  return calls.filter(({ within, path }) => within !== 'down' && within !== 'check' && !path.includes('schema'))
}

export const RULES: readonly Rule[] = [
  {
    id: 'destructive',
    level: 'error',
    assurable: true,
    fix: "say under assured: { destructive: '…' } who does not need it any more, and since which release",
    find: (source) => [
      ...ownCalls(source)
        .filter(({ method, path }) => DESTRUCTIVE.test(method) && path.length > 0)
        .map(({ method, line }) => ({ line, message: `${method} takes away what running code may still read` })),
      ...keysIn(source, ['$rename', 'dropIndexes']).map(({ name, line }) => ({
        line,
        message: `${name} takes away what running code may still read`,
      })),
      ...propertiesOf(source, 'unset').map((line) => ({
        line,
        message: 'unset takes away fields that running code may still read',
      })),
    ],
  },
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
    id: 'record-ttl',
    level: 'error',
    assurable: false,
    fix: 'remove the index: these records are kept for years',
    find: (source) => ttlHits(source).filter(({ collection }) => collection !== null && RECORDS.includes(collection)),
  },
  {
    id: 'ttl',
    level: 'warning',
    assurable: true,
    fix: 'read in the plan how many it deletes now, and say under assured why they may go',
    find: (source) => ttlHits(source).filter(({ collection }) => collection === null || !RECORDS.includes(collection)),
  },
  {
    id: 'whole-collection',
    level: 'error',
    assurable: true,
    fix: 'use batches, which stops, continues and can be undone',
    find: (source) =>
      ownCalls(source)
        .filter(({ method, args }) => WHOLE.test(method) && isEmpty(args[0]))
        .map(({ method, line }) => ({
          line,
          message: `${method} with an empty filter changes the whole collection at once`,
        })),
  },
  {
    id: 'not-repeatable',
    level: 'error',
    assurable: true,
    fix: 'use an upsert by a fixed _id or batches, or let check tell and assure it',
    find: (source) => [
      ...ownCalls(source)
        .filter(({ method, path }) => NOT_REPEATABLE.test(method) && path.length > 0)
        .map(({ method, line }) => ({ line, message: `${method} runs twice after a cut` })),
      ...keysIn(source, ['$inc', '$mul', '$push']).map(({ name, line }) => ({
        line,
        message: `${name} adds twice after a cut`,
      })),
    ],
  },
  {
    id: 'signed-record',
    level: 'error',
    assurable: true,
    fix: 'leave signed records as they were signed (21 CFR 11.70), or assure that hashes and links are kept',
    find: (source) =>
      source.calls
        .filter(({ within }) => within !== 'down' && within !== 'check')
        .filter(
          ({ method, collection }) =>
            collection !== null &&
            RECORDS.includes(collection) &&
            /^(batches|update|replace|delete|bulkWrite|findOneAnd|rename|drop)/.test(method),
        )
        .map(({ collection, line }) => ({
          line,
          message: `documents of ${collection} are changed: their hashes no longer prove them`,
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
  {
    id: 'raw-command',
    level: 'warning',
    assurable: true,
    fix: 'use schema or batches, or say under assured what it does and why it can run twice',
    find: (source) =>
      ownCalls(source)
        .filter(
          ({ method, path }) => /^(command|runCommand|adminCommand|runCursorCommand)$/.test(method) && path.length > 0,
        )
        .map(({ line }) => ({ line, message: 'a raw command is neither planned nor undone' })),
  },
  {
    id: 'import',
    level: 'error',
    assurable: false,
    fix: 'write what is needed into this file: only what is locked may have a say',
    find: ({ program }) =>
      program.body.flatMap((statement) =>
        statement.type === 'ImportDeclaration' && !String(statement.source.value).startsWith('node:')
          ? [
              {
                line: lineOf(statement),
                message: `import of ${String(statement.source.value)}: a migration can import node: modules only`,
              },
            ]
          : [],
      ),
  },
  {
    id: 'endless',
    level: 'warning',
    assurable: true,
    fix: 'stop when signal.aborted is true: a lost lease must end the loop',
    find: ({ program, calls }) => {
      const hits: Hit[] = []
      visit(program, (node) => {
        const isEndless =
          (node.type === 'WhileStatement' && literal(node.test) === true) ||
          (node.type === 'ForStatement' && !node.test)
        if (isEndless && !mentions(node, 'signal'))
          hits.push({ line: lineOf(node), message: 'a loop that asks neither its end nor signal' })
      })
      return calls.length === 0 ? [] : hits
    },
  },
]

function ttlHits(source: Source): (Hit & { collection: string | null })[] {
  return source.calls
    .filter(({ within, args }) => within !== 'down' && has(args, 'expireAfterSeconds'))
    .map(({ line, args, collection }) => ({
      line: lineOfKey(args, 'expireAfterSeconds') ?? line,
      collection,
      message: `documents of ${collection ?? 'a collection'} expire by a TTL index`,
    }))
}

/** Whether an object literal among `args`, at any depth, has `key` (with `value` when given). */
function has(args: Call['args'], key: string, value?: unknown): boolean {
  return args.some((arg) => {
    let found = false
    visit(arg, (node) => {
      const there = node.type === 'ObjectExpression' ? property(node, key) : undefined
      if (there !== undefined && (value === undefined || literal(there) === value)) found = true
    })
    return found
  })
}

function lineOfKey(args: Call['args'], key: string): number | null {
  let line: number | null = null
  for (const arg of args) {
    visit(arg, (node) => {
      const there = node.type === 'ObjectExpression' ? property(node, key) : undefined
      if (there !== undefined) line ??= lineOf(there)
    })
  }
  return line
}

/** Places in `up` where an object has one of `names` as a key. */
function keysIn(source: Source, names: readonly string[]): { name: string; line: number }[] {
  const found: { name: string; line: number }[] = []
  visitUp(source, (node) => {
    if (node.type !== 'ObjectExpression') return
    for (const name of names) {
      const there = property(node, name)
      if (there !== undefined) found.push({ name, line: lineOf(there) })
    }
  })
  return found
}

/** Lines where `change` of a walk gives `name`. */
function propertiesOf(source: Source, name: string): number[] {
  return keysIn(source, [name])
    .filter(() => source.calls.some(({ method }) => method === 'batches'))
    .map(({ line }) => line)
}

function visitUp({ exported }: Source, found: (node: AnyNode) => void): void {
  const up = property(exported, 'up')
  if (up !== undefined) visit(up, found)
}

function isEmpty(node: Call['args'][number] | undefined): boolean {
  return node === undefined || (node.type === 'ObjectExpression' && node.properties.length === 0)
}

function mentions(node: AnyNode, name: string): boolean {
  let found = false
  visit(node, (inner) => {
    if (inner.type === 'Identifier' && inner.name === name) found = true
  })
  return found
}
