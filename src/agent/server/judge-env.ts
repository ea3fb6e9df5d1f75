// What a person easily gets wrong in `.env` and in files of secrets: judged at the console, before a deploy would take it.
import { type Problems, parseEnvFile } from '../../lib/index.ts'
import { closest, distance } from '../../stack/index.ts'

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/

/** What a template leaves to be replaced. */
const PLACEHOLDER =
  /example\.(?:org|com|net)\b|change[-_ ]?me|replace[-_ ]?me|your[-_]|^(?:<.*>|x{3,}|todo|tbd|\.{3})$/i

interface Entry {
  /** null: no assignment. */
  name: string | null
  /** As it stands there, quotes and all. */
  raw: string
  line: number
}

/** What the stack's own `.env.example` says. */
export interface Example {
  /** Those that a person must replace: they are no comments there. */
  toReplace: ReadonlyMap<string, string>
}

/** Reads an `.env.example`: a value that stands there uncommented is one to be replaced. */
export function readExample(text: string): Example {
  return {
    toReplace: new Map(entriesOf(text).flatMap(({ name, raw }) => (name === null ? [] : [[name, unquoted(raw)]]))),
  }
}

export interface Against {
  example: Example | null
  /** The variables that something reads; null when no release says so. */
  known: readonly string[] | null
  problems: Problems
}

/** Adds what is wrongly quoted or not read as it stands there, still an example, there twice, or most likely a slip of the pen. */
export function judgeEnv(text: string, { example, known, problems }: Against): void {
  const seen = new Map<string, number>()
  const entries = entriesOf(text)
  const last = new Map(entries.map(({ name, line }) => [name, line]))
  const read = new Map(Object.entries(parseEnvFile(text)))
  for (const { name, raw, line } of entries) {
    if (name === null) {
      problems.add(`.env:${line}: is no assignment: write NAME='value', or # before a comment`)
      continue
    }
    const at = `.env:${line}: ${name}`
    const quoting = quotingFault(raw)
    const value = unquoted(raw)
    const amiss = quoting ?? (last.get(name) === line ? readingFault(value, read.get(name)) : null)
    if (amiss !== null) problems.add(`${at} ${amiss}; write ${name}='…', in single quotes`)
    if (value !== '' && example?.toReplace.get(name) === value)
      problems.add(`${at} is still the value of .env.example: put your own`)
    else if (PLACEHOLDER.test(value)) problems.add(`${at} is still a placeholder: put your own value`)
    const before = seen.get(name)
    if (before !== undefined) problems.add(`${at} stands in line ${before} too, and the last one counts: take one out`)
    seen.set(name, line)
    if (known !== null && !known.includes(name)) {
      const meant = closest(name, known)
      // Others may read names of their own; one that nearly is a known one is a slip.
      if (isNear(name, meant)) problems.add(`${at} is read by nothing: is it ${meant}?`)
    }
  }
}

/** For what this file does not foresee: the last word on what a line means has what reads it. */
function readingFault(value: string, read: string | undefined): string | null {
  if (read === undefined) return 'is not read at all'
  return read === value ? null : 'is read otherwise than it stands there'
}

/** Compose expands `$` outside single quotes and cuts at ` #`, the agent at any `#`; both take a quote that is not closed for a part of the value. */
function quotingFault(raw: string): string | null {
  const text = raw.trim()
  const quote = text[0] === "'" || text[0] === '"' ? text[0] : null
  if (quote === null) {
    if (text.includes('$')) return 'has a $ and no quotes: Compose would put a variable there'
    if (text.includes('#')) return 'has a # and no quotes: all that follows is taken for a comment'
    if (/^[^{[].*["']/.test(text)) return 'has a quote inside and none around it'
    return /\s/.test(text) ? 'has a space and no quotes' : null
  }
  const end = text.indexOf(quote, 1)
  if (end === -1) return `begins with ${quote} and does not end with it`
  if (!/^\s*(?:#.*)?$/.test(text.slice(end + 1))) return `goes on after the ${quote} that ends it`
  if (quote === '"' && /[$\\]/.test(text)) return 'has a $ or a \\ in double quotes: Compose would replace it'
  return null
}

function unquoted(raw: string): string {
  const text = raw.trim()
  const [, single, double] = /^(?:'([^']*)'|"([^"]*)")/.exec(text) ?? []
  return single ?? double ?? text.replace(/\s#.*$/, '').trim()
}

/** The assignments and what is none, in order. A value in quotes may go over several lines. */
function entriesOf(text: string): Entry[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''))
  const entries: Entry[] = []
  for (let index = 0; index < lines.length; index++) {
    const content = lines[index] ?? ''
    if (content.trim() === '' || /^\s*#/.test(content)) continue
    const [, name = null, raw = content] = ASSIGNMENT.exec(content) ?? []
    const last = name === null ? index : endOf(lines, index, raw)
    entries.push({ name, raw: [raw, ...lines.slice(index + 1, last + 1)].join('\n'), line: index + 1 })
    index = last
  }
  return entries
}

/** The index of the line in which a value ends; its own when its quote is never closed. */
function endOf(lines: readonly string[], index: number, raw: string): number {
  const quote = raw.trimStart()[0]
  if ((quote !== "'" && quote !== '"') || raw.trimStart().indexOf(quote, 1) !== -1) return index
  const end = lines.findIndex((line, at) => at > index && line.includes(quote))
  return end === -1 ? index : end
}

function isNear(name: string, other: string): boolean {
  return other !== '' && distance(name, other) <= (name.length < 6 ? 1 : 2)
}
