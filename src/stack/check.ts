import { checkData } from './check-data.ts'
import { checkResources } from './check-resources.ts'
import { checkServices } from './check-services.ts'
import { checkValues } from './check-values.ts'
import { type Finding, locate } from './finding.ts'
import type { Stack } from './stack.ts'

/** All that keeps the agent from running a stack, in the order of the file; none when it is fit. */
export function checkStack(stack: Stack): Finding[] {
  const reports = [...checkValues(stack), ...checkServices(stack), ...checkResources(stack), ...checkData(stack)]
  return locate(stack, reports)
}
