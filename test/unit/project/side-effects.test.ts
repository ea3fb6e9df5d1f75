import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')

it('has no module that is imported for what it does alone: the bundle would leave it out', async () => {
  const bare: string[] = []
  let modules = 0
  for await (const path of glob('src/**/*.ts', { cwd: root })) {
    modules += 1
    if (/^import ['"]/m.test(await readFile(join(root, path), 'utf8'))) bare.push(path)
  }
  expect(modules).toBeGreaterThan(100)
  expect(bare).toEqual([])
})
