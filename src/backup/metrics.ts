// What the node exporter's textfile collector reads: one file per fact that changes at its own time, so that none needs to know the others.

import type { Verification } from './report.ts'
import type { BackupResult } from './take-backup.ts'

interface Metric {
  name: string
  help: string
  /** Each with its labels as they are written, `{level="L4"}`; empty for none. */
  values: [labels: string, value: number][]
}

/** Of the newest good backup; replaced by the next good one only. */
export function backupMetrics({ contents, second }: Pick<BackupResult, 'contents' | 'second'>): string {
  const { id, startedAt, finishedAt, stored, database, archives } = contents
  const waiting = (second?.outcome === 'later' ? second.waiting : second?.damaged)?.length ?? 0
  const instances = archives.reduce((sum, archive) => sum + archive.instances, 0)
  const documents = database?.collections.reduce((sum, { count }) => sum + count, 0) ?? 0
  return render([
    one('pacs_backup_last_success_timestamp_seconds', 'When the newest good backup ended.', seconds(finishedAt)),
    one('pacs_backup_duration_seconds', 'How long it took.', seconds(finishedAt) - seconds(startedAt)),
    one('pacs_backup_read_bytes', 'Bytes that it read.', stored.read),
    one('pacs_backup_added_bytes', 'Bytes by which the repository grew.', stored.added),
    one('pacs_backup_documents', 'Documents of the database that it holds.', documents),
    one('pacs_backup_instances', 'DICOM instances that it holds.', instances),
    ...(second === null
      ? []
      : [one('pacs_backup_second_repository_waiting', 'Backups that the second repository has not got.', waiting)]),
    { name: 'pacs_backup_info', help: 'Its id.', values: [[`{backup="${id}"}`, 1]] },
  ])
}

/** Of the last attempt, good or not, of a backup or of a verification. @param at milliseconds */
export function attemptMetrics(what: 'backup' | 'backup_verification', good: boolean, at: number): string {
  const name = `pacs_${what}_last_attempt`
  return render([
    one(`${name}_timestamp_seconds`, 'When the last attempt ended.', at / 1000),
    one(`${name}_success`, '1 when the last attempt went well.', good ? 1 : 0),
  ])
}

/** Of the last verification that passed on every level. */
export function provedMetrics({ finishedAt, backup }: Verification): string {
  return render([
    one(
      'pacs_backup_verification_last_success_timestamp_seconds',
      'When a backup last passed every level.',
      seconds(finishedAt),
    ),
    {
      name: 'pacs_backup_verification_proved_info',
      help: 'Which backup that was.',
      values: [[`{backup="${backup}"}`, 1]],
    },
  ])
}

/** Of the last verification that came to a result, passed or failed. */
export function verificationMetrics({ levels, startedAt, finishedAt, outcome }: Verification): string {
  const of = (value: (level: Verification['levels'][number]) => number): Metric['values'] =>
    levels.map((level) => [`{level="${level.level}"}`, value(level)])
  const restore = levels.find(({ level }) => level === 'L2')?.seconds ?? 0
  const lost = countLost(levels)
  return render([
    one('pacs_backup_verified', '1 when the last verification passed.', outcome === 'passed' ? 1 : 0),
    one(
      'pacs_backup_verification_level',
      'The last level that passed, with all before it; -1 for none.',
      passedLevel(levels),
    ),
    one('pacs_backup_verification_duration_seconds', 'How long it took.', seconds(finishedAt) - seconds(startedAt)),
    one('pacs_backup_restore_seconds', 'How long its restore took.', restore),
    ...(lost === null
      ? []
      : [
          one(
            'pacs_backup_verification_documents_lost',
            'Documents, files and keys that did not come back as they were.',
            lost,
          ),
        ]),
    {
      name: 'pacs_backup_verification_level_seconds',
      help: 'How long each level took.',
      values: of(({ seconds }) => seconds),
    },
    {
      name: 'pacs_backup_verification_findings',
      help: 'What was found wrong, by level.',
      values: of(({ outcome, findings }) => (outcome === 'failed' ? findings.length : 0)),
    },
  ])
}

/** How many documents, files and keys L4 found lost; null where nobody could count. */
export function countLost(levels: Verification['levels']): number | null {
  const compared = levels.find(({ level }) => level === 'L4')
  if (compared === undefined || compared.outcome === 'skipped') return null
  return compared.outcome === 'failed' && compared.lost === 0 ? null : compared.lost
}

function passedLevel(levels: Verification['levels']): number {
  const first = levels.findIndex(({ outcome }) => outcome !== 'passed')
  return (first < 0 ? levels.length : first) - 1
}

const seconds = (instant: string) => Date.parse(instant) / 1000

function one(name: string, help: string, value: number): Metric {
  return { name, help, values: [['', value]] }
}

function render(metrics: readonly Metric[]): string {
  const lines = metrics.flatMap(({ name, help, values }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...values.map(([labels, value]) => `${name}${labels} ${Number(value.toFixed(3))}`),
  ])
  return `${lines.join('\n')}\n`
}
