import { randomBytes } from 'node:crypto'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Replaces `path` by `content` so that a reader, or a machine that lost its power, sees the old file or the new one and
 * nothing between: written beside it (in `scratch`, of the same file system), synced, renamed, and the directory synced.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  mode: number,
  scratch = dirname(path),
): Promise<void> {
  const beside = join(scratch, `${basename(path)}.${randomBytes(6).toString('hex')}.new`)
  try {
    const file = await open(beside, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (thrown) {
    await rm(beside, { force: true })
    throw thrown
  }
  await syncDirectory(dirname(path))
}

/**
 * Adds a line to a file, whole or not at all: what a full disk took of it is taken back, or the next one would be glued to it.
 * @param sync whether it is on the disk when this returns
 */
export async function appendLine(path: string, line: string, mode: number, sync: boolean): Promise<void> {
  const file = await open(path, 'a', mode)
  try {
    const { size } = await file.stat()
    try {
      await file.appendFile(`${line}\n`)
      if (sync) await file.datasync()
    } catch (thrown) {
      await file.truncate(size).catch(() => undefined)
      throw thrown
    }
  } finally {
    await file.close()
  }
}

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): Promise<void> {
  return sync(path)
}

/** Makes a directory and all that lies in it durable. */
export async function syncTree(path: string): Promise<void> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const inside = entries.filter((entry) => entry.isFile() || entry.isDirectory())
  await Promise.all([sync(path), ...inside.map((entry) => sync(join(entry.parentPath, entry.name)))])
}

const GONE = '.gone'

/** Takes a directory out of sight at once, so that one whose removal is cut short is not taken for a whole one; `listGone` finds it. */
export async function hideTree(path: string): Promise<string> {
  const gone = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}${GONE}`)
  await rename(path, gone)
  return gone
}

/** Removes a directory, which goes out of sight first. */
export async function removeTree(path: string): Promise<void> {
  await rm(await hideTree(path), { recursive: true })
}

/** The paths of what is out of sight in `directory` and not removed yet. */
export async function listGone(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => [])
  return names.filter((name) => name.startsWith('.') && name.endsWith(GONE)).map((name) => join(directory, name))
}

/** Removes what removals that were cut short left in `directory`. */
export async function removeGone(directory: string): Promise<void> {
  const gone = await listGone(directory)
  await Promise.all(gone.map((path) => rm(path, { recursive: true })))
}

async function sync(path: string): Promise<void> {
  const opened = await open(path, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}
