// Which index serves a question: by the question's shape and the rule of prefixes, and by what the server says.
import { join } from 'node:path'
import type { Document } from 'mongodb'
import { z } from 'zod'
import type { IndexDeclaration } from '../../src/migrations/index.ts'

const QUERIES = join(import.meta.dirname, '../../deployment/reference-app/server/src/records/queries.js')

const direction = z.literal([1, -1])
const order = z.record(z.string(), direction)
const querySchema = z.object({
  collection: z.string(),
  filter: z.custom<(...values: unknown[]) => Document>((value) => typeof value === 'function'),
  sort: order.nullable(),
  index: order,
  unique: z.boolean(),
  sample: z.array(z.unknown()),
})

/** Every question that the reference app asks, by its name there. */
export async function appQueries(): Promise<Record<string, z.infer<typeof querySchema>>> {
  const module: unknown = await import(QUERIES)
  return z.object({ QUERIES: z.record(z.string(), querySchema) }).parse(module).QUERIES
}

/** What a command asks of a collection: the fields that it compares and the order that it wants. */
export interface Question {
  collection: string
  command: string
  fields: string[]
  /** Those of them that must have one value, or one of some. */
  equal: string[]
  sort: [string, number][]
}

/** The questions in a command on the wire; none in one that only writes new documents or goes on with an answer. */
export function questionsIn(command: Document): Question[] {
  const [name = ''] = Object.keys(command)
  const collection = String(command[name])
  const question = (filter: Document = {}, sort: Document = {}): Question => ({
    collection,
    command: name,
    fields: Object.keys(filter),
    equal: Object.entries(filter).flatMap(([field, value]) => (isEquality(value) ? [field] : [])),
    sort: Object.entries(sort).map(([field, direction]) => [field, Number(direction)]),
  })
  switch (name) {
    case 'find':
      return [question(command.filter, command.sort)]
    case 'findAndModify':
      return [question(command.query, command.sort)]
    case 'update':
      return command.updates.map(({ q }: Document) => question(q))
    case 'delete':
      return command.deletes.map(({ q }: Document) => question(q))
    default:
      return []
  }
}

/**
 * Whether a server can answer by `key` without reading the whole collection and without sorting: the question compares its first field,
 * or wants its order; and where it wants an order, the fields before that are equal to one value.
 */
export function serves(key: IndexDeclaration['key'], { fields, equal, sort }: Question): boolean {
  const names = Object.keys(key)
  if (sort.length === 0) return fields.includes(names[0] ?? '')
  const start = names.indexOf(sort[0]?.[0] ?? '')
  const before = names.slice(0, Math.max(0, start))
  if (!before.every((name) => equal.includes(name))) return false
  const rest = Object.entries(key).slice(before.length, before.length + sort.length)
  const turns = sort.map(([name, direction], index) =>
    rest[index]?.[0] === name ? direction * Number(rest[index][1]) : 0,
  )
  return turns.every((turn) => turn === 1) || turns.every((turn) => turn === -1)
}

/** Names of the indexes in a query's plan, of a mongod (`IXSCAN`) or of the stand-in (`IndexDetails`); a whole scan is not among them. */
export function indexesIn(plan: unknown): string[] {
  if (Array.isArray(plan)) return plan.flatMap(indexesIn)
  if (typeof plan !== 'object' || plan === null) return []
  const found: string[] = []
  const fields = new Map<string, unknown>(Object.entries(plan))
  if (fields.get('stage') === 'IXSCAN') found.push(String(fields.get('indexName')))
  for (const [name, value] of fields) {
    if (name === 'IndexDetails' && Array.isArray(value)) found.push(...value.map(({ indexName }) => String(indexName)))
    else if (name !== 'rejectedPlans' && name !== 'IndexCosts') found.push(...indexesIn(value))
  }
  return found
}

function isEquality(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  const [operator = ''] = Object.keys(value)
  return !operator.startsWith('$') || operator === '$eq' || operator === '$in'
}
