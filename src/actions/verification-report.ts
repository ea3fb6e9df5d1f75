// What is said of a verification of a backup: in the job's summary and in a GitHub issue, which names no patient's data.
import type { VerificationView } from '../agent/client.ts'
import type { Failure } from '../lib/index.ts'
import { formatDuration } from '../lib/index.ts'
import type { StandingIssue } from '../runner/index.ts'
import { quoted } from './standing-issue.ts'

/** What was asked to be verified. */
export interface Asked {
  environment: string
  /** `newest`, `random` or an id. */
  backup: string
  repository: 'first' | 'second'
}

export type Level = VerificationView['levels'][number]

/** The rows of the summary, one per level: readable in ten seconds. */
export function levelRows({ levels }: VerificationView): [string, string][] {
  return levels.map(({ level, proves, outcome, checked, findings, found, seconds }) => {
    const went = { passed: '✅', failed: '❌', skipped: '⏭️' }[outcome]
    const what =
      outcome === 'passed'
        ? `${checked} compared`
        : `${findings[0] ?? 'no finding'}${found > 1 ? ` (and ${found - 1} more)` : ''}`
    return [`${level} ${proves}`, `${went} ${what}, ${formatDuration(seconds * 1000)}`]
  })
}

/**
 * The issues that this run settles. A newest backup has one for good; a named or random one has one of its own, since the next
 * run may look at another.
 * @param failure null for a green run; its message is shown to all who see the issue
 */
export function issuesOf(
  asked: Asked,
  verification: VerificationView | undefined,
  failure: Pick<Failure, 'kind' | 'message'> | null,
  run: string,
): StandingIssue[] {
  const { environment, backup, repository } = asked
  const issue = (subject: string, rest: Pick<StandingIssue, 'state' | 'body' | 'line'>): StandingIssue => ({
    marker: `verify-backup ${environment} ${repository} ${subject}`,
    title: `No proof of restore: ${environment}, ${named(subject)} of the ${repository} repository`,
    ...rest,
  })
  const own = backup === 'random' ? (verification?.backup ?? backup) : backup
  if (failure === null) {
    const line = `Proved: backup \`${verification?.backup}\` restores ([run](${run})).`
    const subjects = [...new Set([own, backup])]
    return subjects.map((subject) => issue(subject, { state: 'closed', body: '', line }))
  }
  const line = `Still no proof: ${failure.kind} ([run](${run})).`
  return [issue(own, { state: 'open', body: body(asked, verification, failure, run), line })]
}

function named(subject: string): string {
  if (subject === 'newest') return 'the newest backup'
  return subject === 'random' ? 'a random backup' : `backup ${subject}`
}

function body(
  { environment, repository }: Asked,
  found: VerificationView | undefined,
  { kind, message }: Pick<Failure, 'kind' | 'message'>,
  run: string,
): string {
  return [
    ...(found === undefined
      ? [
          `**A backup of \`${environment}\` could not be verified (${kind}).** Nobody knows whether it restores.`,
          ...quoted(message),
        ]
      : [
          `**Backup \`${found.backup}\` of \`${environment}\` does not prove its restore.** Do not count on it.`,
          '',
          ...table(found.levels),
        ]),
    '',
    `Repository: ${repository}. [This run](${run}) says more.`,
    '',
    'On the server `pacs-agent logs` shows what was found; `pacs-agent backup` takes a new backup, `pacs-agent verify` proves it.',
    '',
    'The action verify-backup keeps this issue up to date and closes it when the proof is there again.',
  ].join('\n')
}

/** Counts and names of collections and services only: a finding may quote what a document or a check says. */
function table(levels: readonly Level[]): string[] {
  const rows = levels.map(({ level, proves, outcome, checked, lost, found, findings }) => {
    const wrong = outcome === 'failed' ? found : 0
    return `| ${level} | ${proves} | ${outcome} | ${checked} | ${lost} | ${wrong} | ${places(level, findings)} |`
  })
  return ['| level | proves | result | compared | lost | findings | where |', '|---|---|---|---|---|---|---|', ...rows]
}

/** The collections and services that findings of L2 to L4 begin with. */
function places(level: string, findings: readonly string[]): string {
  if (!['L2', 'L3', 'L4'].includes(level)) return ''
  const names = findings.flatMap((line) => /^([\w.-]{1,100}): /.exec(line)?.[1] ?? [])
  return [...new Set(names)].map((name) => `\`${name}\``).join(', ')
}
