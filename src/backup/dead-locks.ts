import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Docker } from './docker.ts'
import type { Restic } from './restic.ts'
import { listVolumeReaders, readerHost } from './volume-reader.ts'

/**
 * Removes the locks of whatever was killed: that of a check or a pruning keeps everybody out until then, any other those two. restic itself
 * knows them by their process, if that ran on this host; the process of a container that read a volume is nobody's out here, so
 * its lock goes when no such container is left. Those of other servers that share the repository are theirs; restic drops each that was not
 * renewed for 30 min.
 */
export async function removeDeadLocks(restic: Restic, docker: Docker, signal: AbortSignal): Promise<void> {
  await restic.removeStaleLocks({ signal })
  if (!restic.isLocal) return
  const locks = await restic.locksOf(readerHost(), { signal })
  // A reader that has its lock has been there since before its lock was seen.
  if (locks.length === 0 || (await listVolumeReaders(docker)).length > 0) return
  for (const id of locks) await rm(join(restic.repository.location, 'locks', id), { force: true })
}
