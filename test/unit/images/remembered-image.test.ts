import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { rememberedImage } from '../../../src/images/remembered-image.ts'
import { sha256 } from '../../../src/release/index.ts'

const IMAGE = { image: sha256('image'), platform: 'linux/amd64' }
const saved = { config: sha256('config'), manifestInIndex: sha256('manifest') }

let cache: string
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'pacs-remembered-'))
})
afterEach(() => rm(cache, { recursive: true, force: true }))

test('an image is read once, and for another platform by itself', async () => {
  const read = vi.fn(async () => saved)
  expect(await rememberedImage(cache, IMAGE, read)).toEqual(saved)
  expect(await rememberedImage(cache, IMAGE, read)).toEqual(saved)
  expect(read).toHaveBeenCalledTimes(1)
  const other = { ...saved, manifestInIndex: null }
  expect(await rememberedImage(cache, { ...IMAGE, platform: 'linux/arm64' }, async () => other)).toEqual(other)
})

test('an image is read anew where what was kept is cut, and where nothing can be kept', async () => {
  await rememberedImage(cache, IMAGE, async () => saved)
  const [file = ''] = await readdir(join(cache, 'images'))
  await writeFile(join(cache, 'images', file), '{"config":')
  expect(await rememberedImage(cache, IMAGE, async () => saved)).toEqual(saved)
  await writeFile(join(cache, 'file'), '')
  expect(await rememberedImage(join(cache, 'file'), IMAGE, async () => saved)).toEqual(saved)
  expect(await rememberedImage(undefined, IMAGE, async () => saved)).toEqual(saved)
})

test('what cannot be read is not remembered', async () => {
  await expect(rememberedImage(cache, IMAGE, () => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
  expect(await rememberedImage(cache, IMAGE, async () => saved)).toEqual(saved)
})
