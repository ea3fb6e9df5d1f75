import { randomBytes } from 'node:crypto'
import { Failure, messageOf, refused, shortened } from '../lib/index.ts'
import { type Contents, contentsSchema } from './contents.ts'
import { isHindrance } from './level.ts'
import type { Restic, Snapshot } from './restic.ts'

/** What of a snapshot says to which backup of which server it belongs, and as which part. */
export type Tagged = Pick<Snapshot, 'id' | 'hostname' | 'tags' | 'paths'>

/** A backup whose contents are stored, which is done last. */
export interface StoredBackup {
  id: string
  /** Of which server. */
  host: string
  /** ISO 8601, of its id. */
  startedAt: string
  /** Bytes of what it holds, before deduplication. */
  bytes: number
  /** All snapshots that make it up, that of its contents last. */
  snapshots: readonly Tagged[]
}

export const PART = { work: 'part=work', volume: 'part=volume', contents: 'part=contents' } as const
const CONTENTS_FILE = 'contents.json'

/** `20261124t101500z-1f2e3d4c`: when it began (UTC), and a part that makes it unique. */
export function newBackupId(now: Date): string {
  const time = now
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')
    .toLowerCase()
  return `${time}-${randomBytes(4).toString('hex')}`
}

/** When a backup began, by its id. */
function startOf(id: string): string {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)z-/.exec(id) ?? []
  if (year === undefined) throw refused(`"${id}" is no id of a backup: it looks like 20261124t101500z-1f2e3d4c`)
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
}

export function idTag(id: string): string {
  return `id=${id}`
}

export function sizeTag(bytes: number): string {
  return `bytes=${bytes}`
}

/** Of the contents: how many other snapshots make up the backup. */
export function partsTag(parts: number): string {
  return `parts=${parts}`
}

/** What a repository holds, newest first. */
export interface Arranged {
  complete: StoredBackup[]
  /** Complete once: a snapshot is gone since. One whose contents do not say how many it had counts as complete. */
  lacking: StoredBackup[]
  /** The snapshots of those that never became complete, by id. */
  torn: Map<string, Tagged[]>
}

export function arrange(snapshots: readonly Tagged[]): Arranged {
  const byId = new Map<string, Tagged[]>()
  for (const snapshot of snapshots) {
    const id = tagValue(snapshot, 'id=')
    if (id !== undefined) byId.set(id, [...(byId.get(id) ?? []), snapshot])
  }
  const complete: StoredBackup[] = []
  const lacking: StoredBackup[] = []
  const torn = new Map<string, Tagged[]>()
  for (const [id, parts] of byId) {
    const last = parts.find(({ tags }) => tags.includes(PART.contents))
    const others = parts.filter((part) => part !== last)
    if (last === undefined) torn.set(id, others)
    else {
      const bytes = Number(tagValue(last, 'bytes=') ?? 0)
      const snapshots = [...others, last]
      const list = isWhole({ snapshots }) ? complete : lacking
      list.push({ id, host: last.hostname, startedAt: startOf(id), bytes, snapshots })
    }
  }
  return { complete: newestFirst(complete), lacking: newestFirst(lacking), torn }
}

/** Whether all snapshots are there that a backup's contents count; where they do not say how many, it counts as whole. */
export function isWhole({ snapshots }: Pick<StoredBackup, 'snapshots'>): boolean {
  const last = snapshots.at(-1)
  const parts = last === undefined ? undefined : tagValue(last, 'parts=')
  return snapshots.length > Number(parts ?? 0)
}

function newestFirst(backups: readonly StoredBackup[]): StoredBackup[] {
  return backups.toSorted((a, b) => (a.id < b.id ? 1 : -1))
}

function tagValue(snapshot: Tagged, prefix: string): string | undefined {
  return snapshot.tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length)
}

/** The backups of a repository, newest first; those too that lack a snapshot, so that whoever means such a one is told. */
export async function listBackups(restic: Restic, signal?: AbortSignal): Promise<StoredBackup[]> {
  const { complete, lacking } = arrange(await restic.snapshots({ signal }))
  return newestFirst([...complete, ...lacking])
}

/** Reads what a backup holds. @throws Failure `unhealthy` when it cannot be read, Error when it is not ours */
export async function readContents(restic: Restic, backup: StoredBackup, signal?: AbortSignal): Promise<Contents> {
  const snapshot = backup.snapshots.at(-1)
  const file = snapshot?.paths[0]
  if (snapshot === undefined || !file?.endsWith(CONTENTS_FILE)) {
    throw new Failure('unhealthy', `the backup ${backup.id} has no contents`)
  }
  return contentsSchema.parse(JSON.parse(await restic.read(snapshot.id, file, { signal })))
}

/** Those of a backup that others can do without: null, and said, where they are damaged. */
export async function contentsOrNull(
  restic: Restic,
  backup: StoredBackup,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Contents | null> {
  try {
    return await readContents(restic, backup, signal)
  } catch (thrown) {
    if (signal.aborted || isHindrance(thrown)) throw thrown
    say(`the backup ${backup.id} is left out, its contents cannot be read: ${shortened(messageOf(thrown))}`)
    return null
  }
}

/** Milliseconds that clocks may differ. */
const CLOCK_SLACK = 300_000

/** Whether a backup began by a clock that was wrong: nobody knows how old it is. */
export function isToCome({ startedAt }: Pick<StoredBackup, 'startedAt'>, now: Date): boolean {
  return Date.parse(startedAt) - now.getTime() > CLOCK_SLACK
}

/**
 * One that is to come is the newest, or drawn, only where there is no other.
 * @param wanted `newest` or `random` of this server's backups, or the id of any
 * @param host this server's name
 * @throws Failure `refused` when there is none
 */
export function chooseBackup(backups: readonly StoredBackup[], wanted: string, host: string, now: Date): StoredBackup {
  if (wanted !== 'newest' && wanted !== 'random') return backupNamed(wanted, backups)
  const all = backupsFor(host, backups)
  const begun = all.filter((one) => !isToCome(one, now))
  const meant = begun.length > 0 ? begun : all
  const chosen = meant[wanted === 'newest' ? 0 : Math.floor(Math.random() * meant.length)]
  if (chosen === undefined) throw holdsNone()
  return chosen
}

/**
 * What a proof means: one of another server, unless it is named, would have a server pass that has no backup.
 * @param wanted `newest` or `random` of this server's backups, or the id of any @param host this server's name
 * @throws Failure `refused` when there is none
 */
export function chooseProved(backups: readonly StoredBackup[], wanted: string, host: string, now: Date): StoredBackup {
  const own = backupsOf(host, backups)
  const [newest] = backups
  if ((wanted !== 'newest' && wanted !== 'random') || own.length > 0 || newest === undefined)
    return chooseBackup(backups, wanted, host, now)
  throw refused(
    `the repository holds no backup of this server (${host}): take one; to verify one of another, name it: the newest is ${newest.id} of ${newest.host}`,
  )
}

/** @throws Failure `refused` when there is none of that id */
export function backupNamed(id: string, backups: readonly StoredBackup[]): StoredBackup {
  if (backups.length === 0) throw holdsNone()
  const named = backups.find((one) => one.id === id)
  if (named !== undefined) return named
  const known = backups.slice(0, 3).map((one) => one.id)
  throw refused(`the repository holds no complete backup ${id}; the newest are ${known.join(', ')}`)
}

function holdsNone(): Failure {
  return refused('the repository holds no complete backup')
}

/** Those that one server took: a repository may hold those of others, too. */
export function backupsOf(host: string, backups: readonly StoredBackup[]): StoredBackup[] {
  return backups.filter((one) => one.host === host)
}

/**
 * Those that a server means which names none: its own; where it has none, as one that takes the place of a lost one, all of the one other.
 * @throws Failure `refused` where several others have some
 */
export function backupsFor(host: string, backups: readonly StoredBackup[]): StoredBackup[] {
  const byHost = Map.groupBy(backups, (one) => one.host)
  const meant = byHost.get(host) ?? (byHost.size === 1 ? [...backups] : null)
  if (meant !== null || backups.length === 0) return meant ?? []
  const newest = [...byHost].map(([other, [one]]) => `${one?.id} of ${other}`)
  throw refused(
    `the repository holds no backup of this server (${host}), and those of several others: name one; the newest are ${newest.join(', ')}`,
  )
}

/** The snapshots of a backup in one repository: a copy in another has other ids, so they are found by their tags. */
export interface Parts {
  work: string
  /** The path that the work snapshot holds; the parts lie below it. */
  staged: string
  /** By volume. */
  volumes: ReadonlyMap<string, string>
}

const VOLUMES = '/volumes/'

/** @throws Failure `unhealthy` when a snapshot of the backup is gone */
export function findParts({ snapshots }: StoredBackup, contents: Contents): Parts {
  const work = snapshots.find(({ tags }) => tags.includes(PART.work))
  const volumes = new Map(
    snapshots.flatMap(({ id, tags, paths: [path = ''] }) =>
      tags.includes(PART.volume) ? [[path.slice(VOLUMES.length), id] as const] : [],
    ),
  )
  const lost = contents.archives.filter(({ volume }) => !volumes.has(volume)).map(({ volume }) => `volume ${volume}`)
  if (work?.paths[0] === undefined) lost.push('its dumps')
  if (lost.length > 0 || work?.paths[0] === undefined) {
    throw new Failure('unhealthy', `the backup ${contents.id} is not whole: no snapshot holds ${lost.join(', ')}`)
  }
  return { work: work.id, staged: work.paths[0], volumes }
}
