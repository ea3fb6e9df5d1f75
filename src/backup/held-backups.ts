import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { counted, Failure } from '../lib/index.ts'
import type { Restic } from './restic.ts'

const heldSchema = z.array(z.string())

/** The ids of the backups that a repository was last seen to hold; none where that is not known. */
export async function recallHeld(restic: Restic): Promise<Set<string>> {
  const text = await readFile(fileOf(restic), 'utf8').catch(() => '[]')
  try {
    return new Set(heldSchema.parse(JSON.parse(text)))
  } catch {
    return new Set()
  }
}

/** When a repository was last noted to hold what it does, in milliseconds; 0 where it never was. */
export async function heldSince(restic: Restic): Promise<number> {
  const note = await stat(fileOf(restic)).catch(() => null)
  return note?.mtimeMs ?? 0
}

/** Notes them for the time when the repository cannot be asked. It is only a note: without it more counts as missing than does. */
export async function noteHeld(restic: Restic, held: ReadonlySet<string>): Promise<void> {
  const file = fileOf(restic)
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(`${file}.new`, JSON.stringify([...held]))
    await rename(`${file}.new`, file)
  } catch {
    // What matters is said by the copy itself.
  }
}

/**
 * How many copies into a repository were cut one after the other and brought no backup there; 0 where the last was not cut. What they left of
 * a snapshot goes with whatever retention removes.
 */
export async function cutCopies(restic: Restic): Promise<number> {
  const text = await readFile(fileOf(restic, 'copying'), 'utf8').catch(() => '0')
  // An earlier version counted none.
  return /^\d+$/.test(text) ? Number(text) : 1
}

/** To be called before a copy into a repository, with its number among those that are cut. Without the note one that is cut starts over. */
export async function noteCopying(restic: Restic, number: number): Promise<void> {
  const file = fileOf(restic, 'copying')
  await mkdir(dirname(file), { recursive: true }).catch(() => undefined)
  await writeFile(file, String(number)).catch(() => undefined)
}

/** To be called when nothing is left that a copy could go on with, or nothing that it should. */
export async function noteNotCopying(restic: Restic): Promise<void> {
  await rm(fileOf(restic, 'copying'), { force: true })
}

/**
 * To be called before a repository is made: one in the place of a disk that is not mounted would fill the one below it.
 * @throws Failure `unreachable` where one was there that held backups
 */
export async function refuseGone(restic: Restic): Promise<void> {
  const { size } = await recallHeld(restic)
  if (size === 0) return
  const where = restic.redact(restic.repository.location)
  throw new Failure(
    'unreachable',
    `the repository ${where} held ${counted(size, 'backup')} and is not there: is its disk mounted? To have a new one made, remove ${fileOf(restic)}`,
  )
}

/** The location may hold a password. */
function fileOf({ cache, repository }: Restic, what = 'held'): string {
  return join(cache, `${what}-${createHash('sha256').update(repository.location).digest('hex').slice(0, 16)}.json`)
}
