import { join } from 'node:path'
import { ensureBaseImage, hubAnswers } from './base-image.ts'
import { ensureImage } from './images.ts'
import { withLock } from './lock.ts'
import type { Progress } from './progress.ts'

/**
 * The image of a server of Debian 12.
 * @param server tag of the usual server's image, from which it has the lab's own parts and a newer Docker
 * @returns its tag
 */
export function ensureDebian12(server: string, progress: Progress): Promise<string> {
  return withLock('images', async () => {
    const BASE = await ensureBaseImage(await hubAnswers(progress), progress, 'bookworm')
    const folder = join(import.meta.dirname, 'recipes/server-debian12')
    return ensureImage({ name: 'server-debian12', folder, from: { BASE, SERVER: server } }, progress)
  })
}
