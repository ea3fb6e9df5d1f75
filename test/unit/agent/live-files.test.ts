import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { layout } from '../../../src/agent/layout.ts'
import { layDown } from '../../../src/agent/server/core-files.ts'
import { liveFiles } from '../../../src/agent/server/live-files.ts'
import { pruneServer } from '../../../src/agent/server/prune.ts'
import { MemoryWorld, Server } from './memory-world.ts'

const MOUNTS = [{ path: 'proxy/conf', target: '/etc/proxy' }]
const [OLD, NEW] = ['0'.repeat(16), '1'.repeat(16)]

let root: string
let service: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacs-live-'))
  service = join(layout(root).stack, 'proxy')
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** A version of the folder `proxy/conf`, as a release brings it. */
async function version(hash: string, files: Readonly<Record<string, string>>): Promise<void> {
  const from = join(root, `release-${hash}`)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(from, name)), { recursive: true, mode: 0o700 })
    await writeFile(join(from, name), text, { mode: 0o600 })
  }
  await layDown(join(service, hash), [{ path: 'proxy/conf', from }])
}

describe('the live files of a core service', () => {
  const live = () => liveFiles(service, NEW, { signal: 'SIGHUP', mounts: MOUNTS })
  const inLive = (name = '') => join(service, 'live', 'proxy/conf', name)

  it('come by a rename into the very folder that is mounted, the changed ones alone, and go with their version', async () => {
    await version(OLD, { 'a.conf': 'old', 'same.conf': 'same', 'gone.conf': 'gone' })
    await version(NEW, { 'a.conf': 'new', 'same.conf': 'same', 'sites/b.conf': 'more' })
    await live().place(OLD)
    const [folder, same] = [await stat(inLive()), await stat(inLive('same.conf'))]
    await live().place(NEW)
    expect((await stat(inLive())).ino).toBe(folder.ino)
    expect((await stat(inLive('same.conf'))).ino).toBe(same.ino)
    expect(await readFile(inLive('a.conf'), 'utf8')).toBe('new')
    expect((await readdir(inLive(), { recursive: true })).sort()).toEqual([
      'a.conf',
      'same.conf',
      'sites',
      'sites/b.conf',
    ])
    await live().place(OLD)
    expect(await readFile(inLive('a.conf'), 'utf8')).toBe('old')
    expect(await readFile(inLive('gone.conf'), 'utf8')).toBe('gone')
  })

  it('can be read by whatever user the container has, and changed by none', async () => {
    await version(NEW, { 'sites/b.conf': 'more' })
    const before = process.umask(0o077)
    await live()
      .place(NEW)
      .finally(() => process.umask(before))
    const modes = ['', 'sites', 'sites/b.conf'].map(async (name) => (await stat(inLive(name))).mode & 0o777)
    expect(await Promise.all(modes)).toEqual([0o755, 0o755, 0o444])
  })

  it('are told by where the service sees them', async () => {
    await version(NEW, { 'a.conf': 'new', 'sites/b.conf': 'more' })
    expect(await live().seen(NEW)).toEqual(
      new Map([
        ['/etc/proxy/a.conf', 'new'],
        ['/etc/proxy/sites/b.conf', 'more'],
      ]),
    )
  })

  it('are kept by a prune with the version and the definition that run, and nothing else is', async () => {
    await version(OLD, { 'a.conf': 'old' })
    await version(NEW, { 'a.conf': 'new' })
    for (const other of ['a', 'b']) await mkdir(join(service, other.repeat(16)))
    await live().place(NEW)
    const releases = {
      fetch: () => expect.fail(),
      open: async () => Promise.reject(new Error('it has no release.json')),
    }
    const kept = { instances: [], core: { proxy: [`${'a'.repeat(16)}.${NEW}`] }, coreRelease: null, serving: null }
    await mkdir(layout(root).config)
    await mkdir(join(layout(root).releases, '20261101t101500z-abc1234def01', 'stack'), { recursive: true })
    await mkdir(join(layout(root).config, '.0123456789abcdef.gone', 'secrets'), { recursive: true })
    await pruneServer(kept, releases, layout(root), new MemoryWorld(new Server()).engine)
    expect((await readdir(service)).sort()).toEqual([NEW, 'a'.repeat(16), 'live'])
    expect(await readdir(layout(root).releases)).toEqual([])
    expect(await readdir(layout(root).config)).toEqual([])
    expect(await readFile(inLive('a.conf'), 'utf8')).toBe('new')
  })
})
