import { existsSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../lib/index.ts'
import type { Parts } from './catalogue.ts'
import { planCopy } from './copy-home.ts'
import { namesIn } from './definition.ts'
import { askDocker, type Docker } from './docker.ts'
import { RestoreProgress } from './restore-progress.ts'
import type { RestorePlan } from './restore-request.ts'
import type { RestoreSession } from './restore-session.ts'
import { archiveRefusal, cacheRefusal, indexRefusal, restoreArchive, restoreCache } from './restore-volumes.ts'
import { restoreWhole } from './restore-whole.ts'
import type { RestoredFiles } from './restored-files.ts'
import { ensureResticImage, volumesRefusal } from './volume-reader.ts'

const ONLY_EMPTY = 'everything is restored into an empty server only'

/** Plans to restore everything: onto a server that holds nothing, or what a restore of the same backup that was cut left there. */
export async function planEverything(plan: RestorePlan, session: RestoreSession, directory: string): Promise<void> {
  const { tools, signal, work } = session.request
  const { docker } = tools
  const { archives, caches, folders, id } = session.contents
  const progress = await RestoreProgress.of(directory, id)
  if (progress.wasCut)
    plan.steps.push(`go on with the restore of ${id} that was cut: what it had done is left as it is`)
  const remote = volumesRefusal(session.request.repository)
  if (remote !== null) plan.refusals.push(remote)
  else if (session.request.from !== null) await planCopy(plan, session)
  if (!progress.has('database')) await planDatabase(plan, session, progress)
  // What the restore that was cut had stopped and begun holds nothing else, as long as it was never started since.
  const isOurs = async (service: string, container: string) => {
    const begun = progress.begun(service)
    return begun !== undefined && begun === (await stoppedSince(docker, container))
  }
  for (const archive of archives.filter((one) => !progress.has(one.service))) {
    const { service } = archive
    const source = session.archive(service)
    const otherKind = indexRefusal(archive, source)
    const ours = otherKind === null && (await isOurs(service, source.container))
    const refusal =
      otherKind !== null ? otherKind : ours ? null : await archiveRefusal(docker, source, join(work, 'probe'))
    if (refusal !== null) plan.refusals.push(refusal)
    plan.steps.push(`stop ${service}, restore its files and index, start it`)
  }
  for (const { service } of caches.filter((one) => !progress.has(one.service))) {
    const source = session.cache(service)
    const ours = await isOurs(service, source.container)
    const isStopped = (await stoppedSince(docker, source.container)) !== null
    const unseen = `${service} does not run, so nobody can see whether it is empty: start it (docker start ${source.container})`
    const refusal = ours ? null : isStopped ? unseen : await cacheRefusal(docker, source, signal)
    if (refusal !== null) plan.refusals.push(refusal)
    plan.steps.push(`stop ${service}, restore its data, start it`)
  }
  const there = folders.filter(
    ({ name }) => progress.begun(`folder ${name}`) === undefined && existsSync(join(directory, name)),
  )
  for (const { name } of there) plan.refusals.push(`${join(directory, name)} is there already: name another directory`)
  if (folders.length > 0) plan.steps.push(`lay ${folders.map(({ name }) => name).join(', ')} into ${directory}`)
}

async function planDatabase(plan: RestorePlan, session: RestoreSession, progress: RestoreProgress): Promise<void> {
  const { database } = session.contents
  if (database === null) return
  const { database: name } = database
  const there = await namesIn(session.live.db(name))
  if (there.length > 0 && progress.wasCut) {
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

/** Restores all parts of a backup that are not done yet. @returns where each is now */
export async function restoreEverything(
  session: RestoreSession,
  files: RestoredFiles,
  parts: Parts,
  directory: string,
): Promise<string[]> {
  const { tools, repository, signal, progress: say, work } = session.request
  const { docker } = tools
  const { database, archives, caches, folders, host, id } = session.contents
  const progress = await RestoreProgress.of(directory, id)
  const restored: string[] = []
  await progress.begin()
  if (database !== null) {
    if (!progress.has('database')) {
      say(`restoring ${database.database}`)
      if (progress.wasCut) await dropAll(session, database.database)
      await restoreWhole(session, database.database, files)
      await progress.did('database')
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
  await progress.end()
  return restored
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

/** Which container it is and when it was last started; null while it runs. */
async function stoppedSince(docker: Docker, container: string): Promise<string | null> {
  const format = '{{.State.Running}} {{.Id}} {{.State.StartedAt}}'
  const [running, id, started] = (
    await askDocker(docker, ['container', 'inspect', '--format', format, container])
  ).split(' ')
  return running === 'false' ? `${id} ${started}` : null
}
