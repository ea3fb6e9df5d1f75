// What a restore of everything that was cut had done, and whether it is still on this server.
import { join } from 'node:path'
import type { Db } from 'mongodb'
import type { CacheContents, DatabaseContents } from './contents.ts'
import { askDocker, type Docker } from './docker.ts'
import { RestoreProgress } from './restore-progress.ts'
import type { RestoreSession } from './restore-session.ts'
import { keysHeld, studiesHeld } from './restore-volumes.ts'

/** How far a restore of everything came that was cut. */
export interface Left {
  /** A part that is gone counts as never begun. */
  progress: RestoreProgress
  /** Parts that were restored and are not on this server any more, as when its disk was wiped since: `database`, or a service. */
  gone: ReadonlySet<string>
}

/** Reads how far a restore into a directory came, and asks for each part that it had done whether that is still there. */
export async function leftHere(session: RestoreSession, directory: string): Promise<Left> {
  const { database, archives, caches, id } = session.contents
  const progress = await RestoreProgress.of(directory, id)
  const { tools, work } = session.request
  const gone = new Set<string>()
  if (database !== null && progress.has('database') && !(await isThere(session, database, progress)))
    gone.add('database')
  for (const { service, studies } of archives.filter((one) => progress.has(one.service))) {
    if ((await studiesHeld(tools.docker, session.archive(service), join(work, 'probe'))) < studies) gone.add(service)
  }
  for (const cache of caches.filter((one) => progress.has(one.service)))
    if (!(await holdsKeys(session, cache, progress))) gone.add(cache.service)
  for (const part of gone) progress.forget(part)
  return { progress, gone }
}

async function isThere({ live }: RestoreSession, wanted: DatabaseContents, progress: RestoreProgress) {
  const restored = new Set(progress.begun('database')?.split(' '))
  if (wanted.collections.every(({ type }) => type === 'view')) return true
  return (await identitiesIn(live.db(wanted.database))).some((one) => restored.has(one))
}

/** What the server calls its collections itself: one of the same name that was made anew has another. */
export async function identitiesIn(db: Db): Promise<string[]> {
  const listed = await db.listCollections<{ name: string; info?: { uuid?: unknown } }>().toArray()
  return listed.flatMap(({ info }) => (info?.uuid === undefined ? [] : [String(info.uuid)]))
}

/** Keys end by themselves: a cache that was restored and holds some is taken for the same. */
async function holdsKeys(session: RestoreSession, { service, keys }: CacheContents, progress: RestoreProgress) {
  if (keys === 0) return true
  const { tools, signal } = session.request
  const source = session.cache(service)
  const stopped = await stoppedSince(tools.docker, source.container)
  if (stopped !== null) return stopped === progress.begun(service)
  return (await keysHeld(tools.docker, source, signal)) > 0
}

/** Which container it is and when it was last started; null while it runs. */
export async function stoppedSince(docker: Docker, container: string): Promise<string | null> {
  const format = '{{.State.Running}} {{.Id}} {{.State.StartedAt}}'
  const [running, id, started] = (
    await askDocker(docker, ['container', 'inspect', '--format', format, container])
  ).split(' ')
  return running === 'false' ? `${id} ${started}` : null
}
