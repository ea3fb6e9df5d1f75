// What the gate found in a Compose file: at the lines of the file, as a table of the summary, and as SARIF.
import { join } from 'node:path'
import { gateSarif } from '../images/index.ts'
import { annotate, type Job, writeJsonFile, writeOutputs } from '../runner/index.ts'
import type { GateResult } from '../stack/index.ts'

/** @param folder of the Compose file, in the checkout */
export function reportGate(gate: GateResult, folder: string, job: Job): void {
  writeOutputs({ sarif: writeJsonFile('pacs-stack.sarif', gateSarif(folder, gate)) })
  const { blockers, allowed } = gate
  annotate(blockers.map(({ rule, message, file, line }) => ({ title: rule, message, file: join(folder, file), line })))
  const rows = blockers.map(({ rule, service, file, line, message }) => {
    return [rule, service ?? '', `${join(folder, file)}:${line}`, message]
  })
  if (rows.length > 0) job.report.table = { head: ['rule', 'service', 'place', 'what to write'], rows }
  for (const { service, rule, because } of allowed) {
    job.report.rows.push([`${service}: ${rule}`, `allowed: ${because}`])
  }
}
