import { mkdir, mkdtempDisposable, readdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { emptyDirectory } from '../../../src/lib/index.ts'

it('removes all that lies in a directory and follows no link out of it', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'empty-'))
  const [tree, kept] = [join(place.path, 'tree'), join(place.path, 'kept')]
  await mkdir(join(tree, 'a', 'b'), { recursive: true })
  await mkdir(kept)
  await writeFile(join(kept, 'file'), '')
  await symlink(kept, join(tree, 'a', 'link'))
  await writeFile(join(tree, '-rf'), '')
  await emptyDirectory(tree)
  expect(await readdir(tree)).toEqual([])
  expect(await readdir(kept)).toEqual(['file'])
})

it('makes one that is not there, and leaves one that is empty', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'empty-'))
  const tree = join(place.path, 'new', 'tree')
  await emptyDirectory(tree)
  await emptyDirectory(tree)
  expect(await readdir(tree)).toEqual([])
})
