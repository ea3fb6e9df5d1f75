import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getState, saveState } from '@actions/core'

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
