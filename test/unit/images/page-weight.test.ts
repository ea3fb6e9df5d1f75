import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { weighPage } from '../../../src/images/page-weight.ts'

const MANIFEST = '.vite/manifest.json'
const entry = { 'index.html': { file: 'a.js', isEntry: true, css: ['a.css'] } }

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-page-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Weighs the page of an image with these files, which `docker cp` hands out in this order. @returns what docker was told too */
async function weigh(files: Readonly<Record<string, string>>) {
  const page = join(directory, 'page')
  await mkdir(join(page, '.vite'), { recursive: true })
  for (const [path, content] of Object.entries(files)) await writeFile(join(page, path), content)
  const docker = `#!/bin/sh
echo "$1" >>${directory}/calls
case "$1" in
image) echo /srv/page ;;
create) echo 1a2b3c ;;
cp) exec tar -C ${page} -cf - ${Object.keys(files)
    .map((path) => `./${path}`)
    .join(' ')} ;;
esac
`
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  const engine = { env: { PATH: `${directory}:/usr/bin:/bin` }, signal: new AbortController().signal }
  const weight = await weighPage('web', 'sha256:1', engine).catch((thrown: unknown) => thrown)
  return { weight, calls: (await readFile(join(directory, 'calls'), 'utf8')).trim().split('\n') }
}

describe('the page in an image', () => {
  const parts = {
    'a.css': 'b{color:red}',
    'a.js': 'start("everything", 42)',
    'index.html': '<p>',
    'later.js': 'late()',
  }

  test('is weighed by one reading, without what is loaded later', async () => {
    const { weight, calls } = await weigh({ [MANIFEST]: JSON.stringify(entry), ...parts })
    expect(weight).toMatchObject({ files: [{ path: 'a.js' }, { path: 'a.css' }, { path: 'index.html' }] })
    expect(calls.toSorted()).toEqual(['cp', 'create', 'image', 'rm'])
  })

  test('is weighed too where its manifest comes after its files', async () => {
    const { weight } = await weigh({ ...parts, [MANIFEST]: JSON.stringify(entry) })
    expect(weight).toMatchObject({ files: [{ path: 'a.js' }, { path: 'a.css' }, { path: 'index.html' }] })
  })

  test.each([
    ['no manifest', parts, /^web: it has a bundle-budget, but \/srv\/page\/.vite\/manifest.json is not in its image/],
    ['a manifest of nothing', { ...parts, [MANIFEST]: '{}' }, /is no manifest of a build with an entry$/],
    [
      'no file that its manifest names',
      { [MANIFEST]: JSON.stringify(entry) },
      /names index.html, which is not in \/srv/,
    ],
  ])('is refused with %s, and its container is taken away', async (_, files, message) => {
    const { weight, calls } = await weigh(files)
    expect(weight).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) })
    expect(calls.at(-1)).toBe('rm')
  })
})
