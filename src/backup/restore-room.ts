// The room that a restore takes, beside what lives on the same disks.
import { stat, statfs } from 'node:fs/promises'
import type { Contents } from './contents.ts'
import { askDocker, type Docker } from './docker.ts'

/** Bytes that a restore takes. */
export interface Room {
  /** Of files, in a folder of its own. */
  files: number
  /** Of what the engine keeps at the same time, and what that is. */
  kept: number
  what: string
}

/** Room that is left free beside what is restored: 10 %. */
const MARGIN = 1.1

/** @returns on which disk there is no room for the files of a backup below `directory` and for what the engine keeps. Null where there is */
export async function roomRefusal(
  docker: Docker,
  directory: string,
  { files, kept, what }: Room,
): Promise<string | null> {
  const engine = await askDocker(docker, ['info', '--format', '{{.DockerRootDir}}'])
  const [here, there] = await Promise.all([directory, engine].map((path) => stat(path).catch(() => null)))
  if (here?.dev === there?.dev) return lackOn(directory, files + kept, `the backup and ${what}`)
  // An engine on another machine shows no folder here.
  return (await lackOn(directory, files, 'the backup')) ?? (there === null ? null : lackOn(engine, kept, what))
}

async function lackOn(path: string, bytes: number, what: string): Promise<string | null> {
  const { bavail, bsize } = await statfs(path)
  const [free, needed] = [bavail * bsize, bytes * MARGIN]
  if (free >= needed) return null
  const mib = (value: number) => `${Math.ceil(value / 1024 / 1024)} MiB`
  return `${path} has ${mib(free)} free, ${what} to restore beside what lives needs ${mib(needed)}`
}

interface Asking {
  request: { tools: { docker: Docker }; work: string }
}

/** Adds a refusal to a plan for which there is no room. */
export async function planRoom(plan: { refusals: string[] }, { request }: Asking, room: Room): Promise<void> {
  const refusal = await roomRefusal(request.tools.docker, request.work, room)
  if (refusal !== null) plan.refusals.push(refusal)
}

/** Bytes of the parts of a backup, as far as its contents tell. */
export function bytesOf({ stored, database, archives, caches, folders }: Contents) {
  const sum = (parts: readonly { bytes: number }[]) => parts.reduce((total, { bytes }) => total + bytes, 0)
  const dump = sum(database?.collections ?? [])
  const work = Math.max(stored.read - sum(archives), 0)
  const others = dump + (database?.oplog.kind === 'kept' ? database.oplog.bytes : 0) + sum(caches) + sum(folders)
  return {
    /** All but what lies in volumes. */
    work,
    dump,
    /** The copies of indexes, which tell by themselves only what one in PostgreSQL took there. */
    indexes: Math.max(work - others, 0),
    inPostgres: sum(archives.flatMap(({ index }) => index ?? [])),
  }
}
