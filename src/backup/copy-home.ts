import { backupNamed, listBackups } from './catalogue.ts'
import { makeRepository, openRepository } from './repository.ts'
import { Restic } from './restic.ts'
import type { RestorePlan } from './restore-request.ts'
import type { RestoreSession } from './restore-session.ts'

/** Plans to copy a backup, for which the repository on this server must open; it may not be there yet. */
export async function planCopy(plan: RestorePlan, session: RestoreSession): Promise<void> {
  const { tools, signal } = session.request
  const first = firstOf(session)
  await openRepository(first, tools.docker, signal)
  const from = session.restic.redact(session.restic.repository.location)
  plan.steps.push(`copy what ${first.repository.location} lacks of the backup from ${from}, before anything is changed`)
}

/**
 * Copies a backup into the repository on this server, which is made where there is none: what fills volumes reaches no other. What is there
 * already is not copied again. @returns the session on the copy
 */
export async function copyHome(session: RestoreSession): Promise<RestoreSession> {
  const { tools, signal, progress } = session.request
  const { restic, backup } = session
  const first = firstOf(session)
  if ((await openRepository(first, tools.docker, signal)) === null) await makeRepository(first, restic)
  progress(`copying the backup ${backup.id}`)
  const onLine = (line: string) => {
    const far = /^\[[\d:]+\] +(.* packs copied)$/.exec(line)?.[1]
    if (far !== undefined) progress(`copying: ${far}`)
  }
  const snapshots = backup.snapshots.map(({ id }) => id)
  await first.copyFrom(restic, snapshots, { signal, onLine })
  return session.copiedTo(first, backupNamed(backup.id, await listBackups(first, signal)))
}

function firstOf({ request: { tools, repository } }: RestoreSession): Restic {
  return new Restic(tools.restic, repository, tools.path, tools.cache)
}
