import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  attemptMetrics,
  backupMetrics,
  type Contents,
  countLost,
  type LevelResult,
  provedMetrics,
  verificationMetrics,
} from '../../../src/backup/index.ts'

const level = (name: LevelResult['level'], more: Partial<LevelResult> = {}): LevelResult => {
  return { level: name, outcome: 'passed', checked: 10, lost: 0, findings: [], seconds: 1.23456, ...more }
}
const report = (outcome: 'passed' | 'failed', ...levels: LevelResult[]) => ({
  ...{
    schema: 1 as const,
    backup: '20261124t013000z-0a1b2c3d',
    host: 'pacs',
    repository: '/r',
    outcome,
    levels,
    through: 'L6' as const,
  },
  ...{ startedAt: '2026-11-24T03:30:00.000Z', finishedAt: '2026-11-24T03:31:30.500Z', oneMoment: [], leftOut: [] },
  holds: { collections: 1, documents: 10, instances: 0, files: 0, keys: 0 },
})
const torn = report(
  'failed',
  ...[level('L0'), level('L1'), level('L2', { seconds: 12 }), level('L3')],
  level('L4', { outcome: 'failed', lost: 3, findings: ['reports: holds 7 documents, 10 were backed up'] }),
)

const collection = {
  name: 'reports',
  type: 'collection',
  metadata: '{}',
  count: 10,
  bytes: 100,
  hash: '0'.repeat(64),
} as const
const held: Contents = {
  ...{ schema: 1, id: torn.backup, startedAt: '2026-11-24T01:30:00.000Z', finishedAt: '2026-11-24T01:31:00.000Z' },
  ...{ host: 'pacs', instance: null, versions: {}, oneMoment: [], archives: [], caches: [], folders: [] },
  database: {
    ...{
      service: 'mongodb',
      database: 'pacs',
      server: { version: '8.0', topology: 'replica set' },
      leftOut: [],
      seconds: 1,
    },
    oplog: { kind: 'none', why: 'none' },
    moment: { kind: 'snapshot', clusterTime: '1.1' },
    collections: [{ ...collection, newest: { id: null, dates: {} }, seconds: 1 }],
  },
  snapshots: { work: '', volumes: [] },
  stored: { read: 100, added: 7 },
}

/** Every series of a textfile by its name and labels; throws for a line that Prometheus would not read. */
function series(text: string): Record<string, number> {
  const typed = new Set<string>()
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name = ''] = /^# (?:HELP|TYPE) (\w+) .+$/.exec(line) ?? []
      if (name !== '' || line === '') return typed.add(name) && []
      const [, key = '', metric = '', value = ''] = /^((\w+)(?:\{\w+="[^"\\]*"\})?) (-?[\d.]+)$/.exec(line) ?? []
      if (!typed.has(metric)) throw new Error(`no metric: ${line}`)
      return [[key, Number(value)]]
    }),
  )
}

describe('the metrics of a verification', () => {
  it('tell what was lost, how far it held and how long it took', () => {
    expect(series(verificationMetrics(torn))).toMatchObject({
      pacs_backup_verified: 0,
      pacs_backup_verification_level: 3,
      pacs_backup_verification_documents_lost: 3,
      pacs_backup_verification_duration_seconds: 90.5,
      pacs_backup_restore_seconds: 12,
      'pacs_backup_verification_level_seconds{level="L0"}': 1.235,
      'pacs_backup_verification_findings{level="L4"}': 1,
    })
  })

  it('of one that passed say so, and when', () => {
    const whole = report('passed', level('L0'), level('L1'))
    expect(series(verificationMetrics(whole))).toMatchObject({
      pacs_backup_verified: 1,
      pacs_backup_verification_level: 1,
    })
    expect(series(provedMetrics(whole))).toEqual({
      pacs_backup_verification_last_success_timestamp_seconds: Date.parse(whole.finishedAt) / 1000,
      'pacs_backup_verification_proved_info{backup="20261124t013000z-0a1b2c3d"}': 1,
    })
  })

  it('count nothing as lost where nobody could count', () => {
    const unreadable = [level('L0'), level('L2', { outcome: 'failed' }), level('L4', { outcome: 'skipped' })]
    expect(countLost(unreadable)).toBeNull()
    expect(countLost([level('L4', { outcome: 'failed', findings: ['the database ended'] })])).toBeNull()
    expect(series(verificationMetrics(report('failed', ...unreadable)))).not.toHaveProperty(
      'pacs_backup_verification_documents_lost',
    )
  })

  it('are each named by docs/backups.md, and nothing else is', async () => {
    const docs = await readFile(join(import.meta.dirname, '../../../docs/backups.md'), 'utf8')
    const named = new Set([...docs.matchAll(/`(pacs_backup_\w+)/g)].map(([, name]) => name))
    const all = [
      backupMetrics({ contents: held, second: { outcome: 'later', why: '', waiting: ['one'] } }),
      ...[verificationMetrics(torn), provedMetrics(torn)],
      ...(['backup', 'backup_verification'] as const).map((what) => attemptMetrics(what, true, 0)),
    ]
    const written = Object.keys(series(all.join(''))).map((key) => key.replace(/\{.*/, ''))
    expect(named).toEqual(new Set(written))
    expect(series(all[0] ?? '')).toMatchObject({
      ...{ pacs_backup_documents: 10, pacs_backup_added_bytes: 7, pacs_backup_duration_seconds: 60 },
      pacs_backup_second_repository_waiting: 1,
    })
  })

  it('of an attempt tell when and how it ended', () => {
    expect(series(attemptMetrics('backup', false, 1_700_000_000_500))).toEqual({
      pacs_backup_last_attempt_timestamp_seconds: 1_700_000_000.5,
      pacs_backup_last_attempt_success: 0,
    })
  })
})
