import { join } from 'node:path'
import { appendLine } from '../../lib/index.ts'
import type { TransactionResult } from '../protocol.ts'
import type { JournalWriter } from './journal.ts'

/** Writes one line to the audit: who asked for what, and what came of it. */
export type Audit = (record: Readonly<Record<string, unknown>>) => Promise<void>

/** The audit in `directory`: one JSON-lines file per day (UTC). */
export function openAudit(directory: string, now: () => number): Audit {
  return async (record) => {
    const day = new Date(now()).toISOString().slice(0, 10)
    await appendLine(join(directory, `${day}.jsonl`), JSON.stringify(record), 0o640, true)
  }
}

/**
 * Writes what transaction `id` came to. The audit comes first: by the journal a start after a crash knows whether both have it.
 * @param now milliseconds
 */
export async function recordResult(
  id: string,
  result: TransactionResult,
  now: number,
  { audit, writer }: { audit: Audit; writer: JournalWriter },
): Promise<void> {
  await audit({ at: new Date(now).toISOString(), transaction: id, result })
  await writer.result(result)
}
