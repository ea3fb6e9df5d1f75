import { readFileSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { isAlias, isMap, isNode, isScalar, isSeq, type Pair } from 'yaml'
import { badInput, parseYaml, type YamlFile } from '../lib/index.ts'

/** A way into a Compose file: keys and list indexes. */
export type Path = readonly (string | number)[]

export interface Position {
  /** Relative to the stack's directory. */
  file: string
  /** Counted from 1. */
  line: number
}

interface Source {
  file: string
  /** The whole file as plain values, merge keys and anchors resolved. */
  value: unknown
  lineOf: (offset: number) => number
  document: YamlFile['document']
}

/** The Compose file and what it includes or extends, so that a finding can name its line. */
export interface Sources {
  readonly files: readonly { file: string; value: unknown }[]
  /** Where a value stands; the nearest enclosing value when Compose made it up or moved it. */
  locate(path: Path): Position
}

/** Reads one YAML text; exported for stacks that never lay on a disk. */
export function sourcesOf(texts: ReadonlyMap<string, string>): Sources {
  return joined([...texts].map(([file, text]) => parse(file, text)))
}

function joined(sources: readonly Source[]): Sources {
  if (sources.length === 0) throw new Error('a stack has at least one file')
  return {
    files: sources,
    locate(path) {
      const found = sources.map((source) => ({ source, ...walk(source, path) }))
      const best = found.reduce((a, b) => (b.depth > a.depth ? b : a))
      return { file: best.source.file, line: best.source.lineOf(best.offset) }
    },
  }
}

/**
 * Reads `file` in `directory` with every file that it includes or extends.
 * @throws Failure `bad-input` for a file that is missing or no YAML, and for an include or extends that is remote, has a
 * variable in it, or leaves the directory: Compose would fetch it, and the release would not hold it.
 */
export function readSources(directory: string, file: string): Sources {
  const sources = new Map<string, Source>()
  const open = (name: string, askedBy: string): void => {
    if (sources.has(name)) return
    let text: string
    try {
      text = readFileSync(resolve(directory, name), 'utf8')
    } catch {
      throw badInput(`${askedBy}${name} cannot be read in ${directory}: is it there?`)
    }
    const source = parse(name, text)
    sources.set(name, source)
    for (const { reference, path } of references(source.value)) {
      const line = source.lineOf(walk(source, path).offset)
      const inside = insideOf(directory, dirname(name), reference)
      if (inside === null) {
        throw badInput(
          `${name}:${line}: ${path[0] === 'include' ? 'include' : 'extends'} of "${reference}" is remote, holds a variable or leaves the directory; copy the file into the stack's directory and name it by its relative path`,
        )
      }
      open(inside, `${name}:${line}: `)
    }
  }
  open(file, '')
  return joined([...sources.values()])
}

function parse(file: string, text: string): Source {
  const { document, value, lineAt } = parseYaml(file, text, { merge: true })
  return { file, value, lineOf: lineAt, document }
}

/** How far `path` leads into a source, and where the last value found begins (its key, where it has one). */
function walk(source: Source, path: Path): { depth: number; offset: number } {
  let node: unknown = source.document.contents
  let offset = 0
  let depth = 0
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(source.document)
    if (isMap(node)) {
      const pair = pairOf(source, node.items, String(step))
      if (!pair) break
      offset = startOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof step === 'number' && node.items[step] !== undefined) {
      node = node.items[step]
      offset = startOf(node) ?? offset
    } else {
      break
    }
    depth += 1
  }
  return { depth, offset }
}

function pairOf(source: Source, items: readonly Pair[], key: string): Pair | undefined {
  const own = items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key)
  if (own) return own
  for (const merge of items.filter(isMerge)) {
    const merged = isSeq(merge.value) ? merge.value.items : [merge.value]
    for (const one of merged) {
      const map = isAlias(one) ? one.resolve(source.document) : one
      const pair = isMap(map) ? pairOf(source, map.items, key) : undefined
      if (pair) return pair
    }
  }
  return undefined
}

/** The parser gives a merge key a symbol for its value. */
function isMerge({ key }: Pair): boolean {
  return isScalar(key) && typeof key.value === 'symbol' && key.value.description === '<<'
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

/** Every file that a source pulls in, with the place that says so. */
function* references(value: unknown): Generator<{ reference: string; path: Path }> {
  const include = field(value, 'include')
  for (const [index, entry] of Array.isArray(include) ? include.entries() : []) {
    const paths = typeof entry === 'string' ? entry : field(entry, 'path')
    for (const reference of [paths].flat()) {
      if (typeof reference === 'string') yield { reference, path: ['include', index] }
    }
  }
  const services = field(value, 'services')
  if (services === null || typeof services !== 'object') return
  for (const [name, service] of Object.entries(services)) {
    const reference = field(field(service, 'extends'), 'file')
    if (typeof reference === 'string') yield { reference, path: ['services', name, 'extends'] }
  }
}

function insideOf(directory: string, from: string, reference: string): string | null {
  if (/^[a-z]+:|^git@|[$#]/.test(reference)) return null
  const path = relative(directory, resolve(directory, from, reference))
  return path === '' || path === '..' || path.startsWith(`..${sep}`) ? null : path
}

/** The value of a key of something that may be a map. */
export function field(value: unknown, key: string): unknown {
  return value !== null && typeof value === 'object' && key in value ? Reflect.get(value, key) : undefined
}
