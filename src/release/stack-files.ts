import type { Stats } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput } from '../lib/index.ts'
import { type Digest, sha256 } from './digest.ts'
import { canonicalJson } from './manifest.ts'

/** A file of the stack: its path inside it with `/`, whether it is executable, and its content's digest. */
export interface StackFile {
  path: string
  executable: boolean
  sha256: Digest
}

/** What belongs to one machine and never into a release: values, secrets, keys, and what tools leave behind. */
const LEFT_OUT = [
  /^\.env(?!\.example$)(\..*)?$/,
  /^(secrets|certs|node_modules|\.git)$/,
  /\.(key|pem|p12|pfx|log|swp)$/,
  /^\.DS_Store$/,
]

/**
 * The files below `directory` that a release holds, sorted by path. Left out: `.env` and its kin (not `.env.example`),
 * `secrets`, `certs`, `node_modules`, `.git`, key files and logs.
 * @throws Failure `bad-input` for a link, a socket or another thing that is no file and no directory.
 */
export function listStackFiles(directory: string): Promise<StackFile[]> {
  return listFiles(directory, (name) => !LEFT_OUT.some((rule) => rule.test(name)))
}

/** Every file below `directory`, whatever its name: what a stack that came out of a release image is hashed by. */
export function listAllFiles(directory: string): Promise<StackFile[]> {
  return listFiles(directory, () => true)
}

/** The hash over path, executable bit and content of every file: the `stack` of a manifest. */
export function stackHash(files: readonly StackFile[]): Digest {
  return sha256(canonicalJson(files.map((file) => [file.path, file.executable, file.sha256])))
}

async function listFiles(directory: string, isWanted: (name: string) => boolean): Promise<StackFile[]> {
  const files: StackFile[] = []
  const visit = async (below: string) => {
    for (const name of await readdir(join(directory, below))) {
      if (!isWanted(name)) continue
      const path = below === '' ? name : `${below}/${name}`
      const stats = await lstat(join(directory, path))
      if (stats.isDirectory()) await visit(path)
      else files.push(await describe(directory, path, stats))
    }
  }
  await visit('')
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function describe(directory: string, path: string, stats: Stats): Promise<StackFile> {
  if (!stats.isFile()) {
    throw badInput(`${path} in ${directory} is a link or a special file: a release holds plain files only`)
  }
  return { path, executable: (stats.mode & 0o100) !== 0, sha256: sha256(await readFile(join(directory, path))) }
}
