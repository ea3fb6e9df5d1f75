import { checkData } from './check-data.ts'
import { checkResources } from './check-resources.ts'
import { checkServices } from './check-services.ts'
import { checkValues } from './check-values.ts'
import type { Finding } from './finding.ts'
import type { Stack } from './stack.ts'

/** All that keeps the agent from running a stack, in the order of the file; none when it is fit. */
export function checkStack(stack: Stack): Finding[] {
  const reports = [...checkValues(stack), ...checkServices(stack), ...checkResources(stack), ...checkData(stack)]
  const findings = reports.map(({ rule, message, path }): Finding => {
    const service = path[0] === 'services' && typeof path[1] === 'string' ? path[1] : null
    return { rule, service, message, ...stack.sources.locate(path) }
  })
  const seen = new Map(findings.map((finding) => [JSON.stringify(finding), finding]))
  return [...seen.values()].sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
}
