import { existsSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, refused } from '../lib/index.ts'
import type { Parts } from './catalogue.ts'
import type { ArchiveContents } from './contents.ts'
import { planCopy } from './copy-home.ts'
import { namesIn } from './definition.ts'
import { askDocker, type Docker } from './docker.ts'
import type { RestoreProgress } from './restore-progress.ts'
import type { RestorePlan } from './restore-request.ts'
import { bytesOf, planRoom } from './restore-room.ts'
import type { RestoreSession } from './restore-session.ts'
import { archiveRefusal, cacheRefusal, indexRefusal, restoreArchive, restoreCache } from './restore-volumes.ts'
import { restoreWhole } from './restore-whole.ts'
import type { RestoredFiles } from './restored-files.ts'
import { identitiesIn, type Left, leftHere, stoppedSince } from './restored-parts.ts'
import { ensureResticImage, volumesRefusal } from './volume-reader.ts'

const ONLY_EMPTY = 'everything is restored into an empty server only'

/** Plans to restore everything: onto a server that holds nothing, or what a restore of the same backup that was cut left there. */
export async function planEverything(plan: RestorePlan, session: RestoreSession, directory: string): Promise<void> {
  const { database, archives, caches, folders, id } = session.contents
  const left = await leftHere(session, directory)
  const { progress, gone } = left
  if (progress.wasCut)
    plan.steps.push(`go on with the restore of ${id} that was cut: what it had done is left as it is`)
  for (const part of gone)
    plan.steps.push(`restore ${part} again: what it had restored of it is not on this server any more`)
  const remote = volumesRefusal(session.request.repository)
  if (remote !== null) plan.refusals.push(remote)
  else if (session.request.from !== null) await planCopy(plan, session)
  if (!progress.has('database')) await planDatabase(plan, session, left)
  for (const archive of archives.filter((one) => !progress.has(one.service))) {
    const refusal = await refusalOfArchive(session, archive, progress)
    if (refusal !== null) plan.refusals.push(refusal)
    plan.steps.push(`stop ${archive.service}, restore its files and index, start it`)
  }
  for (const { service } of caches.filter((one) => !progress.has(one.service))) {
    const refusal = await refusalOfCache(session, service, progress)
    if (refusal !== null) plan.refusals.push(refusal)
    plan.steps.push(`stop ${service}, restore its data, start it`)
  }
  const there = folders.filter(
    ({ name }) => progress.begun(`folder ${name}`) === undefined && existsSync(join(directory, name)),
  )
  for (const { name } of there) plan.refusals.push(`${join(directory, name)} is there already: name another directory`)
  // What a restore that was cut had begun has its room.
  const isNew = (part: string) => !progress.wasCut || gone.has(part)
  const newArchives = archives.filter(({ service }) => isNew(service))
  const kept = [
    ...(isNew('database') ? (database?.collections ?? []) : []),
    ...newArchives,
    ...newArchives.flatMap(({ index }) => index ?? []),
    ...caches.filter(({ service }) => isNew(service)),
  ].reduce((sum, { bytes }) => sum + bytes, 0)
  await planRoom(plan, session, { files: bytesOf(session.contents).work, kept, what: 'the databases and images' })
  if (folders.length > 0) plan.steps.push(`lay ${folders.map(({ name }) => name).join(', ')} into ${directory}`)
}

/** What a restore that was cut had stopped and begun holds nothing else, as long as it was never started since. */
async function isOurs(docker: Docker, service: string, container: string, progress: RestoreProgress): Promise<boolean> {
  const begun = progress.begun(service)
  return begun !== undefined && begun === (await stoppedSince(docker, container))
}

async function refusalOfArchive(
  session: RestoreSession,
  archive: ArchiveContents,
  progress: RestoreProgress,
): Promise<string | null> {
  const { tools, work } = session.request
  const source = session.archive(archive.service)
  const otherKind = indexRefusal(archive, source)
  if (otherKind !== null) return otherKind
  if (await isOurs(tools.docker, archive.service, source.container, progress)) return null
  return archiveRefusal(tools.docker, source, join(work, 'probe'))
}

async function refusalOfCache(
  session: RestoreSession,
  service: string,
  progress: RestoreProgress,
): Promise<string | null> {
  const { tools, signal } = session.request
  const source = session.cache(service)
  if (await isOurs(tools.docker, service, source.container, progress)) return null
  if ((await stoppedSince(tools.docker, source.container)) === null) return cacheRefusal(tools.docker, source, signal)
  return `${service} does not run, so nobody can see whether it is empty: start it (docker start ${source.container})`
}

async function planDatabase(plan: RestorePlan, session: RestoreSession, { progress, gone }: Left): Promise<void> {
  const { database } = session.contents
  if (database === null) return
  const { database: name } = database
  const there = await namesIn(session.live.db(name))
  if (there.length > 0 && progress.wasCut && !gone.has('database')) {
    plan.mustType = name
    plan.steps.push(`drop what the restore that was cut left in the database ${name}`)
    if (session.request.typed !== name) {
      plan.refusals.push(
        `the database ${name} is half restored, and what an application wrote into it since would go: type ${name} to let it be dropped and restored anew`,
      )
    }
  } else if (there.length > 0) {
    plan.refusals.push(`the database ${name} holds ${there.sort().join(', ')}: ${ONLY_EMPTY}`)
  }
  plan.steps.push(`restore the database ${name} and compare it`)
}

/**
 * Restores all parts of a backup that are not done yet. @returns where each is now
 * @throws Failure `refused` only before it has changed anything
 */
export async function restoreEverything(
  session: RestoreSession,
  files: RestoredFiles,
  parts: Parts,
  directory: string,
): Promise<string[]> {
  const left = await leftHere(session, directory)
  const { progress } = left
  try {
    return await restoreParts(session, files, parts, directory, left)
  } catch (thrown) {
    if (!(thrown instanceof Failure && ['refused', 'locked'].includes(thrown.kind)) || !progress.hasBegun) throw thrown
    throw new Failure(
      'failed',
      `${thrown.message}; restored already, and left as it is: ${progress.done.join(', ') || 'nothing'}. ` +
        `Mend that, then ask for the same with the same directory (${directory}): it goes on`,
    )
  }
}

async function restoreParts(
  session: RestoreSession,
  files: RestoredFiles,
  parts: Parts,
  directory: string,
  { progress, gone }: Left,
): Promise<string[]> {
  const { tools, repository, signal, progress: say, work, typed, afterwards } = session.request
  const { docker } = tools
  const { database, archives, caches, folders, host, id } = session.contents
  const restored: string[] = []
  await progress.begin()
  if (database !== null) {
    if (!progress.has('database')) {
      say(`restoring ${database.database}`)
      const isHalf = progress.wasCut && !gone.has('database')
      if (isHalf && typed === database.database) await dropAll(session, database.database)
      await restoreWhole(session, database.database, files)
      await progress.did('database', (await identitiesIn(session.live.db(database.database))).join(' '))
    }
    restored.push(`database ${database.database}`)
  }
  for (const archive of archives) {
    const source = session.archive(archive.service)
    if (!progress.has(archive.service)) {
      say(`restoring ${archive.service}`)
      const image = await ensureResticImage(docker, tools.restic, work)
      const snapshot = parts.volumes.get(archive.volume)
      if (snapshot === undefined) throw new Failure('failed', `${archive.service}: the backup names no snapshot of it`)
      const reader = { docker, image, repository, host, signal }
      // Hours may have gone since the plan.
      refuseFor(await refusalOfArchive(session, archive, progress))
      await stopToRestore(docker, archive.service, source.container, progress)
      await restoreArchive(reader, source, archive, snapshot, files)
      await progress.did(archive.service)
    }
    await askDocker(docker, ['start', source.container])
    restored.push(`${archive.service}: ${archive.instances} instances`)
  }
  for (const { service, keys } of caches) {
    const source = session.cache(service)
    if (!progress.has(service)) {
      say(`restoring ${service}`)
      refuseFor(await refusalOfCache(session, service, progress))
      await stopToRestore(docker, service, source.container, progress)
      await restoreCache(docker, source, files.cache(service), join(work, 'cache'))
      await progress.did(service)
    }
    await askDocker(docker, ['start', source.container])
    restored.push(`${service}: ${keys} keys`)
  }
  for (const { name } of folders) {
    const to = join(directory, name)
    if (progress.begun(`folder ${name}`) !== undefined) await rm(to, { recursive: true, force: true })
    await progress.begins(`folder ${name}`, to)
    await cp(files.folder(name), to, { recursive: true, errorOnExist: true, force: false })
    restored.push(to)
  }
  // A restore that is cut in here goes on with it: nobody else would know that it is not done.
  if (afterwards !== null) restored.push(await afterwards(id))
  await progress.end()
  return restored
}

function refuseFor(refusal: string | null): void {
  if (refusal !== null) throw refused(`${refusal}: what came since has to go`)
}

/** One by one: the user of migrations may not drop a database. */
async function dropAll({ live }: RestoreSession, name: string): Promise<void> {
  const db = live.db(name)
  for (const collection of await namesIn(db)) await db.collection(collection).drop()
}

async function stopToRestore(docker: Docker, service: string, container: string, progress: RestoreProgress) {
  await askDocker(docker, ['stop', '--time', '60', container])
  await progress.begins(service, (await stoppedSince(docker, container)) ?? 'was started again')
}
