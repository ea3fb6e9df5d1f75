import type { AnyNode } from 'acorn'
import { type Call, lineOf, literal, property, type Source, visit } from './source.ts'

const UPDATE = /^(updateOne|updateMany|findOneAndUpdate)$/
const COMMAND = /^(command|runCommand|adminCommand|runCursorCommand)$/

/** Calls of the author's own on the database, in `up`; what `schema` and `batches` do is guarded by the engine. */
export function ownCalls({ calls }: Source): Call[] {
  return calls.filter(({ within, path }) => within !== 'down' && within !== 'check' && !path.includes('schema'))
}

/** Whether an object literal among `args`, at any depth, has `key` (with `value` when given). */
export function has(args: Call['args'], key: string, value?: unknown): boolean {
  return args.some((arg) => {
    let found = false
    visit(arg, (node) => {
      const there = node.type === 'ObjectExpression' ? property(node, key) : undefined
      if (there !== undefined && (value === undefined || literal(there) === value)) found = true
    })
    return found
  })
}

/** The line of the first `key` among `args`, at any depth. */
export function lineOfKey(args: Call['args'], key: string): number | null {
  let line: number | null = null
  for (const arg of args) {
    visit(arg, (node) => {
      const there = node.type === 'ObjectExpression' ? property(node, key) : undefined
      if (there !== undefined) line ??= lineOf(there)
    })
  }
  return line
}

/** Places in `up` where an object has one of `names` as a key, with what stands there. */
export function keysIn(source: Source, names: readonly string[]): { name: string; line: number; value: AnyNode }[] {
  const found: { name: string; line: number; value: AnyNode }[] = []
  visitUp(source, (node) => {
    if (node.type !== 'ObjectExpression') return
    for (const name of names) {
      const there = property(node, name)
      if (there !== undefined) found.push({ name, line: lineOf(there), value: there })
    }
  })
  return found
}

/** Writes whose method has a name like `methods` and whose filter is left out or is `{}`, alone or in a bulkWrite. */
export function unfiltered(source: Source, methods: readonly string[]): { name: string; line: number }[] {
  const isEmpty = (filter: AnyNode | undefined) => {
    const value = filter && source.constantOf(filter)
    return value === undefined || (value.type === 'ObjectExpression' && value.properties.length === 0)
  }
  return [
    ...ownCalls(source)
      .filter(({ method, path, args }) => methods.includes(method) && path.length > 0 && isEmpty(args[0]))
      .map(({ method, line }) => ({ name: method, line })),
    ...keysIn(source, methods).filter(
      ({ value }) => value.type === 'ObjectExpression' && isEmpty(property(value, 'filter')),
    ),
  ]
}

/** Places where a pipeline by which documents are updated, alone or in a bulkWrite, has one of `names` as a key. */
export function updatePipelineKeys(source: Source, names: readonly string[]): { name: string; line: number }[] {
  const updates = [
    ...ownCalls(source).flatMap(({ method, args }) => (UPDATE.test(method) ? args.slice(1, 2) : [])),
    ...keysIn(source, ['updateOne', 'updateMany']).flatMap(({ value }) =>
      value.type === 'ObjectExpression' ? (property(value, 'update') ?? []) : [],
    ),
  ].map(source.constantOf)
  return updates.flatMap((update) =>
    names.flatMap((name) => {
      const line = update.type === 'ArrayExpression' ? lineOfKey([update], name) : null
      return line === null ? [] : { name, line }
    }),
  )
}

/** Commands of the author's own, with their names. */
export function rawCommands(source: Source): { name: string; line: number }[] {
  return ownCalls(source)
    .filter(({ method, path }) => COMMAND.test(method) && path.length > 0)
    .map(({ args: [command], line }) => {
      const [first] = command?.type === 'ObjectExpression' ? command.properties : []
      const key = first?.type === 'Property' ? first.key : undefined
      return { name: key?.type === 'Identifier' ? key.name : String(literal(key) ?? ''), line }
    })
}

/** Whether `name` stands anywhere at or below `node`. */
export function mentions(node: AnyNode, name: string): boolean {
  let found = false
  visit(node, (inner) => {
    if (inner.type === 'Identifier' && inner.name === name) found = true
  })
  return found
}

/** `up` and the constants that it names. */
function visitUp({ exported, constantOf }: Source, found: (node: AnyNode) => void): void {
  const seen = new Set<AnyNode>()
  const follow = (root: AnyNode) => {
    if (seen.has(root)) return
    seen.add(root)
    visit(root, (node) => {
      found(node)
      if (node.type === 'Identifier') follow(constantOf(node))
    })
  }
  const up = property(exported, 'up')
  if (up !== undefined) follow(up)
}
