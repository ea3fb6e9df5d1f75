// What is said of a scan of what runs: in a summary, as SARIF and as metrics.
import { type SarifLog, type SarifResult, sarifLog } from '../../lib/index.ts'
import { describeJudgements } from './describe.ts'
import { type Finding, nameOf } from './findings.ts'
import type { Judgement } from './verdict.ts'
import type { Waiver } from './waivers.ts'

/** Rows of the summary: one per image, and one per new finding up to a number that a person reads. */
export function scanRows(judgements: readonly Judgement[], waivers: readonly Waiver[]): [string, string][] {
  const fresh = judgements.flatMap(({ service, refused }) => refused.map((finding) => ({ service, finding })))
  const named = fresh
    .slice(0, 20)
    .map(({ service, finding }): [string, string] => [`new in ${service}`, inWords(finding)])
  const more = fresh.length - named.length
  return [
    ...describeJudgements(judgements, waivers),
    ...named,
    ...(more > 0 ? [['and', `${more} more`] as [string, string]] : []),
  ]
}

/** For code scanning: findings that refuse are errors, all others are notes, waived ones are dismissed. */
export function scanSarif(composeFile: string, judgements: readonly Judgement[]): SarifLog {
  const results = judgements.flatMap(({ service, refused, reported, waived }) => {
    const result = (level: SarifResult['level'], finding: Finding): SarifResult => {
      const place =
        finding.line === undefined ? { file: composeFile, line: 1 } : { file: finding.path, line: finding.line }
      return { id: finding.id, level, ...place, text: `${service}: ${inWords(finding)}` }
    }
    return [
      ...refused.map((finding) => result('error', finding)),
      ...reported.map((finding) => result('note', finding)),
      ...waived.map(({ finding, waiver }) => ({
        ...result('note', finding),
        because: `${waiver.owner}: ${waiver.reason}`,
      })),
    ]
  })
  return sarifLog('pacs-deploy scan', results)
}

/** For a Prometheus that reads text files. */
export function scanMetrics(subject: string, judgements: readonly Judgement[], database: Date, now: Date): string {
  const line = (name: string, labels: Record<string, string>, value: number) => {
    const all = Object.entries({ environment: subject, ...labels }).map(
      ([key, text]) => `${key}=${JSON.stringify(text)}`,
    )
    return `${name}{${all.join(',')}} ${value}`
  }
  const counts = judgements.flatMap(({ service, refused, waived, reported }) =>
    Object.entries({ new: refused, waived, known: reported }).map(([state, list]) =>
      line('pacs_scan_findings', { service, state }, list.length),
    ),
  )
  const gauge = (name: string, help: string, lines: readonly string[]) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...lines,
  ]
  const one = (name: string, help: string, at: Date) => gauge(name, help, [line(name, {}, at.getTime() / 1000)])
  return [
    ...one('pacs_scan_timestamp_seconds', 'When what runs was judged last.', now),
    ...one('pacs_scan_database_timestamp_seconds', 'When the vulnerability database was made.', database),
    ...gauge('pacs_scan_findings', 'Findings in what runs: new since its release, known in it, waived.', counts),
    '',
  ].join('\n')
}

function inWords(finding: Finding): string {
  const { severity, installed, fixed, title } = finding
  const mended = fixed === '' ? '' : `, mended in ${fixed}`
  return `${nameOf(finding)}${installed === '' ? '' : ` ${installed}`} (${severity}${mended})${title === '' ? '' : `: ${title}`}`
}
