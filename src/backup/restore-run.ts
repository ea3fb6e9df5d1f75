import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Failure, refused } from '../lib/index.ts'
import { findParts } from './catalogue.ts'
import type { ArchiveContents } from './contents.ts'
import { copyHome } from './copy-home.ts'
import { fileName } from './dump.ts'
import { HeldTtl } from './held-ttl.ts'
import type { OrthancIndex } from './orthanc-index.ts'
import { restoreBeside, sideName, swapIn } from './restore-collections.ts'
import { restoreEverything } from './restore-everything.ts'
import { planOf } from './restore-plan.ts'
import type { RestoreOutcome, RestorePlan, RestoreRunRequest } from './restore-request.ts'
import { type RestoreSession, withRestoreSession } from './restore-session.ts'
import { restoreStudy } from './restore-study.ts'
import { replayTo } from './restore-to-instant.ts'
import { restoreWhole } from './restore-whole.ts'
import { type RestoredFiles, restoredIn } from './restored-files.ts'
import { startScratchIndex } from './scratch-index.ts'
import { SqliteIndex } from './sqlite-index.ts'

/** Says what a restore would do and why it could not, and changes nothing. */
export async function planRestore(request: RestoreRunRequest): Promise<RestorePlan> {
  return withRestoreSession(request, planOf)
}

/**
 * Restores as planned: compares what was restored before it takes the place of anything, and replaces nothing without the typed name.
 * @throws Failure `refused` before any change, `failed` when it names what is left to do
 */
export async function runRestore(request: RestoreRunRequest): Promise<RestoreOutcome> {
  let begun = false
  try {
    return await withRestoreSession(request, async (session) => {
      const started = performance.now()
      const plan = await planned(session)
      const ready = await atHand(session)
      begun = true
      const restored = await restore(ready)
      return { ...plan, restored, seconds: (performance.now() - started) / 1000 }
    })
  } catch (thrown) {
    if (begun || !(thrown instanceof Failure) || !['error', 'unreachable', 'unhealthy'].includes(thrown.kind))
      throw thrown
    throw refused(`before anything changed: ${thrown.message}`)
  }
}

async function planned(session: RestoreSession): Promise<RestorePlan> {
  const plan = await planOf(session)
  if (plan.refusals.length > 0) throw refused(plan.refusals.join('\n'))
  return plan
}

/** @returns the session on a repository that this restore can read, copied where it must be */
async function atHand(session: RestoreSession): Promise<RestoreSession> {
  if (session.request.target.kind !== 'everything' || session.request.from === null) return session
  const copied = await copyHome(session)
  // It may take hours, in which somebody may send a study.
  await planned(copied)
  return copied
}

/** @returns where the restored data is now */
async function restore(session: RestoreSession): Promise<string[]> {
  const { restic, backup, contents, request } = session
  const { target, signal, work, progress } = request
  if (target.kind === 'study') {
    progress(`restoring study ${target.study}`)
    const openIndex = (archive: ArchiveContents, files: RestoredFiles) => openRestored(session, archive, files)
    return restoreStudy(
      restic,
      contents,
      findParts(backup, contents),
      target.study,
      work,
      target.directory,
      openIndex,
      signal,
    )
  }
  progress('restoring the files of the backup')
  const parts = findParts(backup, contents)
  await restic.restore(parts.work, work, neededFor(session, parts.staged), { signal })
  const files = restoredIn(work, parts.staged)
  if (target.kind === 'everything') return restoreEverything(session, files, parts, target.directory)
  if (target.kind === 'collection') return restoreCollection(session, files, target.collection)
  await restoreWhole(
    session,
    session.sideDatabase,
    files,
    target.to === undefined ? undefined : await replayTo(session, target.to),
  )
  return [`database ${session.sideDatabase}`]
}

/** The paths in the work snapshot that a restore reads; none for all of it. */
function neededFor({ request: { target }, contents: { database } }: RestoreSession, staged: string): string[] {
  if (target.kind === 'everything' || database === null) return []
  const dump = restoredIn('/', staged).dump(database.database)
  if (target.kind !== 'collection') return [dump]
  return ['bson', 'metadata.json'].map((ending) => join(dump, `${fileName(target.collection)}.${ending}`))
}

/** Bytes of memory for a scratch PostgreSQL. */
const MEMORY = 1024 ** 3

/** Opens the index of a restored archive: SQLite's file where it lies, a dump in a PostgreSQL of its own. */
async function openRestored(
  session: RestoreSession,
  { service, index }: ArchiveContents,
  files: RestoredFiles,
): Promise<OrthancIndex> {
  if (index === null) return new SqliteIndex(files.index(service))
  const { docker } = session.request.tools
  const image = await session.indexImage(service)
  const id = `study-${randomBytes(4).toString('hex')}`
  const scratch = await startScratchIndex(docker, id, image, MEMORY, index, session.request.signal)
  try {
    return await scratch.restored(files.indexDump(service))
  } catch (thrown) {
    await scratch[Symbol.asyncDispose]()
    throw thrown
  }
}

async function restoreCollection(session: RestoreSession, files: RestoredFiles, collection: string): Promise<string[]> {
  const { database, live, contents, request } = session
  const { signal, typed, progress } = request
  const db = live.db(database.database)
  const restored = sideName(collection, 'restored', contents.id)
  progress(`restoring ${collection}`)
  const onProgress = (name: string, documents: number) => progress(`${name}: ${documents} documents`)
  const as = new Map([[collection, restored]])
  const ttl = new HeldTtl()
  await restoreBeside(database, { db, directory: files.dump(database.database), as, ttl, signal, onProgress })
  const there = await db.listCollections({ name: collection }, { nameOnly: true }).hasNext()
  if (there && typed !== collection) return [`${database.database}.${restored}`]
  const swapped = await swapIn(db, restored, collection, contents.id, ttl)
  return swapped.map((one) => `${database.database}.${one}`)
}
