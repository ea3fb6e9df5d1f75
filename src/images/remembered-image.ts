import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../lib/index.ts'
import { digestSchema } from '../release/index.ts'
import type { LocalImage } from './local-image.ts'
import type { SavedImage } from './saved-image.ts'

const savedImageSchema = z.strictObject({ config: digestSchema, manifestInIndex: digestSchema.nullable() })

/**
 * What an image consists of, by the engine's own name for it, which follows from its content; read out of the image once on a machine.
 * @param cache a directory of this user alone; left out: nothing is kept
 * @throws what `read` throws
 */
export async function rememberedImage(
  cache: string | undefined,
  { image, platform }: Pick<LocalImage, 'image' | 'platform'>,
  read: () => Promise<SavedImage>,
): Promise<SavedImage> {
  if (cache === undefined) return read()
  const file = join(cache, 'images', `${image.slice('sha256:'.length)}-${platform.replaceAll('/', '-')}.json`)
  try {
    return savedImageSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    const saved = await read()
    // Kept or not, it was read.
    await keep(file, saved).catch(() => undefined)
    return saved
  }
}

async function keep(file: string, saved: SavedImage): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
  await replaceFile(file, JSON.stringify(saved), 0o600)
}
