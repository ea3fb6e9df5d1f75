import { join } from 'node:path'
import { appendLine } from '../../lib/index.ts'

/** Writes one line to the audit: who asked for what, and what came of it. */
export type Audit = (record: Readonly<Record<string, unknown>>) => Promise<void>

/** The audit in `directory`: one JSON-lines file per day (UTC). */
export function openAudit(directory: string, now: () => number): Audit {
  return async (record) => {
    const day = new Date(now()).toISOString().slice(0, 10)
    await appendLine(join(directory, `${day}.jsonl`), JSON.stringify(record), 0o640, true)
  }
}
