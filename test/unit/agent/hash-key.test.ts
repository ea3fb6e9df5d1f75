import { lstat, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { layout } from '../../../src/agent/layout.ts'
import { hashKey } from '../../../src/agent/server/config.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacs-key-'))
  await mkdir(layout(root).config)
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe('the key of the keyed hashes', () => {
  it('is made once, for its owner alone', async () => {
    const key = await hashKey(layout(root))
    expect(key).toHaveLength(32)
    expect(await hashKey(layout(root))).toEqual(key)
    expect((await lstat(join(layout(root).config, 'hash.key'))).mode & 0o777).toBe(0o600)
  })

  it('is not made anew where one is there that cannot be read', async () => {
    const path = join(layout(root).config, 'hash.key')
    // What root cannot read either.
    await symlink('hash.key', path)
    await expect(hashKey(layout(root))).rejects.toMatchObject({ code: 'ELOOP' })
    expect((await lstat(path)).isSymbolicLink()).toBe(true)
  })
})
