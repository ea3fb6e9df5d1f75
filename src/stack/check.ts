import { checkData } from './check-data.ts'
import { checkResources } from './check-resources.ts'
import { checkServices } from './check-services.ts'
import { checkValues } from './check-values.ts'
import { checkEdge } from './edge.ts'
import { type Finding, locate } from './finding.ts'
import type { Stack } from './stack.ts'

/** All that keeps the agent from running a stack, in the order of the file; none when it is fit. */
export function checkStack(stack: Stack): Finding[] {
  const checks = [checkValues, checkServices, checkResources, checkData, checkEdge]
  return locate(
    stack,
    checks.flatMap((check) => [...check(stack)]),
  )
}
