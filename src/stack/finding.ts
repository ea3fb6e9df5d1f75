import type { Path } from './sources.ts'

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
