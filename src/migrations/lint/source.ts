import {
  type AnyNode,
  type CallExpression,
  type MemberExpression,
  type Node,
  type ObjectExpression,
  type Program,
  parse,
} from 'acorn'
import { ancestor, full } from 'acorn-walk'

/** A call in a migration: `db.collection('reports').updateMany(…)` is method `updateMany` on collection `reports`. */
export interface Call {
  method: string
  /** Names before the method, outermost first: `db`, `schema`, `batches`… */
  path: string[]
  /** The literal name of the collection that it is about, if there is one. */
  collection: string | null
  /** Where one is a constant's name, what that constant holds. */
  args: AnyNode[]
  line: number
  /** The function of the migration in which it stands: `up`, `down`, `check`. */
  within: string | null
}

/** A migration as its lint sees it. */
export interface Source {
  file: string
  /** The object that is exported, or null. */
  exported: ObjectExpression | null
  program: Program
  calls: Call[]
  constantOf: ConstantOf
}

/** What a constant holds, or the function, whose name stands there; anything else is given back as it is. */
type ConstantOf = (node: AnyNode) => AnyNode

/** Members in which the rules look at what is done. */
const FUNCTIONS = ['up', 'down', 'check']

/** @throws SyntaxError with its place */
export function readSource(file: string, text: string): Source {
  const program = parse(text, { ecmaVersion: 'latest', sourceType: 'module', locations: true, allowHashBang: true })
  const constantOf = constantsIn(program)
  const exported = exportedObject(program, constantOf)
  const calls: Call[] = []
  ancestor(program, {
    CallExpression(node, _state, ancestors) {
      const call = describe(node, ancestors, exported, constantOf)
      if (call !== null) calls.push(call)
    },
  })
  return { file, exported, program, calls, constantOf }
}

/** The value of a property, or undefined. */
export function property(object: ObjectExpression | null, name: string): AnyNode | undefined {
  for (const entry of object?.properties ?? []) {
    if (entry.type === 'Property' && nameOf(entry.key) === name) return entry.value
  }
  return undefined
}

/** The name that a key or a specifier is. */
function nameOf(node: AnyNode): string | null {
  if (node.type === 'Identifier') return node.name
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : null
}

/**
 * What of a migration cannot be read here, though Node loads it; null where all of it can. Rules that saw nothing must not be
 * taken for rules that found nothing.
 * @param members those that the loaded migration has
 */
export function unreadable({ exported, constantOf }: Source, members: readonly string[]): string | null {
  if (exported === null) return 'the object that it exports'
  // What is spread last wins.
  if (!exported.properties.every((entry) => entry.type === 'Property' && !entry.computed)) {
    return 'a member that the object takes from elsewhere'
  }
  for (const name of members) {
    const value = property(exported, name)
    const isElsewhere = FUNCTIONS.includes(name) && value !== undefined && constantOf(value).type === 'Identifier'
    if (value === undefined || isElsewhere) return name
  }
  return null
}

/** A literal's value; undefined for anything that is computed. */
export function literal(node: AnyNode | undefined): unknown {
  if (node?.type === 'Literal') return node.value
  return node?.type === 'TemplateLiteral' && node.expressions.length === 0 ? node.quasis[0]?.value.cooked : undefined
}

export function lineOf(node: Node | undefined | null): number {
  return node?.loc?.start.line ?? 1
}

/** Every node at and below `root`. */
export function visit(root: AnyNode, found: (node: AnyNode) => void): void {
  full(root, (node) => found(node as AnyNode))
}

/** Of two with one name, that which was declared last before the place that asks. */
function constantsIn(program: Program): ConstantOf {
  const all: { name: string; start: number; value: AnyNode }[] = []
  visit(program, (node) => {
    if (node.type === 'FunctionDeclaration' && node.id) all.push({ name: node.id.name, start: node.start, value: node })
    if (node.type !== 'VariableDeclaration' || node.kind !== 'const') return
    for (const { id, init, start } of node.declarations) {
      if (id.type === 'Identifier' && init) all.push({ name: id.name, start, value: init })
    }
  })
  return (node) => {
    if (node.type !== 'Identifier') return node
    const named = all.filter(({ name }) => name === node.name)
    return (named.findLast(({ start }) => start < node.start) ?? named[0])?.value ?? node
  }
}

function exportedObject(program: Program, constantOf: ConstantOf): ObjectExpression | null {
  const given = program.body.flatMap(defaultExport)[0]
  if (given === undefined) return null
  const exported = constantOf(given)
  const [argument] = exported.type === 'CallExpression' ? exported.arguments : []
  const object = argument === undefined ? exported : constantOf(argument)
  return object.type === 'ObjectExpression' ? object : null
}

/** What a statement exports as default: `export default x`, `export { x as default }`. */
function defaultExport(statement: Program['body'][number]): AnyNode[] {
  if (statement.type === 'ExportDefaultDeclaration') return [statement.declaration]
  if (statement.type !== 'ExportNamedDeclaration') return []
  return statement.specifiers.filter(({ exported }) => nameOf(exported) === 'default').map(({ local }) => local)
}

function describe(
  node: CallExpression,
  ancestors: readonly Node[],
  exported: ObjectExpression | null,
  constantOf: ConstantOf,
): Call | null {
  const path: string[] = []
  let collection: string | null = null
  let callee: AnyNode = node.callee
  for (;;) {
    if (callee.type === 'ChainExpression') callee = callee.expression
    else if (callee.type === 'CallExpression') {
      const inner = describe(callee, [], null, constantOf)
      if (inner?.method === 'collection') collection = nameIn(inner)
      callee = callee.callee
    } else if (callee.type === 'MemberExpression') {
      path.unshift(memberName(callee, constantOf))
      callee = callee.object
    } else {
      const held = constantOf(callee)
      if (held.type === 'CallExpression' && held.end < callee.start) callee = held
      else {
        if (callee.type === 'Identifier') path.unshift(callee.name)
        break
      }
    }
  }
  const method = path.pop()
  if (method === undefined || method === '') return null
  const call: Call = {
    method,
    path,
    collection,
    args: node.arguments.map(constantOf),
    line: lineOf(node),
    within: functionOf(ancestors, exported, constantOf),
  }
  if (method === 'collection' && path.at(-1) === 'schema') call.collection = nameIn(call)
  const [walk] = call.args
  if (method === 'batches' && walk?.type === 'ObjectExpression') {
    const name = literal(property(walk, 'collection'))
    if (typeof name === 'string') call.collection = name
  }
  return call
}

/** The name in `a.name`, `a['name']` and `a[constant]`; empty where only a run can tell. */
function memberName({ computed, property: member }: MemberExpression, constantOf: ConstantOf): string {
  if (computed) return String(literal(constantOf(member)) ?? '')
  return member.type === 'Identifier' ? member.name : ''
}

function nameIn({ args }: Call): string | null {
  const value = literal(args[0])
  return typeof value === 'string' ? value : null
}

/** Which member of the exported object a node stands in, also where the object only names its function. */
function functionOf(
  ancestors: readonly Node[],
  exported: ObjectExpression | null,
  constantOf: ConstantOf,
): string | null {
  for (const entry of exported?.properties ?? []) {
    if (entry.type === 'Property' && ancestors.includes(constantOf(entry.value))) return nameOf(entry.key)
  }
  return null
}
