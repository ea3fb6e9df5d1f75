import { refused } from '../../lib/index.ts'
import { type Digest, sha256, type Verdict } from '../../release/index.ts'
import { dockerfileFindings, type Finding, findingsOf, nameOf } from './findings.ts'
import { type Policy, refuses } from './policy.ts'
import { parseDockerfileReport, parseReport, SEVERITIES } from './report.ts'
import { covers, type Waiver } from './waivers.ts'

/** What was scanned and with what. */
export interface Scan {
  service: string
  /** Others that run the same image. */
  sharedBy: readonly string[]
  /** Built from source here, or a vendor's. */
  built: boolean
  /** The engine's own name for the image that was built or pulled. */
  image: Digest
  /** Trivy's JSON, and the bill of materials made of it. */
  report: string
  sbom: string
  /** Trivy's JSON of the Dockerfile it was built by; left out for a vendor's. */
  dockerfile?: string
  scanner: Verdict['scanner']
  /** When the vulnerability database was made; {@link requireFreshDatabase} has let it pass. */
  database: Date
}

/** By what a scan is judged. */
export interface Standard {
  policy: Policy
  waivers: readonly Waiver[]
  /** Names of all that was found in the last release, by service; one that it did not have has none to compare with. */
  known: ReadonlyMap<string, ReadonlySet<string>>
  now: Date
}

/** What became of each finding of an image. */
export interface Judgement {
  service: string
  /** Null when the image is refused. */
  verdict: Verdict | null
  refused: readonly Finding[]
  waived: readonly { finding: Finding; waiver: Waiver }[]
  /** All the others, for people to see. */
  reported: readonly Finding[]
}

/**
 * Judges one image by the scanner's own words.
 * @throws Failure `refused` when the report cannot be read or is about another image
 */
export function judge(scan: Scan, standard: Standard): Judgement {
  const { service, sharedBy, image } = scan
  const report = parseReport(service, scan.report, scan.scanner.version)
  if (report.Metadata.ImageID !== image) {
    throw refused(
      `scan of ${service}: the report is about image ${report.Metadata.ImageID}, built was ${image}: it was moved in between; build again`,
    )
  }
  const { policy, waivers, now } = standard
  const ofDockerfile =
    scan.dockerfile === undefined ? [] : dockerfileFindings(parseDockerfileReport(service, scan.dockerfile))
  const findings = worstFirst([...ofDockerfile, ...findingsOf(report, policy.licences).filter(unlessIn(ofDockerfile))])
  const against = findings.filter((finding) => refuses(policy, finding, now.getTime()))
  const waived: { finding: Finding; waiver: Waiver }[] = []
  const open: Finding[] = []
  const refusing: Finding[] = []
  for (const finding of against) {
    const waiver = waivers.find((each) => covers(each, [service, ...sharedBy], finding))
    // What passes anyway needs no waiver: it would be new again to the release after this one.
    if (passes(finding, scan, standard)) open.push(finding)
    else if (waiver) waived.push({ finding, waiver })
    else refusing.push(finding)
  }
  const decided = new Set([...waived.map(({ finding }) => finding), ...refusing])
  const verdict: Verdict = {
    built: scan.built,
    scanner: scan.scanner,
    database: scan.database.toISOString(),
    judged: now.toISOString(),
    found: countBySeverity(findings),
    open: names(open),
    waived: names(waived.map(({ finding }) => finding)),
    report: sha256(scan.report),
    sbom: sha256(scan.sbom),
    ...(scan.dockerfile === undefined ? {} : { dockerfile: sha256(scan.dockerfile) }),
  }
  return {
    service,
    verdict: refusing.length === 0 ? verdict : null,
    refused: refusing,
    waived,
    reported: findings.filter((finding) => !decided.has(finding)),
  }
}

/** Trivy's rules about what an image ends with, not about one of its layers: no user, no health check. */
const OF_THE_WHOLE = ['DS-0002', 'DS-0026']

/** A Dockerfile that breaks such a rule makes an image that does: that is one finding, named where it can be mended. */
function unlessIn(ofDockerfile: readonly Finding[]): (finding: Finding) => boolean {
  const named = new Set(ofDockerfile.map(({ id }) => id).filter((id) => OF_THE_WHOLE.includes(id)))
  return ({ kind, id }) => kind !== 'misconfiguration' || !named.has(id)
}

/** Whether a vendor's image may have a finding that no own image may: nobody here can mend it, but nothing gets worse unseen. */
function passes(finding: Finding, { built, service }: Scan, { policy, known }: Standard): boolean {
  // An image that nothing is known about passes by allowance only, whoever made it.
  if (built || finding.kind === 'coverage' || policy.vendors === 'all') return false
  // The list is about what one builds oneself; a release that was made before the list would make each of a vendor's licences new.
  if (finding.kind === 'licence') return true
  return policy.vendors === 'report' || (known.get(service)?.has(nameOf(finding)) ?? true)
}

/** Waivers that no finding of any image needed. */
export function unusedWaivers(waivers: readonly Waiver[], judgements: readonly Judgement[]): Waiver[] {
  const used = new Set(judgements.flatMap(({ waived }) => waived.map(({ waiver }) => waiver)))
  return waivers.filter((waiver) => !used.has(waiver))
}

const HOUR = 3_600_000
const OLDEST_HOURS = 24

/**
 * @param made when the vulnerability database was made
 * @throws Failure `refused` when it is older than 24 hours, or from the future by more than one
 */
export function requireFreshDatabase(made: Date, now: Date): void {
  const hours = (now.getTime() - made.getTime()) / HOUR
  const at = `the vulnerability database is of ${made.toISOString()}`
  if (hours > OLDEST_HOURS) {
    throw refused(
      `scan: ${at}, ${Math.floor(hours)} h old, allowed are ${OLDEST_HOURS} h: what was found since would be missed; see why scan-database gives no newer one`,
    )
  }
  if (hours < -1) throw refused(`scan: ${at}, which is in the future: set the clock of this machine right`)
}

function worstFirst(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity }: Finding) => SEVERITIES.indexOf(severity)
  return findings.toSorted((a, b) => rank(b) - rank(a) || (nameOf(a) < nameOf(b) ? -1 : 1))
}

function countBySeverity(findings: readonly Finding[]): Verdict['found'] {
  const of = (severity: Finding['severity']) => findings.filter((each) => each.severity === severity).length
  return { critical: of('CRITICAL'), high: of('HIGH'), medium: of('MEDIUM'), low: of('LOW'), unknown: of('UNKNOWN') }
}

/** Each name once, in order. */
function names(findings: readonly Finding[]): string[] {
  return [...new Set(findings.map(nameOf))].sort()
}
