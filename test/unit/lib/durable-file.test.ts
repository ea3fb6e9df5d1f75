import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { replaceFile } from '../../../src/lib/index.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-deploy-'))
})
afterEach(() => rm(directory, { recursive: true }))

describe('replaceFile', () => {
  it('replaces content and mode, whatever the umask, and leaves nothing beside it', async () => {
    const path = join(directory, 'state.json')
    await writeFile(path, 'old', { mode: 0o600 })
    await replaceFile(path, 'new', 0o664)
    expect(await readFile(path, 'utf8')).toBe('new')
    expect((await stat(path)).mode & 0o777).toBe(0o664)
    expect(await readdir(directory)).toEqual(['state.json'])
  })

  it('shows a reader the whole old or the whole new content, never a part', async () => {
    const path = join(directory, 'state.json')
    const contents = ['a', 'b'].map((letter) => letter.repeat(1_000_000))
    await replaceFile(path, contents[0] ?? '', 0o600)
    let writing = true
    const writes = (async () => {
      for (let i = 1; i <= 20; i++) await replaceFile(path, contents[i % 2] ?? '', 0o600)
      writing = false
    })()
    while (writing) expect(contents.includes(await readFile(path, 'utf8'))).toBe(true)
    await writes
  })

  it('leaves the old file and nothing else when it cannot finish', async () => {
    const path = join(directory, 'taken')
    await replaceFile(join(directory, 'other'), 'x', 0o600)
    await expect(replaceFile(join(path, 'missing', 'file'), 'x', 0o600)).rejects.toThrow('ENOENT')
    expect(await readdir(directory)).toEqual(['other'])
  })
})
