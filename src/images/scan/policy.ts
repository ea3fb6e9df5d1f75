import type { Finding } from './findings.ts'
import { SEVERITIES, type Severity } from './report.ts'

/** What refuses an image. */
export interface Policy {
  /** The least severity that refuses. */
  severity: Exclude<Severity, 'UNKNOWN'>
  /** Whether a vulnerability without a fix refuses too: nobody can do anything about it yet. */
  unfixed: boolean
  /** Days that a vulnerability may be public before it refuses. */
  grace: number
  /** Names of licences, as SPDX has them, that no image of one's own may hold. */
  licences: readonly string[]
  /** Vendors' images: refuse what their last release did not have, refuse everything, or only report. */
  vendors: 'new' | 'all' | 'report'
}

/** Own images refuse what can be mended; vendors' images refuse what is new, since nobody here can mend the rest. */
export const DEFAULT_POLICY: Policy = { severity: 'HIGH', unfixed: false, grace: 0, licences: [], vendors: 'new' }

const DAY = 86_400_000

/** Whether the policy refuses `finding` in an image of one's own. @param now milliseconds of the epoch */
export function refuses(policy: Policy, finding: Finding, now: number): boolean {
  if (SEVERITIES.indexOf(finding.severity) < SEVERITIES.indexOf(policy.severity)) return false
  if (finding.kind !== 'vulnerability') return true
  if (finding.fixed === '' && !policy.unfixed) return false
  return finding.published === null || now - finding.published >= policy.grace * DAY
}
