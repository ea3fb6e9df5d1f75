import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, refused } from '../lib/index.ts'
import { findParts, type Parts } from './catalogue.ts'
import { compareDefinitions, compareDocuments, compareRestored } from './compare.ts'
import { countAll } from './counting.ts'
import { readDefinitions } from './definition.ts'
import { restoreDatabase } from './restore.ts'
import { restoreBeside, sideName, swapIn } from './restore-collections.ts'
import { planOf } from './restore-plan.ts'
import type { RestoreOutcome, RestorePlan, RestoreRunRequest } from './restore-request.ts'
import { type RestoreSession, withRestoreSession } from './restore-session.ts'
import { restoreStudy } from './restore-study.ts'
import { restoreArchive, restoreCache } from './restore-volumes.ts'
import { type RestoredFiles, restoredIn } from './restored-files.ts'
import { ensureResticImage } from './volume-reader.ts'

/** Says what a restore would do and why it could not, and changes nothing. */
export async function planRestore(request: RestoreRunRequest): Promise<RestorePlan> {
  return withRestoreSession(request, planOf)
}

/**
 * Restores as planned: compares what was restored before it takes the place of anything, and replaces nothing without the typed name.
 * @throws Failure `refused` before any change, `failed` when it names what is left to do
 */
export async function runRestore(request: RestoreRunRequest): Promise<RestoreOutcome> {
  return withRestoreSession(request, async (session) => {
    const started = performance.now()
    const plan = await planOf(session)
    if (plan.refusals.length > 0) throw refused(plan.refusals.join('\n'))
    const restored = await restore(session)
    return { ...plan, restored, seconds: (performance.now() - started) / 1000 }
  })
}

/** @returns where the restored data is now */
async function restore(session: RestoreSession): Promise<string[]> {
  const { restic, contents, request } = session
  const { target, signal, work, progress } = request
  if (target.kind === 'study') {
    progress(`restoring study ${target.study}`)
    return restoreStudy(restic, contents, target.study, work, target.directory, signal)
  }
  progress('restoring the files of the backup')
  const parts = await findParts(restic, contents, signal)
  await restic.restore(parts.work, work, [], { signal })
  const files = restoredIn(work, parts.staged)
  if (target.kind === 'everything') return restoreEverything(session, files, parts, target.directory)
  if (target.kind === 'collection') return restoreCollection(session, files, target.collection)
  await restoreWhole(session, session.sideDatabase, files)
  return [`database ${session.sideDatabase}`]
}

async function restoreCollection(session: RestoreSession, files: RestoredFiles, collection: string): Promise<string[]> {
  const { database, live, contents, request } = session
  const { signal, typed, progress } = request
  const db = live.db(database.database)
  const restored = sideName(collection, 'restored', contents.id)
  progress(`restoring ${collection}`)
  await restoreBeside(db, files.dump(database.database), database, new Map([[collection, restored]]), signal)
  const there = await db.listCollections({ name: collection }, { nameOnly: true }).hasNext()
  if (there && typed !== collection) return [`${database.database}.${restored}`]
  const before = await swapIn(db, restored, collection, contents.id)
  const kept = before === null ? [] : [`${database.database}.${before} (as it was)`]
  return [`${database.database}.${collection}`, ...kept]
}

async function restoreEverything(
  session: RestoreSession,
  files: RestoredFiles,
  parts: Parts,
  directory: string,
): Promise<string[]> {
  const { tools, repository, signal, progress, work } = session.request
  const { database, archives, caches, folders, host } = session.contents
  const restored: string[] = []
  if (database !== null) {
    progress(`restoring ${database.database}`)
    await restoreWhole(session, database.database, files)
    restored.push(`database ${database.database}`)
  }
  for (const archive of archives) {
    progress(`restoring ${archive.service}`)
    const image = await ensureResticImage(tools.docker, tools.restic, work)
    const reader = { docker: tools.docker, image, repository, host, signal }
    const snapshot = parts.volumes.get(archive.volume)
    if (snapshot === undefined) throw new Failure('failed', `${archive.service}: the backup names no snapshot of it`)
    await restoreArchive(reader, session.archive(archive.service), archive, snapshot, files.index(archive.service))
    restored.push(`${archive.service}: ${archive.instances} instances`)
  }
  for (const { service, keys } of caches) {
    progress(`restoring ${service}`)
    await restoreCache(tools.docker, session.cache(service), files.cache(service), join(work, 'cache'))
    restored.push(`${service}: ${keys} keys`)
  }
  for (const { name } of folders) {
    await cp(files.folder(name), join(directory, name), { recursive: true, errorOnExist: true, force: false })
    restored.push(join(directory, name))
  }
  return restored
}

/** Restores the database of the backup under a name that nothing has, and compares it. */
async function restoreWhole({ live, database: wanted, request }: RestoreSession, name: string, files: RestoredFiles) {
  const { signal } = request
  const db = live.db(name)
  if (await db.listCollections({}, { nameOnly: true }).hasNext()) {
    throw refused(`the database ${name} is there already: nothing was overwritten`)
  }
  const restored = await restoreDatabase({ db, directory: files.dump(wanted.database), signal })
  const findings = [
    ...compareRestored(wanted, restored).findings,
    ...compareDefinitions(wanted, await readDefinitions(db)).findings,
    ...compareDocuments(wanted, await countAll(db, signal)).findings,
  ]
  if (findings.length > 0) throw new Failure('failed', `${name} differs from the backup: ${findings.join('; ')}`)
}
