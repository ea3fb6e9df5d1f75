import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { imageTag, type Recipe } from '../../lab/images.ts'

let recipe: Recipe

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-lab-recipe-'))
  await mkdir(join(folder, 'sub'))
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\n')
  await writeFile(join(folder, 'sub/run'), 'x', { mode: 0o644 })
  recipe = { name: 'thing', folder, from: { BASE: 'base:1' } }
})

afterEach(() => rm(recipe.folder, { recursive: true }))

test("an image's tag stays the same as long as its recipe does", async () => {
  const tag = await imageTag(recipe)
  expect(tag).toMatch(/^pacs-deploy-lab\/thing:[0-9a-f]{12}$/)
  expect(await imageTag({ ...recipe })).toBe(tag)
})

const node = { name: 'node', version: '1.0.0', integrity: 'sha512-a' }

test.each<[what: string, change: () => Promise<void>]>([
  ['a file deep in the recipe', () => writeFile(join(recipe.folder, 'sub/run'), 'y')],
  ['a new file', () => writeFile(join(recipe.folder, 'new'), '')],
  ['a right to execute', () => chmod(join(recipe.folder, 'sub/run'), 0o755)],
])('an image gets another tag with %s', async (_, change) => {
  const before = await imageTag(recipe)
  await change()
  expect(await imageTag(recipe)).not.toBe(before)
})

test('an image gets another tag with each other image that it stands on, and each other content of a package', async () => {
  const tags = await Promise.all([
    imageTag(recipe),
    imageTag({ ...recipe, from: { BASE: 'base:2' } }),
    imageTag({ ...recipe, packages: { 'node.tgz': node } }),
    imageTag({ ...recipe, packages: { 'node.tgz': { ...node, integrity: 'sha512-b' } } }),
  ])
  expect(new Set(tags).size).toBe(4)
})
