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

/** Removes a directory so that one whose removal is cut short is not taken for a whole one: it goes out of sight first. */
export async function removeTree(path: string): Promise<void> {
  const gone = join(dirname(path), `.${basename(path)}.gone`)
  await rm(gone, { recursive: true, force: true })
  await rename(path, gone)
  await rm(gone, { recursive: true })
}

async function sync(path: string): Promise<void> {
  const opened = await open(path, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}
