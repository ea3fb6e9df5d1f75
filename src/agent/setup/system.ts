// What a set-up changes on a machine, each step idempotent: it says what it changed, or nothing.
import { chmod, chown, lstat, mkdir, readFile, stat } from 'node:fs/promises'
import { replaceFile, run, tryRun } from '../../lib/index.ts'

/** Remembers what was changed, for the person who set the server up and for the record. */
export interface Changes {
  changed: (what: string) => void
}

export interface Owner {
  uid: number
  gid: number
}

export const ROOT: Owner = { uid: 0, gid: 0 }

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }

/** Runs a program of the system. @returns its output. @throws Failure `error` */
export function system(file: string, ...args: readonly string[]): Promise<string> {
  return run(file, args, { env })
}

/** Whether a program of the system ends with 0. */
export async function succeeds(file: string, ...args: readonly string[]): Promise<boolean> {
  return (await tryRun(file, args, { env }).catch(() => ({ code: 127 }))).code === 0
}

/** The output of a program of the system, or null when it fails or is missing. */
export async function outputOf(file: string, ...args: readonly string[]): Promise<string | null> {
  const result = await tryRun(file, args, { env }).catch(() => null)
  return result?.code === 0 ? result.stdout : null
}

/** Makes a directory and sees to its mode and owner. */
export async function ensureDirectory(changes: Changes, path: string, mode: number, owner: Owner): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode })
  if (made !== undefined) changes.changed(`${path}: made`)
  await ensureOwnership(changes, path, mode, owner, made === undefined)
}

/** Makes a file hold `content`, with its mode and owner. @returns whether its content changed */
export async function ensureFile(
  changes: Changes,
  path: string,
  content: string | Uint8Array,
  mode: number,
  owner: Owner,
): Promise<boolean> {
  const present = await readFile(path).catch(() => null)
  const differs = present === null || !present.equals(Buffer.from(content))
  if (differs) {
    await replaceFile(path, content, mode)
    changes.changed(`${path}: ${present === null ? 'made' : 'replaced'}`)
  }
  await ensureOwnership(changes, path, mode, owner, !differs)
  return differs
}

async function ensureOwnership(
  changes: Changes,
  path: string,
  mode: number,
  owner: Owner,
  tell: boolean,
): Promise<void> {
  const found = await stat(path)
  if (found.uid !== owner.uid || found.gid !== owner.gid) {
    await chown(path, owner.uid, owner.gid)
    if (tell) changes.changed(`${path}: owner ${owner.uid}:${owner.gid}`)
  }
  if ((found.mode & 0o7777) !== mode) {
    await chmod(path, mode)
    if (tell) changes.changed(`${path}: mode ${mode.toString(8)}`)
  }
}

/** Whether something is at `path`. */
export function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
