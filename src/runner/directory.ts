import { lstat, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { refused } from '../lib/index.ts'
import { getState, saveState } from './commands.ts'

/** The state under which the post step finds directories that the main step left. */
const STATE = 'private-directory'

/** Makes a directory that only this user can read, under RUNNER_TEMP. The post step removes it if this one cannot. */
export async function makePrivateDirectory(): Promise<string> {
  const directory = await mkdtemp(join(process.env.RUNNER_TEMP || tmpdir(), 'pacs-'))
  saveState(STATE, directory)
  return directory
}

/** The directory that the main step of this action made, if it came so far. */
export function leftDirectory(): string | undefined {
  return getState(STATE) || undefined
}

/** Removes what {@link makePrivateDirectory} made; nothing to remove is fine. */
export async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
}

/**
 * A directory of this user alone that outlives the job where the machine does.
 * @throws Failure `refused` when others can write to it
 */
export async function cacheDirectory(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const directory = join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'pacs-deploy')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const found = await lstat(directory)
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
    throw refused(
      `${directory} must be a directory of this user that nobody else can write to: remove it and try again`,
    )
  }
  return directory
}
