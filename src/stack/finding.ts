import type { Path } from './sources.ts'
import type { Stack } from './stack.ts'

/** What is wrong with a stack and where a person mends it. */
export interface Finding {
  rule: string
  service: string | null
  /** What stands there, why it cannot stay, and what to write instead. */
  message: string
  file: string
  /** Counted from 1. */
  line: number
}

/** A finding by its path in the Compose file. */
export interface Report {
  rule: string
  message: string
  path: Path
}

/** A finding as one line: `docker-compose.prod.yml:12: backend: …`. */
export function formatFinding({ file, line, service, message }: Finding): string {
  return `${file}:${line}: ${service === null ? '' : `${service}: `}${message}`
}

/** Reports with the places that they speak of, each once, in the order of the file. */
export function locate(stack: Stack, reports: readonly Report[]): Finding[] {
  const findings = reports.map(({ rule, message, path }): Finding => {
    const service = path[0] === 'services' && typeof path[1] === 'string' ? path[1] : null
    return { rule, service, message, ...stack.sources.locate(path) }
  })
  const seen = new Map(findings.map((finding) => [JSON.stringify(finding), finding]))
  return [...seen.values()].sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
}
