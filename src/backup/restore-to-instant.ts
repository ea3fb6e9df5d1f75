// A database as it was at a moment between two backups: the dump of the one before, and what oplogs tell of the time since.
import { mkdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import { Failure, refused } from '../lib/index.ts'
import { endLease } from '../migrations/index.ts'
import { backupsOf, contentsOrNull, findParts, readContents } from './catalogue.ts'
import { connectDatabase } from './database.ts'
import { requireMoment } from './dump-moment.ts'
import type { HeldTtl } from './held-ttl.ts'
import { captureOplog, type OplogWindow, oplogWindow } from './oplog-capture.ts'
import { replaySlices, surveySlices } from './oplog-replay.ts'
import { type OplogTime, oplogInstant, oplogTime, startOfSecond } from './oplog-time.ts'
import { type Chain, chainFrom, type Reach } from './point-in-time.ts'
import type { RestorePlan } from './restore-request.ts'
import { type RestoreSession, restoreEnded } from './restore-session.ts'
import { OPLOG_FILE, restoredIn } from './restored-files.ts'

/** Says what would be replayed, or why it cannot be. */
export async function planReplay(plan: RestorePlan, session: RestoreSession, to: string): Promise<void> {
  const chain = await chainOf(session, to)
  if (typeof chain === 'string') {
    plan.refusals.push(chain)
    return
  }
  const { slices, liveFrom } = chain
  const sources = [
    ...(slices.length === 0
      ? []
      : [`as the ${slices.length === 1 ? 'backup' : 'backups'} ${slices.join(', ')} kept it`]),
    ...(liveFrom === null ? [] : [`from ${oplogInstant(liveFrom)} on from the live server`]),
  ]
  const since = oplogInstant(requireMoment(session.contents))
  plan.steps.push(
    `replay the oplog since ${since} over it: ${sources.join(', ')}`,
    `it is as of ${to}: with all that was written before that second, and nothing else`,
  )
}

async function chainOf(session: RestoreSession, to: string): Promise<Chain | string> {
  const moment = requireMoment(session.contents)
  const until = startOfSecond(new Date(to))
  if (moment >= until) return `the backup ${session.contents.id} is as of ${oplogInstant(moment)}, after ${to}`
  const live = await windowOf(session)
  return chainFrom(
    moment,
    until,
    laterThan(session),
    live.kind === 'none' ? { why: `of the live server: ${live.why}` } : live,
  )
}

async function windowOf({ request: { oplogReader } }: RestoreSession): Promise<OplogWindow> {
  if (oplogReader === null) return { kind: 'none', why: 'no user is known that may read its oplog' }
  const client = await connectDatabase(oplogReader)
  try {
    return await oplogWindow(client)
  } finally {
    await client.close()
  }
}

async function* laterThan({ backups, backup, restic, request, contents }: RestoreSession): AsyncGenerator<Reach> {
  const own = backupsOf(backup.host, backups)
  for (const later of own.filter(({ id }) => id > backup.id).reverse()) {
    const held = await contentsOrNull(restic, later, request.signal, request.progress)
    const { database, oplog } = held?.database ?? {}
    if (database !== contents.database?.database || oplog?.kind !== 'kept') continue
    yield { id: later.id, from: oplogTime(oplog.from), to: oplogTime(oplog.to) }
  }
}

/**
 * Gets the oplog's slices onto this disk and reads through them, before anything is restored.
 * @returns what brings the restored dump to the instant
 * @throws Failure `refused` where that cannot be
 */
export async function replayTo(session: RestoreSession, to: string): Promise<(db: Db, ttl: HeldTtl) => Promise<void>> {
  const {
    request,
    database: { database },
    contents,
  } = session
  const { signal, progress } = request
  const chain = await chainOf(session, to)
  if (typeof chain === 'string') throw refused(chain)
  progress('fetching the oplog')
  const from = requireMoment(session.contents)
  const until = startOfSecond(new Date(to))
  const files = await fetchSlices(session, chain, until)
  const slices = { database, files, from, until }
  const survey = await surveySlices(slices)
  return async (db, ttl) => {
    await replaySlices(db, slices, survey, ttl, signal, progress).catch((thrown: unknown) => {
      const ended = restoreEnded(thrown)
      if (!(ended instanceof Failure)) throw ended
      throw new Failure(
        ended.kind,
        `${ended.message}; ${db.databaseName} is left as it was then, from the backup ${contents.id}`,
      )
    })
    // Whoever migrated at that moment does not do so here.
    const held = await endLease(db)
    if (held !== null) progress(`at ${to} the database was locked by ${held}: its ledger tells how far that had come`)
  }
}

async function fetchSlices(session: RestoreSession, { slices, liveFrom }: Chain, until: OplogTime): Promise<string[]> {
  const { backups, restic, request } = session
  const files: string[] = []
  for (const id of slices) {
    const backup = backups.find((one) => one.id === id)
    if (backup === undefined) throw new Error(`the backup ${id} is gone`)
    const { work, staged } = findParts(backup, await readContents(restic, backup, request.signal))
    const directory = join(request.work, `oplog-${id}`)
    await mkdir(directory, { mode: 0o700 })
    await restic.restore(work, directory, [join(staged, OPLOG_FILE)], { signal: request.signal })
    files.push(restoredIn(directory, staged).oplog())
  }
  if (liveFrom !== null) files.push(await captureLive(session, liveFrom, until))
  return files
}

async function captureLive(
  { request, database: { database } }: RestoreSession,
  from: OplogTime,
  until: OplogTime,
): Promise<string> {
  const { oplogReader, work, signal } = request
  if (oplogReader === null) throw new Error('nobody may read the oplog')
  const file = join(work, 'oplog-live.bson')
  const { bavail, bsize } = await statfs(work)
  const client = await connectDatabase(oplogReader)
  try {
    const kept = await captureOplog({ client, database, from, to: until - 1n, file, room: bavail * bsize, signal })
    if (kept.kind === 'none') throw refused(`the oplog of the live server cannot be had: ${kept.why}`)
    return file
  } finally {
    await client.close()
  }
}
