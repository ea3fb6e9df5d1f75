import type { Finding, Judgement } from '../images/index.ts'
import type { Failure } from '../lib/index.ts'
import type { StandingIssue } from '../runner/index.ts'
import { quoted } from './standing-issue.ts'

/**
 * The one issue of an environment: nobody waits for a run of the night, so whatever keeps it from judging is said there too, be it a
 * waiver that has expired.
 * @param judgements null when nothing could be judged
 * @param failure null for a green run; its message is shown to all who see the issue
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
          ...quoted(message),
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
