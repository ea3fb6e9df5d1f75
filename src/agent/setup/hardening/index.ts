// What protects the machine rather than makes it a server. Each step can be left out by its name (--without).
import type { Choices } from '../choices.ts'
import type { Host } from '../host.ts'
import type { Step } from '../step.ts'

/** The steps that can be left out. */
export const HARDENING: readonly string[] = []

/** The hardening of a machine, in its order. */
export function hardeningSteps(_host: Host, _choices: Choices): Step[] {
  return []
}
