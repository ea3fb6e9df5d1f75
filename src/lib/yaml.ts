import { type Document, LineCounter, parseDocument, visit } from 'yaml'
import { badInput, messageOf, Problems } from './errors.ts'

/** What a YAML file holds. */
export interface YamlFile {
  document: Document
  /** Its value, with every alias as what it names. */
  value: unknown
  /** The line in which a character stands, from 1. */
  lineAt(offset: number): number
}

/** How many values aliases may make of one: more than people write, and too few to fill the memory. */
const MOST_BY_ALIASES = 100

/**
 * Reads a YAML file.
 * @param merge whether `<<` merges a mapping, as Compose has it
 * @throws Failure `bad-input` with every mistake, each with file and line
 */
export function parseYaml(file: string, text: string, { merge = false } = {}): YamlFile {
  const lines = new LineCounter()
  const lineAt = (offset: number) => lines.linePos(offset).line
  const document: Document = parseDocument(text, { merge, lineCounter: lines })
  const problems = new Problems()
  for (const { pos, message } of document.errors) {
    problems.add(`${file}:${lineAt(pos[0])}: ${message.split('\n')[0]}`)
  }
  problems.throwIfAny()
  visit(document, {
    Alias(_key, alias) {
      const { source, range } = alias
      if (alias.resolve(document) !== undefined) return
      problems.add(`${file}:${lineAt(range?.[0] ?? 0)}: *${source} names nothing: no &${source} stands before it`)
    },
  })
  problems.throwIfAny()
  try {
    return { document, value: document.toJS({ maxAliasCount: MOST_BY_ALIASES }), lineAt }
  } catch (thrown) {
    throw badInput(`${file}: ${messageOf(thrown)}`)
  }
}
