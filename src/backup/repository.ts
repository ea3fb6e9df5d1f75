import { chmod, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, formatDuration, messageOf, refused } from '../lib/index.ts'
import { arrange, type StoredBackup, type Tagged } from './catalogue.ts'
import type { Contents } from './contents.ts'
import { removeDeadLocks } from './dead-locks.ts'
import type { Docker } from './docker.ts'
import { cutCopies, noteCopying, noteHeld, noteNotCopying, recallHeld, refuseGone } from './held-backups.ts'
import type { Restic, Snapshot } from './restic.ts'
import { isDiskFull } from './restic-failures.ts'
import { chooseKept, type Retention } from './retention.ts'

/** Looks into a repository that the dead keep nobody out of any more. @returns what it holds; null where there is none yet */
export async function openRepository(restic: Restic, docker: Docker, signal: AbortSignal): Promise<Snapshot[] | null> {
  await removeDeadLocks(restic, docker, signal)
  return restic.snapshotsIfThere({ signal })
}

/**
 * Makes a repository on this server, open to the group of its owner: readers of volumes write as root of that group.
 * @param like what it will have copies of @throws Failure `refused` where no folder can be made
 */
export async function makeRepository(restic: Pick<Restic, 'repository' | 'init'>, like?: Restic): Promise<void> {
  const { location } = restic.repository
  try {
    await mkdir(location, { recursive: true, mode: 0o770 })
  } catch (thrown) {
    throw refused(
      `the repository ${location} cannot be made (${messageOf(thrown)}): BACKUP_REPOSITORY must name a folder that the agent can write`,
    )
  }
  await restic.init(like)
  // restic takes the modes of all later files from these (group may read: group may write).
  await openToGroup(location)
}

async function openToGroup(path: string): Promise<void> {
  await chmod(path, 0o2770)
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const one = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) await chmod(one, 0o2770)
    else if (entry.isFile()) await chmod(one, ((await stat(one)).mode & 0o700) | 0o040)
  }
}

/** Torn backups older than this are removed: 1 day. */
const TORN_AGE = 86_400_000

/** What retention did; `later` when the repository was busy, or it was ended: nothing is lost by waiting. */
export type Pruning = { outcome: 'done'; forgotten: string[] } | { outcome: 'later'; why: string }

/** A backup that was taken just now. */
type Taken = Pick<Contents, 'id' | 'finishedAt'>

/** Milliseconds from the beginning of a backup to the end of its copy, so that the next night's begins on time: 22 h. */
const COPY_WITHIN = 22 * 3_600_000

/**
 * Copies that are cut one after the other before retention comes first again: no store need say in known words that it is full. A first copy
 * of 5 TB by 50 Mbit/s is cut 9 times.
 */
const CUT_AT_MOST = 14

/**
 * Forgets what retention does not keep of each server's backups in a repository, and what never became complete; never what was `taken`
 * just now.
 * @param wanted ids of what may become complete yet
 */
export async function prune(
  restic: Pick<Restic, 'snapshots' | 'forget'>,
  retention: Retention,
  taken: Taken,
  signal: AbortSignal,
  wanted: ReadonlySet<string> = new Set(),
): Promise<Pruning> {
  try {
    // Anew: another server's backup may have become complete since.
    const all = await restic.snapshots({ signal })
    return { outcome: 'done', forgotten: await applyRetention(restic, all, retention, taken, signal, wanted) }
  } catch (thrown) {
    if (!(thrown instanceof Failure) && !signal.aborted) throw thrown
    return { outcome: 'later', why: messageOf(thrown) }
  }
}

/** @returns ids of what was forgotten */
async function applyRetention(
  restic: Pick<Restic, 'forget'>,
  held: readonly Tagged[],
  retention: Retention,
  taken: Taken,
  signal: AbortSignal,
  wanted: ReadonlySet<string>,
): Promise<string[]> {
  const { complete, lacking, torn } = arrange(held)
  const all = [...complete, ...lacking]
  // One that lacks a part is kept as long as any, in no whole one's place.
  const byHost = [all, complete].flatMap((some) => [...Map.groupBy(some, ({ host }) => host).values()])
  // A clock that was put back has older ones look younger than what was taken.
  const kept = new Set([taken.id, ...byHost.flatMap((own) => [...chooseKept(own, retention)])])
  const expired = all.filter(({ id }) => !kept.has(id))
  const left = [...torn].filter(([id]) => !wanted.has(id) && Date.parse(taken.finishedAt) - timeOf(id) > TORN_AGE)
  const forgotten = [...expired.flatMap(({ snapshots }) => snapshots), ...left.flatMap(([, all]) => all)]
  await restic.forget(idsOf(forgotten), { signal })
  return [...expired.map(({ id }) => id), ...left.map(([id]) => id)]
}

/** What two came to, one after the other. */
function followed(before: Pruning | null, after: Pruning): Pruning {
  if (before === null || before.outcome === 'later' || after.outcome === 'later') return after
  return { outcome: 'done', forgotten: [...before.forgotten, ...after.forgotten] }
}

function idsOf(snapshots: readonly Tagged[]): string[] {
  return snapshots.map(({ id }) => id)
}

function timeOf(id: string): number {
  return Date.parse(id.replace(/^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)z-.*/, '$1-$2-$3T$4:$5:$6Z'))
}

/** What became of the second repository. */
export type SecondCopy =
  /** All but what is `damaged` in the first. */
  | { outcome: 'copied'; backups: string[]; damaged: { id: string; why: string }[]; pruning: Pruning }
  /** Away, or ended: these backups are copied next time. */
  | { outcome: 'later'; why: string; waiting: string[] }

/** What the second repository lacks before it is asked, as it was last seen. */
export async function notYetCopied(
  second: Restic,
  all: readonly StoredBackup[],
  why = 'its copy has not begun',
): Promise<SecondCopy> {
  const held = await recallHeld(second)
  const waiting = all.filter(({ id }) => !held.has(id)).map(({ id }) => id)
  return { outcome: 'later', why, waiting }
}

/**
 * Copies every backup that the second repository lacks, so that one that was away catches up; its own retention comes before, which makes
 * room for them, and after. A copy that takes longer than until the next night is ended, and the next one goes on with it: retention, which
 * removes what no snapshot holds yet, then comes after alone, but where there was no room, or time after time nothing came of it.
 * @param all what the first holds, newest first
 */
export async function copyToSecond(
  first: Restic,
  second: Restic,
  all: readonly StoredBackup[],
  docker: Docker,
  retention: Retention,
  taken: Taken & Pick<Contents, 'startedAt'>,
  asked: AbortSignal,
): Promise<SecondCopy> {
  const late = new AbortController()
  const left = Math.min(COPY_WITHIN, Date.parse(taken.startedAt) + COPY_WITHIN - Date.now())
  const timer = setTimeout(() => {
    late.abort(
      refused(`the copy had until ${formatDuration(COPY_WITHIN)} after the backup began; the next one goes on with it`),
    )
  }, left)
  const signal = AbortSignal.any([asked, late.signal])
  let held = await recallHeld(second)
  const missing = () => all.filter(({ id }) => !held.has(id)).reverse()
  try {
    const there = await openRepository(second, docker, signal)
    if (there === null) {
      await refuseGone(second)
      await second.init(first)
    }
    held = new Set(arrange(there ?? []).complete.map(({ id }) => id))
    const wanted = new Set(all.map(({ id }) => id))
    const cut = (await cutCopies(second)) % CUT_AT_MOST
    const before = cut > 0 ? null : await prune(second, retention, taken, signal, wanted)
    await noteCopying(second, cut + 1)
    const copied: string[] = []
    const damaged: { id: string; why: string }[] = []
    for (const { id, snapshots } of missing()) {
      try {
        await second.copyFrom(first, idsOf(snapshots), { signal })
        held.add(id)
        copied.push(id)
        await noteCopying(second, 1)
      } catch (thrown) {
        if (!(thrown instanceof Failure && thrown.kind === 'unhealthy')) throw thrown
        damaged.push({ id, why: thrown.message })
      }
    }
    await noteNotCopying(second)
    const after = await prune(second, retention, taken, signal, wanted)
    return { outcome: 'copied', backups: copied, damaged, pruning: followed(before, after) }
  } catch (thrown) {
    if (!(thrown instanceof Failure) && !signal.aborted) throw thrown
    if (thrown instanceof Failure && isDiskFull(thrown)) await noteNotCopying(second)
    return { outcome: 'later', why: messageOf(thrown), waiting: missing().map(({ id }) => id) }
  } finally {
    clearTimeout(timer)
    await noteHeld(second, held)
  }
}
