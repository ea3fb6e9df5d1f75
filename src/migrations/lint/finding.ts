/** What is wrong with a migration, and where a person mends it. */
export interface Finding {
  id: string
  level: 'error' | 'warning'
  /** Name of the file in the folder of migrations. */
  file: string
  /** Counted from 1. */
  line: number
  message: string
  /** What to write instead. */
  fix: string
}

/** A finding as one line: `004_x.js:12: error destructive: …`. */
export function formatFinding({ id, level, file, line, message, fix }: Finding): string {
  return `${file}:${line}: ${level} ${id}: ${message}; ${fix}`
}
