import { z } from 'zod'
import { formatDuration } from '../lib/index.ts'
import { LEVELS, levelNameSchema, levelSchema } from './level.ts'

/** `verification.json`: what a verification found. */
export const verificationSchema = z.object({
  schema: z.literal(1),
  backup: z.string(),
  /** Of which server. */
  host: z.string(),
  repository: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** The last level that was asked for. */
  through: levelNameSchema.default('L6'),
  outcome: z.enum(['passed', 'failed']),
  levels: z.array(levelSchema),
  holds: z.object({ collections: z.int(), documents: z.int(), instances: z.int(), files: z.int(), keys: z.int() }),
  oneMoment: z.array(z.string()),
  leftOut: z.array(z.string()),
})
export type Verification = z.infer<typeof verificationSchema>

const SIGNS = { passed: '✅', failed: '❌', skipped: '⏭️' } as const
const SHOWN = 10

/** The result for people: readable in ten seconds. */
export function verificationMarkdown(report: Verification): string {
  const { holds } = report
  const verdict = report.outcome === 'passed' ? 'restores, and nothing is lost' : 'does **not** prove its restore'
  const lines = [
    `### ${SIGNS[report.outcome]} Backup \`${report.backup}\` ${verdict}`,
    '',
    `${holds.documents} documents in ${holds.collections} collections, ${holds.instances} DICOM instances in ${holds.files} files, ${holds.keys} Redis keys; of the server \`${report.host}\`, from \`${report.repository}\`.`,
    '',
    '| level | proves | result | compared | time |',
    '|---|---|---|---|---|',
    ...report.levels.map(
      ({ level, outcome, checked, seconds }) =>
        `| ${level} | ${LEVELS[level]} | ${SIGNS[outcome]} ${outcome} | ${checked} | ${formatDuration(seconds * 1000)} |`,
    ),
  ]
  const found = report.levels.filter(({ outcome }) => outcome !== 'passed')
  if (found.length > 0) lines.push('', ...found.flatMap(({ level, findings }) => shown(level, findings)))
  lines.push('', ...report.oneMoment.map((line) => `- One moment: ${line}`))
  lines.push(...report.leftOut.map((line) => `- Not in the backup: ${line}`))
  return `${lines.join('\n')}\n`
}

function shown(level: string, findings: readonly string[]): string[] {
  const more = findings.length - SHOWN
  return [
    ...findings.slice(0, SHOWN).map((line) => `- ${level}: ${line.replaceAll(/\s+/g, ' ')}`),
    ...(more > 0 ? [`- ${level}: and ${more} more`] : []),
  ]
}
