import type { Db } from 'mongodb'
import { refused } from '../../lib/index.ts'

const OF_DATABASE = new Set(['collection', 'listCollections', 'aggregate', 'databaseName', 'stats', 'command'])
const OF_COLLECTION = new Set([
  'find',
  'findOne',
  'aggregate',
  'countDocuments',
  'estimatedDocumentCount',
  'distinct',
  'indexes',
  'listIndexes',
  'indexExists',
  'indexInformation',
  'listSearchIndexes',
  'options',
  'isCapped',
  'collectionName',
  'dbName',
  'namespace',
])
const COMMANDS = new Set([
  'ping',
  'hello',
  'collStats',
  'dbStats',
  'listCollections',
  'listIndexes',
  'count',
  'find',
  'explain',
  'buildInfo',
])
const WRITING_STAGES = ['$out', '$merge']

/** `db` without anything that writes: a call that would is refused before it reaches the server. */
export function readOnly(db: Db): Db {
  return guard(db, 'db', OF_DATABASE, (name, call) => {
    if (name === 'collection') {
      return (...args) => {
        const collection: unknown = call(...args)
        return collection !== null && typeof collection === 'object'
          ? guard(collection, 'collection', OF_COLLECTION, onlyReadingStages)
          : collection
      }
    }
    if (name !== 'command') return onlyReadingStages(name, call)
    return (...args) => {
      const [command] = args
      const verb = command !== null && typeof command === 'object' ? (Object.keys(command)[0] ?? '') : ''
      if (!COMMANDS.has(verb)) throw writes(`db.command({ ${verb} })`)
      return call(...args)
    }
  })
}

type Call = (...args: unknown[]) => unknown

function onlyReadingStages(name: string, call: Call): Call {
  if (name !== 'aggregate') return call
  return (...args) => {
    const stages: unknown[] = Array.isArray(args[0]) ? args[0] : []
    for (const stage of stages) {
      const found = WRITING_STAGES.find((one) => stage !== null && typeof stage === 'object' && one in stage)
      if (found !== undefined) throw writes(`aggregate with ${found}`)
    }
    return call(...args)
  }
}

function guard<T extends object>(
  target: T,
  what: string,
  allowed: ReadonlySet<string>,
  wrap: (name: string, call: Call) => Call,
): T {
  return new Proxy(target, {
    get(_target, property) {
      // Awaiting it looks for `then`; printing it looks for symbols.
      if (typeof property === 'symbol' || property === 'then') return undefined
      if (!allowed.has(property)) throw writes(`${what}.${property}`)
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? wrap(property, (...args) => Reflect.apply(value, target, args)) : value
    },
  })
}

function writes(call: string): Error {
  return refused(`${call} is not allowed here: plan and check only look`)
}
