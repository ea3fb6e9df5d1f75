import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyState, openState } from '../../../src/agent/transaction/state.ts'

let root: string
let path: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacs-state-'))
  path = join(root, 'state.json')
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe('openState', () => {
  it('starts empty where nothing ever ran', async () => {
    expect((await openState(path)).state).toEqual(emptyState)
  })

  it.each([
    ['half a file', '{"schema":1,"pha', 'it is no JSON'],
    ['a file of something else', '{"schema":2}', 'schema'],
    ['an empty file', '', 'it is no JSON'],
  ])('refuses %s in one line that says what to do, and leaves it as it is', async (_name, content, why) => {
    await writeFile(path, content)
    const refusal = openState(path)
    await expect(refusal).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringContaining(`${path} cannot be read`),
    })
    await expect(refusal).rejects.toThrow(why)
    await expect(refusal).rejects.toThrow(/^[^\n]*Put back a good copy of the file, or rebuild the server[^\n]*$/)
    expect(await readFile(path, 'utf8')).toBe(content)
  })
})
