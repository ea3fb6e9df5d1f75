import { type Failure, refused } from '../../lib/index.ts'
import { type Finding, nameOf } from './findings.ts'
import { type Judgement, unusedWaivers } from './verdict.ts'
import type { Waiver } from './waivers.ts'

/** Findings that a message names for each image. */
const NAMED = 5

/** Rows for a job's summary: one per image, and one per waiver that was used or that nothing needed. */
export function describeJudgements(judgements: readonly Judgement[], waivers: readonly Waiver[]): [string, string][] {
  const used = new Map(
    judgements.flatMap(({ waived }) => waived.map(({ waiver, finding }) => [waiver.at, { waiver, finding }])),
  )
  return [
    ...judgements.map((each): [string, string] => [`scan of ${each.service}`, inShort(each)]),
    ...[...used].map(([at, { waiver, finding }]): [string, string] => [
      `waived by ${at}`,
      `${nameOf(finding)} until ${waiver.expires}, ${waiver.owner}: ${waiver.reason}`,
    ]),
    ...unusedWaivers(waivers, judgements).map(({ at, id }): [string, string] => [
      `unused waiver ${at}`,
      `nothing needs ${id}: remove it`,
    ]),
  ]
}

function inShort({ verdict, refused: refusing, waived, reported }: Judgement): string {
  const parts = [verdict === null ? `refused by ${refusing.length}` : 'passed']
  const open = verdict?.open.length ?? 0
  if (open > 0) parts.push(`${open} of the vendor that no own image may have`)
  if (waived.length > 0) parts.push(`${waived.length} waived`)
  if (reported.length > open) parts.push(`${reported.length - open} more below the bar or without a fix`)
  return parts.join(', ')
}

/** What refuses a build; undefined when nothing does. */
export function refusalOf(judgements: readonly Judgement[]): Failure | undefined {
  const against = judgements.filter(({ refused: refusing }) => refusing.length > 0)
  if (against.length === 0) return undefined
  const lines = against.map(({ service, refused: refusing }) => {
    const named = refusing.slice(0, NAMED).map(describe).join('; ')
    const more = refusing.length > NAMED ? `; and ${refusing.length - NAMED} more` : ''
    return `the scan refuses the image of ${service}: ${named}${more}`
  })
  return refused(
    `${lines.join('\n')}\nmend them (a newer base image or package, another line of the Dockerfile), or answer for each by a line of the waivers file`,
  )
}

/** What refuses a build, for the summary: finding, service, where it is, and what it is. */
export function refusalTable(judgements: readonly Judgement[]): string[][] {
  return judgements.flatMap(({ service, refused: refusing }) =>
    refusing.map(({ id, severity, package: name, installed, fixed, path, line, title }) => {
      const place = name === '' ? `${path}${line === undefined ? '' : `:${line}`}` : `${name} ${installed}`
      return [id, service, place, `${severity}${fixed === '' ? '' : `, mended in ${fixed}`}: ${title}`]
    }),
  )
}

function describe(finding: Finding): string {
  const mended = finding.fixed === '' ? '' : `, mended in ${finding.fixed}`
  const installed = finding.installed === '' ? '' : ` ${finding.installed}`
  const title = finding.package === '' && finding.title !== '' ? `: ${finding.title}` : ''
  const line = finding.line === undefined ? '' : `:${finding.line}`
  return `${nameOf(finding)}${line}${installed} (${finding.severity}${mended})${title}`
}
