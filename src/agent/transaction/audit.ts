import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Writes one line to the audit: who asked for what, and what came of it. */
export type Audit = (record: Readonly<Record<string, unknown>>) => Promise<void>

/** The audit in `directory`: one JSON-lines file per day (UTC). */
export function openAudit(directory: string, now: () => number): Audit {
  return async (record) => {
    const day = new Date(now()).toISOString().slice(0, 10)
    const file = join(directory, `${day}.jsonl`)
    await appendFile(file, `${JSON.stringify(record)}\n`, { mode: 0o640, flush: true })
  }
}
