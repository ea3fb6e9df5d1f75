import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Verification, verificationMarkdown, verificationMetrics, verifyBackup } from '../../backup/index.ts'
import { refused, replaceFile } from '../../lib/index.ts'
import type { ChildLine } from './child.ts'
import type { ProofPlan } from './data-plan.ts'
import { requirePassword } from './password.ts'
import { type Place, toolsOf } from './place.ts'

interface Asked {
  data: ProofPlan
  place: Place
  backup: string
  repository: 'first' | 'second'
  /** Milliseconds. */
  maxAge: number
}

/** Bytes of memory for the scratch database. */
const MEMORY = 1024 ** 3

/** How long one check may take: 5 min. */
const CHECK_LIMIT = 300_000
const CHECK_HEAP_MB = 128

/** A process of the agent's own file that answers one check. */
function checkProgram(): [string, ...string[]] {
  return [process.execPath, `--max-old-space-size=${CHECK_HEAP_MB}`, process.argv[1] ?? '', 'answer-check']
}

/**
 * Restores a backup into scratch containers and compares. The report stays beside the backups: `verification.json` for
 * machines, `verification.prom` for Prometheus.
 */
export async function verifyHere(asked: Asked, print: (line: ChildLine) => void, signal: AbortSignal) {
  const { data, place, backup, maxAge } = asked
  const repository = asked.repository === 'first' ? data.repository : data.second
  if (repository === null)
    throw refused('no second repository is configured: BACKUP_SECOND_REPOSITORY in .env names it')
  await requirePassword(data)
  const now = new Date()
  const folder = join(data.stack, 'checks')
  const report = await verifyBackup({
    tools: toolsOf(place),
    id: `verify-${now.getTime().toString(36)}`,
    work: join(place.backups, 'verify'),
    repository,
    which: backup,
    maxAge,
    readData: 'all',
    images: data.versions,
    memory: MEMORY,
    checks: existsSync(folder) ? { folder, program: checkProgram(), within: CHECK_LIMIT } : null,
    newestWithin: null,
    restoreWithin: null,
    now,
    signal,
    progress: (message) => print({ type: 'progress', message }),
  })
  await mkdir(place.backups, { recursive: true, mode: 0o750 })
  await replaceFile(join(place.backups, 'verification.json'), `${JSON.stringify(report, null, 1)}\n`, 0o640)
  await replaceFile(join(place.backups, 'verification.prom'), verificationMetrics(report), 0o644)
  return { passed: report.outcome === 'passed', message: messageOf(report), details: verificationMarkdown(report) }
}

function messageOf({ outcome, backup, holds, levels }: Verification): string {
  if (outcome === 'passed') {
    return `backup ${backup} restores: ${holds.documents} documents and ${holds.instances} DICOM instances are the same`
  }
  const failed = levels.filter((one) => one.outcome === 'failed')
  const first = failed[0]?.findings[0] ?? 'no finding'
  return `backup ${backup} does not prove its restore: ${failed.map(({ level }) => level).join(', ')} failed: ${first}`
}
