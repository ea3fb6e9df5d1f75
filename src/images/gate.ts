import { join } from 'node:path'
import { refused, type SarifLog, type SarifResult, sarifLog } from '../lib/index.ts'
import { type Finding, formatFinding, type GateResult } from '../stack/index.ts'

/** @throws Failure `refused` with every finding of the gate that nobody allowed, one per line. */
export function passGate({ blockers }: GateResult): void {
  if (blockers.length === 0) return
  const lines = blockers.map((finding) => `${formatFinding(finding)} [${finding.rule}]`)
  const how = 'mend each, or allow it by x-pacs.allow of its service: { <rule>: why } (docs/stack.md)'
  throw refused(`the Compose file has ${blockers.length} findings: ${how}\n${lines.join('\n')}`)
}

/** What the gate found, for code scanning; what a team allows is there as dismissed. @param folder of the Compose file in the checkout */
export function gateSarif(folder: string, { blockers, allowed }: GateResult): SarifLog {
  const result = ({ rule, message, file, line, service }: Finding): SarifResult => {
    return {
      id: rule,
      level: 'error',
      file: join(folder, file),
      line,
      text: `${service === null ? '' : `${service}: `}${message}`,
    }
  }
  const dismissed = allowed.map((one): SarifResult => ({ ...result(one), because: one.because }))
  return sarifLog('pacs-deploy stack check', [...blockers.map(result), ...dismissed])
}
