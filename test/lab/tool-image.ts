import { join } from 'node:path'
import { ensureBaseImage, hubAnswers } from './base-image.ts'
import { ensureEngine } from './engine.ts'
import { ensureImage } from './images.ts'
import { withLock } from './lock.ts'
import { Progress } from './progress.ts'

/** `stores`: the programs `/gofakes3` and `/rest-server`; `pebble`: `pebble` and `pebble-challtestsrv`. */
export type ToolImage = 'stores' | 'pebble'

/**
 * An image with programs that one test file needs, built once.
 * @returns its tag. @throws LabError when it does not build
 */
export async function ensureToolImage(name: ToolImage, progress: Progress = new Progress()): Promise<string> {
  await ensureEngine(progress)
  return withLock('images', async () => {
    const BASE = await ensureBaseImage(await hubAnswers(progress), progress)
    const folder = join(import.meta.dirname, 'recipes', name)
    return ensureImage({ name, folder, from: { BASE }, hostCertificates: true }, progress)
  })
}
