import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import {
  type Contents,
  countLost,
  LEVELS,
  type LevelName,
  provedMetrics,
  type Verification,
  verificationMarkdown,
  verificationMetrics,
  verifyBackup,
} from '../../backup/index.ts'
import { counted, messageOf, replaceFile } from '../../lib/index.ts'
import type { VerificationView } from '../protocol.ts'
import type { ChildLine } from './child.ts'
import { type ProofPlan, secondOf } from './data-plan.ts'
import type { Proof } from './jobs.ts'
import { writeMetrics } from './metrics.ts'
import { requirePassword } from './password.ts'
import { type Place, toolsOf } from './place.ts'

interface Asked {
  data: ProofPlan
  place: Place
  backup: string
  repository: 'first' | 'second'
  through: LevelName
  /** Milliseconds. */
  maxAge?: number | undefined
  newestWithin?: number | undefined
  restoreWithin?: number | undefined
}

/** Milliseconds that the newest backup may be old: a night and its delays. */
const NEWEST_AGE = 26 * 3_600_000
/** What a requester sees of the findings of one level. */
const SHOWN = 20
const LONGEST = 300

/** Bytes of memory for the scratch database. */
const MEMORY = 1024 ** 3

/** How long one check may take, and how much longer for each million documents, which it may have to read: 5 min, and 1 min. */
const CHECK_LIMIT = 300_000
const CHECK_LIMIT_PER_MILLION = 60_000
const CHECK_HEAP_MB = 128

/** @returns milliseconds for one check of what a backup holds */
export function checkLimit({ database }: Contents): number {
  const documents = database?.collections.reduce((sum, { count }) => sum + count, 0) ?? 0
  return CHECK_LIMIT + (documents / 1e6) * CHECK_LIMIT_PER_MILLION
}

/** A process of the agent's own file that answers one check. */
function checkProgram(): [string, ...string[]] {
  return [process.execPath, `--max-old-space-size=${CHECK_HEAP_MB}`, process.argv[1] ?? '', 'answer-check']
}

/**
 * Restores a backup into scratch containers and compares. The report stays beside the backups as `verification.json`; of a
 * verification of this server's on every level Prometheus learns too.
 */
export async function verifyHere(asked: Asked, print: (line: ChildLine) => void, signal: AbortSignal): Promise<Proof> {
  const { data, place, backup, through, maxAge } = asked
  const repository = asked.repository === 'first' ? data.repository : secondOf(data)
  await requirePassword(data)
  const now = new Date()
  const folder = join(data.stack, 'checks')
  const report = await verifyBackup({
    tools: toolsOf(place),
    id: `verify-${now.getTime().toString(36)}`,
    work: join(place.backups, 'verify'),
    repository,
    which: backup,
    host: hostname(),
    maxAge: maxAge ?? (backup === 'newest' ? NEWEST_AGE : null),
    through,
    images: data.versions,
    memory: MEMORY,
    checks: existsSync(folder) ? { folder, program: checkProgram(), within: checkLimit } : null,
    newestWithin: asked.newestWithin ?? null,
    restoreWithin: asked.restoreWithin ?? null,
    now,
    signal,
    progress: (message) => print({ type: 'progress', message }),
    async onReport(found) {
      await mkdir(place.backups, { recursive: true, mode: 0o750 })
      await replaceFile(join(place.backups, 'verification.json'), `${JSON.stringify(found, null, 1)}\n`, 0o640)
      await tellPrometheus(place, found).catch((thrown: unknown) =>
        print({ type: 'note', message: `its metrics could not be written: ${messageOf(thrown)}` }),
      )
    },
  })
  return {
    passed: report.outcome === 'passed',
    message: lineOf(report),
    details: verificationMarkdown(report),
    verification: viewOf(report),
  }
}

/** A look at fewer levels, or at the backup of another server, is no proof of this one: it leaves what is known of the last. */
async function tellPrometheus(place: Place, report: Verification): Promise<void> {
  if (report.through !== 'L6' || report.host !== hostname()) return
  await writeMetrics(place, 'pacs-backup-verification', verificationMetrics(report))
  if (report.outcome === 'passed') await writeMetrics(place, 'pacs-backup-proved', provedMetrics(report))
}

function viewOf({ levels, ...report }: Verification): VerificationView {
  const { backup, repository, startedAt, finishedAt, outcome, holds } = report
  const cut = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
  return {
    ...{ backup, repository, startedAt, finishedAt, outcome, holds, lost: countLost(levels) },
    levels: levels.map(({ findings, ...level }) => ({
      ...level,
      proves: LEVELS[level.level],
      found: findings.length,
      findings: findings.slice(0, SHOWN).map(cut),
    })),
  }
}

function lineOf({ outcome, backup, holds, levels, through }: Verification): string {
  if (outcome === 'passed' && through < 'L4') return `backup ${backup} passed up to ${through}: ${LEVELS[through]}`
  if (outcome === 'passed') {
    const held = `${counted(holds.documents, 'document')} and ${counted(holds.instances, 'DICOM instance')}`
    return `backup ${backup} restores: ${held} came back the same`
  }
  const failed = levels.filter((one) => one.outcome === 'failed')
  const first = failed[0]?.findings[0] ?? 'no finding'
  return `backup ${backup} does not prove its restore: ${failed.map(({ level }) => level).join(', ')} failed: ${first}`
}
