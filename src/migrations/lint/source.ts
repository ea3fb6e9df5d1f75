import { type AnyNode, type CallExpression, type Node, type ObjectExpression, type Program, parse } from 'acorn'
import { ancestor, full } from 'acorn-walk'

/** A call in a migration: `db.collection('reports').updateMany(…)` is method `updateMany` on collection `reports`. */
export interface Call {
  method: string
  /** Names before the method, outermost first: `db`, `schema`, `batches`… */
  path: string[]
  /** The literal name of the collection that it is about, if there is one. */
  collection: string | null
  args: CallExpression['arguments']
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
}

/** @throws SyntaxError with its place */
export function readSource(file: string, text: string): Source {
  const program = parse(text, { ecmaVersion: 'latest', sourceType: 'module', locations: true, allowHashBang: true })
  const exported = exportedObject(program)
  const calls: Call[] = []
  ancestor(program, {
    CallExpression(node, _state, ancestors) {
      const call = describe(node, ancestors, exported)
      if (call !== null) calls.push(call)
    },
  })
  return { file, exported, program, calls }
}

/** The value of a property, or undefined. */
export function property(object: ObjectExpression | null, name: string): AnyNode | undefined {
  for (const entry of object?.properties ?? []) {
    if (entry.type !== 'Property') continue
    const { key } = entry
    if ((key.type === 'Identifier' && key.name === name) || (key.type === 'Literal' && key.value === name)) {
      return entry.value
    }
  }
  return undefined
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

function exportedObject(program: Program): ObjectExpression | null {
  for (const statement of program.body) {
    if (statement.type !== 'ExportDefaultDeclaration') continue
    const { declaration } = statement
    if (declaration.type === 'ObjectExpression') return declaration
    if (declaration.type === 'CallExpression' && declaration.arguments[0]?.type === 'ObjectExpression') {
      return declaration.arguments[0]
    }
  }
  return null
}

function describe(node: CallExpression, ancestors: readonly Node[], exported: ObjectExpression | null): Call | null {
  const path: string[] = []
  let collection: string | null = null
  let callee: AnyNode = node.callee
  for (;;) {
    if (callee.type === 'ChainExpression') callee = callee.expression
    else if (callee.type === 'CallExpression') {
      const inner = describe(callee, [], null)
      if (inner?.method === 'collection') collection = nameIn(inner)
      callee = callee.callee
    } else if (callee.type === 'MemberExpression') {
      path.unshift(callee.property.type === 'Identifier' ? callee.property.name : '')
      callee = callee.object
    } else {
      if (callee.type === 'Identifier') path.unshift(callee.name)
      break
    }
  }
  const method = path.pop()
  if (method === undefined || method === '') return null
  const call: Call = {
    method,
    path,
    collection,
    args: node.arguments,
    line: lineOf(node),
    within: functionOf(ancestors, exported),
  }
  if (method === 'collection' && path.at(-1) === 'schema') call.collection = nameIn(call)
  if (method === 'batches' && node.arguments[0]?.type === 'ObjectExpression') {
    const name = literal(property(node.arguments[0], 'collection'))
    if (typeof name === 'string') call.collection = name
  }
  return call
}

function nameIn({ args }: Call): string | null {
  const [first] = args
  const value = first?.type === 'SpreadElement' ? undefined : literal(first)
  return typeof value === 'string' ? value : null
}

/** Which member of the exported object a node stands in. */
function functionOf(ancestors: readonly Node[], exported: ObjectExpression | null): string | null {
  for (const entry of exported?.properties ?? []) {
    if (entry.type !== 'Property' || !ancestors.some((node) => node === entry)) continue
    return entry.key.type === 'Identifier' ? entry.key.name : null
  }
  return null
}
