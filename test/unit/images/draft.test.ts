import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Draft, readDraft, writeDraft } from '../../../src/images/index.ts'
import { sha256 } from '../../../src/release/index.ts'

const draft: Draft = {
  schema: 1,
  commit: 'a'.repeat(40),
  images: {
    api: {
      local: 'x/api:1',
      image: sha256('m'),
      config: sha256('c'),
      platform: 'linux/amd64',
      verdict: null,
      built: true,
    },
  },
}

describe('draft', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'draft-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  test('survives its file', async () => {
    await writeDraft(join(directory, 'draft.json'), draft)
    expect(await readDraft(join(directory, 'draft.json'))).toEqual(draft)
  })

  test.each([
    ['cut', '{"schema":', /is no draft of a release \(the file: is no JSON\)/],
    ['of another schema', JSON.stringify({ ...draft, schema: 2 }), /schema: /],
    [
      'without digests',
      JSON.stringify({ ...draft, images: { api: { ...draft.images.api, config: 'latest' } } }),
      /images.api.config: is no digest/,
    ],
  ])('is refused when it is %s', async (_, text, message) => {
    const path = join(directory, 'draft.json')
    await writeFile(path, text)
    await expect(readDraft(path)).rejects.toThrow(message)
  })

  test('names a file that is missing, and where it comes from', async () => {
    await expect(readDraft('/nowhere/draft.json')).rejects.toThrow(
      /\/nowhere\/draft.json cannot be read: give the output "manifest"/,
    )
  })
})
