// What a proof restored lies in hundreds of thousands of files, and the child that removes them has a heap of 128 MB.
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { run } from '../../src/lib/index.ts'

const FILES = 20_000
/** Megabytes; Node's own `rm` needs more than 16 for as many. */
const HEAP = 12

test('what lies in a directory is removed though its names alone do not fit in the heap', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'pacs-empty-'))
  const files = join(place.path, 'files')
  mkdirSync(files)
  for (let index = 0; index < FILES; index++) writeFileSync(join(files, `${index}`.padStart(36, '0')), '')
  const ours = fileURLToPath(new URL('../../src/lib/empty-directory.ts', import.meta.url))
  const program = `const { emptyDirectory } = await import('${ours}'); await emptyDirectory('${place.path}')`
  const heap = [`--max-old-space-size=${HEAP}`, '--max-semi-space-size=2']
  await run(process.execPath, [...heap, '--input-type=module', '--eval', program], { env: {} })
  expect(await readdir(place.path)).toEqual([])
})
