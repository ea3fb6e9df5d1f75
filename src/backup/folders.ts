import { createHash } from 'node:crypto'
import { cp, readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { FolderContents } from './contents.ts'
import { fileHash } from './file-hash.ts'

/** A folder of the server that goes with the data: the stack's files, its configuration, its secrets. */
export interface FolderSource {
  name: string
  path: string
  /** Taken only where somebody chose so; restic encrypts it as it does all else. */
  secret: boolean
}

/** Copies a folder and says what it holds. */
export async function copyFolder({ name, path, secret }: FolderSource, to: string): Promise<FolderContents> {
  await cp(path, to, { recursive: true, verbatimSymlinks: true, errorOnExist: true, force: false })
  return { name, secret, ...(await hashFolder(to)) }
}

/** Counts the regular files below a folder and hashes the sorted list of their paths and contents. */
export async function hashFolder(path: string): Promise<{ files: number; bytes: number; hash: string }> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  let bytes = 0
  for (const file of files.sort()) {
    bytes += (await stat(file)).size
    hash.update(`${relative(path, file)}\0${await fileHash(file, 'sha256')}\n`)
  }
  return { files: files.length, bytes, hash: hash.digest('hex') }
}
