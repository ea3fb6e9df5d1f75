import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ensureBaseImage, hubAnswers } from './base-image.ts'
import { docker, IMAGE_LABEL, tryDocker } from './docker.ts'
import { ensureEngine } from './engine.ts'
import { ensureImage, imageTag, type Recipe } from './images.ts'
import { withLock } from './lock.ts'
import { Progress } from './progress.ts'
import { stateRoot } from './state.ts'

/**
 * The static program restic on this machine, built once from its sources by a recipe of the lab.
 * @returns its path. @throws LabError when it does not build
 */
export async function ensureRestic(progress: Progress = new Progress()): Promise<string> {
  await ensureEngine(progress)
  return withLock('images', async () => {
    const BASE = await ensureBaseImage(await hubAnswers(progress), progress)
    const folder = join(import.meta.dirname, 'recipes/restic')
    const recipe: Recipe = { name: 'restic', folder, from: { BASE }, hostCertificates: true }
    const [, hash = ''] = (await imageTag(recipe)).split(':')
    const program = join(await stateRoot(), 'tools', hash, 'restic')
    if (!existsSync(program)) await copyOut(await ensureImage(recipe, progress), program)
    return program
  })
}

async function copyOut(image: string, program: string): Promise<void> {
  await mkdir(dirname(program), { recursive: true })
  const container = await docker(['create', '--label', `${IMAGE_LABEL}=restic`, image])
  try {
    // A copy that was cut must not be taken for the program.
    await docker(['cp', `${container}:/restic`, `${program}.new`])
    await rename(`${program}.new`, program)
  } finally {
    await tryDocker(['rm', '-f', container])
    await rm(`${program}.new`, { force: true })
  }
}
