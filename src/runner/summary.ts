import { appendFileSync } from 'node:fs'
import { plain } from './log.ts'
import { hideMasked } from './masks.ts'

/** GitHub aborts the upload of a summary above 1 MiB; nobody reads that much in 10 seconds. */
const MAX_BYTES = 64 * 1024
const MAX_CELL = 300
const LONGEST_IN_TABLE = 1000

export interface Summary {
  /** A sign that is seen before anything is read. */
  good: boolean
  title: string
  /** One sentence: what happened. */
  message: string
  /** Name and value, in the order of a reader's interest. */
  rows: ReadonlyArray<readonly [string, string]>
  table?: Table | undefined
}

/** A table with a head, below the rows. */
export interface Table {
  head: readonly string[]
  rows: ReadonlyArray<readonly string[]>
}

/** Appends a summary to the job's page, if there is one. */
export function writeSummary(summary: Summary, file = process.env.GITHUB_STEP_SUMMARY): void {
  if (file) appendFileSync(file, renderSummary(summary))
}

/** Markdown in which no value can be markup, below 64 KiB. */
export function renderSummary({ good, title, message, rows, table }: Summary): string {
  const lines = [`### ${good ? '✅' : '❌'} ${cell(title)}`, '', cell(message, 2000), '']
  if (rows.length > 0)
    lines.push('| | |', '|---|---|', ...rows.map(([name, value]) => `| ${cell(name)} | ${cell(value)} |`), '')
  if (table && table.rows.length > 0) {
    const line = (cells: readonly string[]) => `| ${cells.map((text) => cell(text, LONGEST_IN_TABLE)).join(' | ')} |`
    lines.push(line(table.head), `|${'---|'.repeat(table.head.length)}`, ...table.rows.map(line), '')
  }
  const kept: string[] = []
  let bytes = 0
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1
    if (bytes > MAX_BYTES) return `${kept.join('\n')}\n\n(cut: the log has the rest)\n`
    kept.push(line)
  }
  return `${kept.join('\n')}\n`
}

function cell(text: string, longest = MAX_CELL): string {
  const safe = plain(hideMasked(text))
  const cut = safe.length > longest ? `${safe.slice(0, longest)}…` : safe
  return cut.replaceAll(/[\\`*_{}[\]<>|#&~!@]/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
