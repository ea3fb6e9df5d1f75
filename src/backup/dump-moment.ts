import { refused } from '../lib/index.ts'
import { contentsOrNull, type StoredBackup } from './catalogue.ts'
import type { Contents } from './contents.ts'
import { type OplogTime, oplogTime, startOfSecond } from './oplog-time.ts'
import type { Restic } from './restic.ts'

/** As of when the dump of the database in a backup is; null where that is not one moment. */
export function momentOf({ database }: Contents): OplogTime | null {
  return database?.moment.kind === 'snapshot' ? oplogTime(database.moment.clusterTime) : null
}

/** @throws Failure `refused` that says why it is not of one moment */
export function requireMoment(contents: Contents): OplogTime {
  const moment = momentOf(contents)
  if (moment !== null) return moment
  const why = contents.database?.moment.kind === 'span' ? contents.database.moment.why : 'it holds no database'
  throw refused(`no point in time can be had from the backup ${contents.id}: ${why}`)
}

/**
 * The newest backup whose dump of the database is older than a second.
 * @param backups of one server, newest first @throws Failure `refused` where there is none
 */
export async function newestBefore(
  restic: Restic,
  backups: readonly StoredBackup[],
  to: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<{ backup: StoredBackup; contents: Contents }> {
  const until = startOfSecond(new Date(to))
  for (const backup of backups.filter(({ startedAt }) => Date.parse(startedAt) <= Date.parse(to))) {
    const contents = await contentsOrNull(restic, backup, signal, say)
    if (contents !== null && contents.database !== null && requireMoment(contents) < until) return { backup, contents }
  }
  const oldest = backups.at(-1)
  const known = oldest === undefined ? 'it holds none' : `the oldest began ${oldest.startedAt}`
  throw refused(`the repository holds no backup of the database from before ${to}: ${known}`)
}
