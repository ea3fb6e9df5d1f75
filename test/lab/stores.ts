import { join } from 'node:path'
import { ensureBaseImage, hubAnswers } from './base-image.ts'
import { ensureEngine } from './engine.ts'
import { ensureImage } from './images.ts'
import { withLock } from './lock.ts'
import { Progress } from './progress.ts'

/**
 * The image with the programs `/gofakes3` and `/rest-server`, built once from their sources.
 * @returns its tag. @throws LabError when it does not build
 */
export async function ensureStores(progress: Progress = new Progress()): Promise<string> {
  await ensureEngine(progress)
  return withLock('images', async () => {
    const BASE = await ensureBaseImage(await hubAnswers(progress), progress)
    const folder = join(import.meta.dirname, 'recipes/stores')
    return ensureImage({ name: 'stores', folder, from: { BASE }, hostCertificates: true }, progress)
  })
}
