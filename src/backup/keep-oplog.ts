import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { MongoClient } from 'mongodb'
import { arrange, backupsOf, readContents, type StoredBackup, type Tagged } from './catalogue.ts'
import type { DatabaseContents, OplogContents } from './contents.ts'
import { momentOf } from './dump-moment.ts'
import { captureOplog } from './oplog-capture.ts'
import { type OplogTime, oplogTime } from './oplog-time.ts'
import type { Restic } from './restic.ts'

interface KeepRequest {
  /** Of a user that may read the oplog. */
  client: MongoClient
  /** Where the earlier backups are. */
  restic: Restic
  /** This server's name. */
  host: string
  /** When the backup began, by which retention counts it: a dump may end on another day. */
  startedAt: Date
  /** What is there, of other servers, too. */
  held: Promise<readonly Tagged[]>
  file: string
  signal: AbortSignal
}

/** How much of what is free a slice may take: half. */
const SHARE = 2

/** Keeps with a dump what the oplog tells of the time between an earlier backup and it. */
export async function keepOplog(
  { client, restic, host, startedAt, held, file, signal }: KeepRequest,
  { database, moment }: Pick<DatabaseContents, 'database' | 'moment'>,
): Promise<OplogContents> {
  if (moment.kind !== 'snapshot') return { kind: 'none', why: moment.why }
  const to = oplogTime(moment.clusterTime)
  let kept: OplogContents = { kind: 'none', why: 'no backup is there yet that it could follow upon' }
  for (const backup of sliceStarts(backupsOf(host, arrange(await held).complete), startedAt)) {
    const from = await dumpOf(restic, backup, database, signal)
    if (from === null || from >= to) continue
    const { bavail, bsize } = await statfs(dirname(file))
    const room = Math.floor((bavail * bsize) / SHARE)
    kept = await captureOplog({ client, database, from, to, file, room, signal })
    if (kept.kind === 'kept') break
  }
  return kept
}

/**
 * The backups that a slice may follow upon, best first: the last one of an earlier day (UTC), which retention keeps where those of one
 * day give way to the newest, and else the newest.
 * @param backups of one server, newest first @param startedAt when the backup of the slice began
 */
export function sliceStarts<B extends Pick<StoredBackup, 'startedAt'>>(backups: readonly B[], startedAt: Date): B[] {
  const day = startedAt.toISOString().slice(0, 10)
  const before = backups.find((one) => one.startedAt.slice(0, 10) < day)
  return [...new Set([before, backups[0]])].filter((one) => one !== undefined)
}

/** As of when the dump of `database` is in a backup; null where that cannot be said: such a one is no reason to take no backup. */
async function dumpOf(
  restic: Restic,
  backup: StoredBackup,
  database: string,
  signal: AbortSignal,
): Promise<OplogTime | null> {
  const contents = await readContents(restic, backup, signal).catch(() => null)
  signal.throwIfAborted()
  return contents?.database?.database === database ? momentOf(contents) : null
}
