import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { recallRelease, rememberRelease } from '../../../src/images/remembered-release.ts'
import { releaseManifestSchema, sha256 } from '../../../src/release/index.ts'

const PREFIX = 'ghcr.io/org/pacs'
const manifest = releaseManifestSchema.parse({
  schema: 1,
  id: '20261124t101500z-abc1234def01',
  commit: 'abc1234def01'.padEnd(40, '0'),
  repository: 'org/pacs',
  actor: 'releaser',
  run: '',
  created: '2026-11-24T10:15:00.000Z',
  images: {},
  migrations: [],
  stack: sha256('stack'),
  agent: { version: '1.0.0', sha256: sha256('agent') },
})
const release = { reference: `${PREFIX}/release@${sha256('release')}`, manifest }

let cache: string
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'pacs-remembered-'))
})
afterEach(() => rm(cache, { recursive: true, force: true }))

test('a release is remembered for its prefix, until the next one', async () => {
  expect(await recallRelease(cache, PREFIX)).toBeNull()
  await rememberRelease(cache, PREFIX, release)
  expect(await recallRelease(cache, PREFIX)).toEqual(release)
  expect(await recallRelease(cache, 'ghcr.io/org/other')).toBeNull()
  const next = { ...release, reference: `${PREFIX}/release@${sha256('next')}` }
  await rememberRelease(cache, PREFIX, next)
  expect(await recallRelease(cache, PREFIX)).toEqual(next)
})

test('what is no release is not remembered, and a machine that keeps nothing pushes all the same', async () => {
  await rememberRelease(cache, PREFIX, release)
  const [file = ''] = await readdir(join(cache, 'releases'))
  for (const text of ['', '{', JSON.stringify({ ...release, manifest: { ...manifest, commit: 'x' } })]) {
    await writeFile(join(cache, 'releases', file), text)
    expect(await recallRelease(cache, PREFIX)).toBeNull()
  }
  const full = join(cache, 'file')
  await writeFile(full, '')
  await rememberRelease(full, PREFIX, release)
  expect(await recallRelease(full, PREFIX)).toBeNull()
})
