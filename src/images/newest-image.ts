import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sha256 } from '../release/index.ts'
import type { LocalImage } from './local-image.ts'

/** Milliseconds for which it holds what a registry said. */
const HOLDS = 10 * 60_000

type Known = Pick<LocalImage, 'image' | 'platform'>

/**
 * Whether a registry said a moment ago that an image is the newest of its name.
 * @param memory a directory of this user alone; left out: nothing is remembered
 */
export async function isNewest(memory: string | undefined, name: string, known: Known): Promise<boolean> {
  if (memory === undefined) return false
  const said = await stat(fileOf(memory, name, known)).catch(() => null)
  const age = said === null ? Number.NaN : Date.now() - said.mtimeMs
  return age >= 0 && age < HOLDS
}

/** Remembers that the registry said so now. */
export async function rememberNewest(memory: string | undefined, name: string, known: Known): Promise<void> {
  if (memory === undefined) return
  const file = fileOf(memory, name, known)
  // Kept or not, it was said.
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(() => undefined)
  await writeFile(file, '', { mode: 0o600 }).catch(() => undefined)
}

function fileOf(memory: string, name: string, { image, platform }: Known): string {
  return join(memory, 'newest', sha256(`${name} ${platform} ${image}`).slice('sha256:'.length))
}
