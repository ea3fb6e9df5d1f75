import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
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
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
