// What is said of a scan of what runs: in the job's summary, in a GitHub issue, as SARIF and as metrics.
import { describeJudgements, type Finding, type Judgement, nameOf, type Waiver } from '../images/index.ts'
import { type Failure, type SarifResult, sarifLog } from '../lib/index.ts'
import { hideMasked, type StandingIssue } from '../runner/index.ts'

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

/**
 * The one issue of an environment: nobody waits for a run of the night, so whatever keeps it from judging is said there too, be it a
 * waiver that has expired.
 * @param judgements null when nothing could be judged
 * @param failure null for a green run
 */
export function issueOf(
  subject: string,
  judgements: readonly Judgement[] | null,
  failure: Pick<Failure, 'kind' | 'message'> | null,
  run: string,
): StandingIssue {
  const issue = { marker: `scan ${subject}`, title: `New findings in what runs: ${subject}` }
  if (failure === null) {
    return { ...issue, state: 'closed', body: '', line: `Nothing new any more ([run](${run})).` }
  }
  const fresh = judgements?.flatMap(({ service, refused }) => refused.map((finding) => ({ service, finding }))) ?? []
  const line = judgements
    ? `${fresh.length} new findings ([run](${run})).`
    : `Could not be judged: ${failure.kind} ([run](${run})).`
  return { ...issue, state: 'open', body: body(subject, judgements, fresh, failure, run), line }
}

const ROWS = 100

function body(
  subject: string,
  judgements: readonly Judgement[] | null,
  fresh: readonly { service: string; finding: Finding }[],
  { kind, message }: Pick<Failure, 'kind' | 'message'>,
  run: string,
): string {
  const rows = fresh.slice(0, ROWS).map(({ service, finding }) => {
    const { id, severity, package: name, path, installed, fixed } = finding
    return `| ${[service, id, severity, name || path, installed, fixed].map(cell).join(' | ')} |`
  })
  return [
    ...(judgements === null
      ? [
          `**What runs on \`${subject}\` could not be judged (${kind}).** Nobody knows whether something new is in it.`,
          // Only what a person has written wrongly: other failures speak of hosts, and an issue may be public.
          ...(kind === 'bad-input'
            ? [
                '',
                ...hideMasked(message)
                  .split('\n')
                  .map((line) => `    ${line}`),
              ]
            : []),
        ]
      : [
          `**${fresh.length} findings are in what runs on \`${subject}\` that its release did not have.**`,
          '',
          '| image | finding | severity | in | installed | mended in |',
          '|---|---|---|---|---|---|',
          ...rows,
          ...(fresh.length > ROWS ? ['', `And ${fresh.length - ROWS} more.`] : []),
        ]),
    '',
    `[This run](${run}) says more. Build and deploy again with what mends them, or answer for each by a line of the waivers file.`,
    '',
    'The action scan keeps this issue up to date and closes it when nothing new is left.',
  ].join('\n')
}

function cell(text: string): string {
  return text.replaceAll(/[|`\r\n<>]/g, ' ')
}

/** For code scanning: new findings are errors, those that the release had are notes, waived ones are dismissed. */
export function scanSarif(composeFile: string, judgements: readonly Judgement[]): object {
  const results = judgements.flatMap(({ service, refused, reported, waived }) => {
    const result = (level: SarifResult['level'], finding: Finding): SarifResult => {
      return { id: finding.id, level, file: composeFile, line: 1, text: `${service}: ${inWords(finding)}` }
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
