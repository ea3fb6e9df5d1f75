// The gate on a Compose file: what would let one service that is broken into take the machine, or one that fails stop all others.
// A team allows a finding where it must, by its rule and with a reason, under x-pacs.allow of the service.
import { type Finding, locate, type Report } from '../finding.ts'
import type { Stack } from '../stack.ts'
import { GATE_RULE_IDS, type GateRuleId } from './rule-ids.ts'
import { GATE_RULES } from './rules.ts'

/** A finding that a team allows. */
export interface Allowed extends Finding {
  /** Why, in the team's words. */
  because: string
}

export interface GateResult {
  /** What stands in the way, in the order of the file; none when the stack may pass. */
  blockers: readonly Finding[]
  allowed: readonly Allowed[]
}

/** Why what a pull request allows itself does not count. @param basis null where the default branch has no stack that can be read */
function brought(basis: Stack | null | undefined): string {
  const why = basis === null ? 'has no Compose file that can be read, so it allows nothing' : 'does not'
  return `that this pull request allows it does not count, since the default branch ${why}: who may merge it over the gate decides`
}

/** Whether any service of a stack allows a finding. */
export function hasAllowances({ services }: Stack): boolean {
  return [...services.values()].some(({ pacs }) => Object.keys(pacs.allow).length > 0)
}

function allows(stack: Stack | null, service: string, id: GateRuleId): boolean {
  return stack?.services.get(service)?.pacs.allow[id] !== undefined
}

/**
 * Judges a stack by the gate's rules. An allowance that nothing needs is a blocker too: it would hide the next mistake.
 * `checkStack` says whether the agent can run it at all.
 * @param basis the stack of the default branch, for a pull request: what that does not allow yet, the pull request does not either.
 * Null where the branch has none; left out, the stack's own allowances count.
 */
export function gateStack(stack: Stack, basis?: Stack | null): GateResult {
  const blockers: Report[] = []
  const allowed: (Report & { because: string })[] = []
  for (const service of stack.services.values()) {
    const at = ['services', service.name]
    for (const id of GATE_RULE_IDS) {
      const { reason, find } = GATE_RULES[id]
      const because = service.pacs.allow[id]
      const counts = because !== undefined && (basis === undefined || allows(basis, service.name, id))
      const breaches = [...find(service, stack)]
      for (const { message, path } of breaches) {
        const report = { rule: id, message: `${message} (${reason})`, path: [...at, ...path] }
        if (counts) allowed.push({ ...report, because })
        else if (because === undefined) blockers.push(report)
        else blockers.push({ ...report, message: `${report.message}; ${brought(basis)}` })
      }
      if (because !== undefined && breaches.length === 0) {
        const message = `x-pacs.allow.${id} allows what is not there: take it out`
        blockers.push({ rule: 'allow', message, path: [...at, 'x-pacs', 'allow', id] })
      }
    }
  }
  return {
    blockers: locate(stack, blockers),
    allowed: allowed.flatMap(({ because, ...report }) => locate(stack, [report]).map((one) => ({ ...one, because }))),
  }
}
