import { z } from 'zod'
import { formatDuration } from '../lib/index.ts'
import { LEVELS, levelSchema } from './level.ts'

/** `verification.json`: what a verification found. */
export const verificationSchema = z.object({
  schema: z.literal(1),
  backup: z.string(),
  repository: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
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
    `${holds.documents} documents in ${holds.collections} collections, ${holds.instances} DICOM instances in ${holds.files} files, ${holds.keys} Redis keys; from \`${report.repository}\`.`,
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

/** The result as a Prometheus textfile: when it passed last tells more than whether it did. */
export function verificationMetrics(report: Verification): string {
  const at = Date.parse(report.finishedAt) / 1000
  const passed = report.outcome === 'passed' ? 1 : 0
  const sum = (level: string) => report.levels.find((one) => one.level === level)?.seconds ?? 0
  return [
    '# HELP pacs_backup_verified 1 when the last verification of a backup passed.',
    '# TYPE pacs_backup_verified gauge',
    `pacs_backup_verified ${passed}`,
    '# HELP pacs_backup_verification_timestamp_seconds When the last verification ended.',
    '# TYPE pacs_backup_verification_timestamp_seconds gauge',
    `pacs_backup_verification_timestamp_seconds ${at}`,
    '# HELP pacs_backup_verification_level_seconds How long each level took.',
    '# TYPE pacs_backup_verification_level_seconds gauge',
    ...report.levels.map(
      ({ level, seconds }) => `pacs_backup_verification_level_seconds{level="${level}"} ${seconds.toFixed(3)}`,
    ),
    '# HELP pacs_backup_verification_findings What was found wrong, by level.',
    '# TYPE pacs_backup_verification_findings gauge',
    ...report.levels.map(
      ({ level, outcome, findings }) =>
        `pacs_backup_verification_findings{level="${level}"} ${outcome === 'failed' ? findings.length : 0}`,
    ),
    '# HELP pacs_backup_restore_seconds How long the restore took.',
    '# TYPE pacs_backup_restore_seconds gauge',
    `pacs_backup_restore_seconds ${sum('L6').toFixed(3)}`,
    '',
  ].join('\n')
}
