// What the gate found in a Compose file, and the scan in Dockerfiles and images: at its lines, as a table of the summary, and as SARIF.
import { join } from 'node:path'
import { gateSarif, type Judgement, refusalTable, scanSarif } from '../images/index.ts'
import type { SarifLog } from '../lib/index.ts'
import { annotate, type Job, writeJsonFile, writeOutputs } from '../runner/index.ts'
import type { GateResult } from '../stack/index.ts'

/** @param folder of the Compose file, in the checkout. @returns what stands in the SARIF file, for {@link reportScan} */
export function reportGate(gate: GateResult, folder: string, job: Job): SarifLog {
  const sarif = gateSarif(folder, gate)
  writeSarif(sarif)
  const { blockers, allowed } = gate
  annotate(blockers.map(({ rule, message, file, line }) => ({ title: rule, message, file: join(folder, file), line })))
  const rows = blockers.map(({ rule, service, file, line, message }) => {
    return [rule, service ?? '', `${join(folder, file)}:${line}`, message]
  })
  if (rows.length > 0) job.report.table = { head: ['rule', 'service', 'place', 'what to write'], rows }
  for (const { service, rule, because } of allowed) {
    job.report.rows.push([`${service}: ${rule}`, `allowed: ${because}`])
  }
  return sarif
}

/** @param gates what {@link reportGate} has put into the SARIF file, which stays there */
export function reportScan(
  judgements: readonly Judgement[],
  composeFile: string,
  gates: readonly SarifLog[],
  job: Job,
): void {
  const scan = scanSarif(composeFile, judgements)
  writeSarif({ ...scan, runs: [...gates, scan].flatMap(({ runs }) => runs) })
  annotate(
    judgements.flatMap(({ refused }) =>
      refused.flatMap(({ id, title, path, line }) =>
        line === undefined ? [] : { title: id, message: title, file: path, line },
      ),
    ),
  )
  const rows = refusalTable(judgements)
  if (rows.length > 0) job.report.table = { head: ['finding', 'image', 'in', 'what it is'], rows }
}

function writeSarif(log: SarifLog): void {
  writeOutputs({ sarif: writeJsonFile('pacs-stack.sarif', log) })
}
