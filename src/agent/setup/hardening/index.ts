// What protects the machine rather than makes it a server. Each step can be left out by its name (--without).
import type { Choices } from '../choices.ts'
import type { Host } from '../host.ts'
import type { Step } from '../step.ts'
import { auditStep, failedLoginsStep } from './attacks.ts'
import { dockerStep } from './docker.ts'
import { firewallStep } from './firewall.ts'
import { hugePagesStep, kernelStep } from './kernel.ts'
import { sshStep } from './ssh.ts'
import { logsStep, timeStep, updatesStep } from './upkeep.ts'

/** The hardening of a machine, in its order: what could lock somebody out comes last. @param hand who runs this, by the name that logs in */
export function hardeningSteps(host: Host, choices: Choices, hand: string): Step[] {
  const steps = [
    dockerStep(host),
    kernelStep(host),
    hugePagesStep(host, choices.mongodb),
    timeStep(host),
    updatesStep(),
    logsStep(),
    auditStep(host),
    failedLoginsStep(host),
    firewallStep(host, choices.open),
    sshStep(host, hand),
  ]
  return steps.map((step) => ({ ...step, hardening: true }))
}
