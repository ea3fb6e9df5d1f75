import { emptyDirectory, refused } from '../lib/index.ts'
import { backupsOf, chooseProved, listBackups, readContents, type StoredBackup } from './catalogue.ts'
import { judgeAge } from './compare.ts'
import type { Contents } from './contents.ts'
import { removeDeadLocks } from './dead-locks.ts'
import { type Findings, isHindrance, type LevelResult, runLevel } from './level.ts'
import type { Verification } from './report.ts'
import { Restic } from './restic.ts'
import { RestoredLevels, unrestored } from './restored-levels.ts'
import { removeScratch } from './scratch.ts'
import type { VerificationRequest } from './verification-request.ts'

/**
 * Restores a backup beside everything that lives and compares it, level by level.
 * It is given no credentials of live services and its containers reach no network.
 * @returns the report, passed or failed @throws Failure when there is nothing to verify or the repository cannot be opened
 */
export async function verifyBackup(request: VerificationRequest): Promise<Verification> {
  const { tools, work, signal, progress } = request
  await removeScratch(tools.docker)
  await emptyDirectory(work)
  const startedAt = new Date()
  const restic = new Restic(tools.restic, request.repository, tools.path, tools.cache)
  try {
    await removeDeadLocks(restic, tools.docker, signal)
    const all = await listBackups(restic, signal)
    const backup = chooseProved(all, request.which, request.host, request.now)
    progress(`L0: backup ${backup.id}`)
    const levels = [
      await runLevel('L0', signal, () => judgeAge(backup, backupsOf(backup.host, all), request.now, request.maxAge)),
    ]
    progress('L1: reading the repository')
    levels.push(await runLevel('L1', signal, () => checkRepository(restic, signal)))
    const contents = await readContents(restic, backup, signal).catch((thrown: unknown) => {
      signal.throwIfAborted()
      if (isHindrance(thrown)) throw thrown
      return thrown instanceof Error ? thrown : new Error(String(thrown))
    })
    if (contents instanceof Error) levels.push(...unrestored(`its contents cannot be read: ${contents.message}`))
    else if (request.through > 'L1') levels.push(...(await new RestoredLevels(request, restic, backup, contents).run()))
    const found = report(request, restic, backup, startedAt, levels, contents instanceof Error ? null : contents)
    if (found.outcome === 'failed') await refuseRemoved(restic, backup.id, signal)
    await request.onReport?.(found)
    return found
  } finally {
    await removeScratch(tools.docker, request.id)
    await emptyDirectory(work)
  }
}

/** Retention waits for no verification that is between two readings: what it took away looks like damage. */
async function refuseRemoved(restic: Restic, id: string, signal: AbortSignal): Promise<void> {
  if ((await listBackups(restic, signal)).some((one) => one.id === id)) return
  throw refused(`the backup ${id} was removed while it was verified, as retention does: nothing was proved; ask again`)
}

async function checkRepository(restic: Restic, signal: AbortSignal): Promise<Findings> {
  await restic.check({ signal })
  return { checked: 1, findings: [] }
}

function report(
  request: VerificationRequest,
  restic: Restic,
  { id, host }: StoredBackup,
  startedAt: Date,
  levels: LevelResult[],
  contents: Contents | null,
): Verification {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const collections = contents?.database?.collections ?? []
  return {
    schema: 1,
    backup: id,
    host,
    repository: restic.redact(request.repository.location),
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    through: request.through,
    outcome: levels.every(({ outcome }) => outcome === 'passed') ? 'passed' : 'failed',
    levels,
    holds: {
      collections: collections.length,
      documents: sum(collections.map(({ count }) => count)),
      instances: sum((contents?.archives ?? []).map(({ instances }) => instances)),
      files: sum((contents?.archives ?? []).map(({ files }) => files)),
      keys: sum((contents?.caches ?? []).map(({ keys }) => keys)),
    },
    oneMoment: contents?.oneMoment ?? [],
    leftOut: (contents?.database?.leftOut ?? []).map(({ what, why }) => `${what}: ${why}`),
  }
}
