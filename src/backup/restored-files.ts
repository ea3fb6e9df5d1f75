import { join } from 'node:path'
import { emptyDirectory, refused, together } from '../lib/index.ts'
import { INDEX_DUMP } from './archive.ts'
import { findParts, type StoredBackup } from './catalogue.ts'
import type { Contents } from './contents.ts'
import type { Docker } from './docker.ts'
import type { Restic } from './restic.ts'
import { bytesOf, roomRefusal } from './restore-room.ts'

/** Below the staged parts, beside the dump, as the stock tools have it. */
export const OPLOG_FILE = join('database', 'oplog.bson')

/** Where the parts of a backup lie once its snapshots are restored below a directory. */
export interface RestoredFiles {
  /** The dump of the database: `.bson` and `.metadata.json` files. */
  dump(database: string): string
  /** What came between an earlier backup and the dump. */
  oplog(): string
  /** SQLite's file. */
  index(service: string): string
  /** What PostgreSQL dumped. */
  indexDump(service: string): string
  storage(volume: string, storage: string): string
  cache(service: string): string
  folder(name: string): string
}

/** @param staged the path that the work snapshot holds */
export function restoredIn(directory: string, staged: string): RestoredFiles {
  const base = join(directory, staged)
  return {
    dump: (database) => join(base, 'database', database),
    oplog: () => join(base, OPLOG_FILE),
    index: (service) => join(base, 'archives', service, 'index'),
    indexDump: (service) => join(base, 'archives', service, INDEX_DUMP),
    storage: (volume, storage) => join(directory, 'volumes', volume, storage),
    cache: (service) => join(base, 'caches', service, 'dump.rdb'),
    folder: (name) => join(base, 'folders', name),
  }
}

/**
 * Restores all snapshots of a backup below `directory`, which is emptied first.
 * @throws Failure `refused` when they, or the databases that are then restored from them, do not fit on a disk
 */
export async function restoreFiles(
  docker: Docker,
  restic: Restic,
  backup: StoredBackup,
  contents: Contents,
  directory: string,
  signal: AbortSignal,
): Promise<RestoredFiles> {
  await emptyDirectory(directory)
  // Both copies are looked at before either is begun: what lives may write to the same disks.
  const { dump, inPostgres } = bytesOf(contents)
  const room = { files: contents.stored.read, kept: dump + inPostgres, what: 'the databases' }
  const refusal = await roomRefusal(docker, directory, room)
  if (refusal !== null) throw refused(refusal)
  const { work, staged, volumes } = findParts(backup, contents)
  // Each lies below a folder of its own, and each opens the repository, which takes restic half a second.
  await together([work, ...volumes.values()].map((snapshot) => restic.restore(snapshot, directory, [], { signal })))
  return restoredIn(directory, staged)
}
