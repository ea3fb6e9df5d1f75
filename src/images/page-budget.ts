import { type Failure, refused } from '../lib/index.ts'
import type { PageWeight } from './page-weight.ts'

/** What a page loads first, beside what it may and what it did in the last release. */
export interface WeighedPage {
  service: string
  weight: PageWeight
  /** Bytes, gzipped. */
  budget: number
  /** Null where there is none to compare with. */
  before: PageWeight | null
}

/** Files that are named, of each page. */
const NAMED = 10

/** One row of a job's summary. */
export function describePage({ service, weight, budget, before }: WeighedPage): [string, string] {
  const change = before === null ? '' : `, ${grown(weight.bytes - before.bytes)} since the last release`
  return [`page of ${service}`, `${kib(weight.bytes)} of ${kib(budget)} that it may load first (gzipped)${change}`]
}

/** The ten largest files of each page: service, file, size, change since the last release. */
export function pageTable(pages: readonly WeighedPage[]): string[][] {
  return pages.flatMap(({ service, weight, before }) => {
    const old = new Map(before?.files.map(({ path, bytes }) => [stableName(path), bytes]))
    return weight.files.slice(0, NAMED).map(({ path, bytes }) => {
      const was = old.get(stableName(path))
      const change = before === null ? '' : was === undefined ? 'new' : grown(bytes - was)
      return [service, path, kib(bytes), change]
    })
  })
}

/** What refuses a build; undefined when every page keeps to its budget. */
export function overBudget(pages: readonly WeighedPage[]): Failure | undefined {
  const lines = pages.flatMap(({ service, weight: { bytes, files }, budget }) => {
    if (bytes <= budget) return []
    const largest = files.slice(0, 3).map(({ path, bytes: size }) => `${path} ${kib(size)}`)
    return `${service}: its page loads ${kib(bytes)} first (gzipped), its bundle-budget is ${kib(budget)}: the largest are ${largest.join(', ')}; load later what is not needed at once (import()), or raise the budget`
  })
  return lines.length === 0 ? undefined : refused(lines.join('\n'))
}

/** A name without what changes with each build: the hash of the content, and the folder of the commit. */
function stableName(path: string): string {
  return path.replaceAll(/\b[0-9a-f]{40}\//g, '').replace(/-[A-Za-z0-9_-]{8}(?=\.[a-z0-9]+$)/, '')
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`
}

function grown(bytes: number): string {
  return `${bytes < 0 ? '−' : '+'}${kib(Math.abs(bytes))}`
}
