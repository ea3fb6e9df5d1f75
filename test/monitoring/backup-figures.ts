// The files that the agent leaves for the node exporter, written by its own code from a backup and a verification that went well.
import {
  attemptMetrics,
  backupMetrics,
  type Contents,
  provedMetrics,
  verificationMetrics,
} from '../../src/backup/index.ts'

const ID = '20261124t013000z-0a1b2c3d'

/** @param at when both ended. @returns file name → content */
export function backupFigures(at: Date): Record<string, string> {
  const moment = at.toISOString()
  const contents: Contents = {
    schema: 1,
    id: ID,
    startedAt: moment,
    finishedAt: moment,
    host: 'pacs',
    instance: null,
    versions: {},
    oneMoment: [],
    archives: [],
    caches: [],
    folders: [],
    database: null,
    snapshots: { work: '', volumes: [] },
    stored: { read: 100, added: 7 },
  }
  const levels = (['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'] as const).map((level) => ({
    level,
    outcome: 'passed' as const,
    checked: 1,
    lost: 0,
    findings: [],
    seconds: 1,
  }))
  const verification = {
    schema: 1 as const,
    backup: ID,
    host: 'pacs',
    repository: '/r',
    outcome: 'passed' as const,
    levels,
    through: 'L6' as const,
    startedAt: moment,
    finishedAt: moment,
    oneMoment: [],
    leftOut: [],
    holds: { collections: 1, documents: 10, instances: 0, files: 0, keys: 0 },
  }
  return {
    'pacs-backup.prom': backupMetrics({ contents, second: { outcome: 'later', why: 'it is away', waiting: [] } }),
    'pacs-backup-attempt.prom': attemptMetrics('backup', true, at.getTime()),
    'pacs-backup-verification.prom': verificationMetrics(verification),
    'pacs-backup-verification-attempt.prom': attemptMetrics('backup_verification', true, at.getTime()),
    'pacs-backup-proved.prom': provedMetrics(verification),
  }
}
