// The room that a backup takes, which lives on the disk of what it backs up unless it is told otherwise.
import { opendir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { refused } from '../lib/index.ts'
import { backupsOf, type StoredBackup } from './catalogue.ts'
import { heldSince } from './held-backups.ts'
import type { Restic } from './restic.ts'

/** What is left of a disk to what lives there: 5 %, at most 10 GiB. */
const RESERVE = { share: 0.05, most: 10 * 1024 ** 3 }

/** A disk, as `statfs` tells of it. */
interface Disk {
  blocks: number
  bavail: number
  bsize: number
}

/** Bytes of a disk that a backup may take. */
export function usableOf({ blocks, bavail, bsize }: Disk): number {
  return Math.max(bavail * bsize - Math.min(blocks * bsize * RESERVE.share, RESERVE.most), 0)
}

/** @throws Failure `refused` where the dumps do not fit */
export async function refuseLittleRoom(bytes: number, directory: string): Promise<void> {
  const usable = usableOf(await statfs(directory))
  if (usable >= bytes) return
  throw refused(`the dumps need about ${mib(bytes)} and ${directory} has ${mib(usable)} free ${LEFT}`)
}

/**
 * Of a backup that is collected and not stored yet. A repository off this server has a disk of its own.
 * @param staged its dumps @param archives bytes of its images @param held what the repository holds, newest first
 * @throws Failure `refused` where the repository would fill its disk
 */
export async function refuseFullRepository(
  restic: Restic,
  host: string,
  held: readonly StoredBackup[],
  staged: string,
  archives: number,
): Promise<void> {
  if (!restic.isLocal) return
  const { location } = restic.repository
  const [last] = backupsOf(host, held)
  // What one that was cut has left there since the last became whole, or without a last one, is not stored again. What retention rewrote
  // after that adds nothing. What others stored counts too: refusing a backup that fits, night after night, were worse.
  const contents = last?.snapshots.at(-1)
  const whole = contents && (await stat(join(location, 'snapshots', contents.id)).catch(() => null))
  const since = whole ? Math.max(whole.mtimeMs, await heldSince(restic)) : 0
  const known = (last?.bytes ?? 0) + (await bytesBelow(location, since))
  const adds = Math.max(archives + (await bytesBelow(staged)) - known, 0)
  const usable = usableOf(await statfs(location))
  if (usable >= adds) return
  throw refused(
    `the backup adds about ${mib(adds)} to ${location}, whose disk has ${mib(usable)} free ${LEFT}: make room, or let BACKUP_REPOSITORY name a folder on another disk`,
  )
}

const LEFT = 'beside what is left to what lives there'
const mib = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`

/** @param since milliseconds: of files that were written later alone */
async function bytesBelow(directory: string, since = 0): Promise<number> {
  let sum = 0
  for await (const entry of await opendir(directory, { recursive: true })) {
    if (!entry.isFile()) continue
    // Another server that shares the repository may remove its own lock meanwhile.
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => null)
    if (found !== null && found.mtimeMs > since) sum += found.size
  }
  return sum
}
