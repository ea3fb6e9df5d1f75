import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { ArchiveContents } from '../../../src/backup/contents.ts'
import { findDeleted } from '../../../src/backup/deleted-meanwhile.ts'

const index = { service: 'postgres', container: 'postgres', database: 'orthanc', user: 'orthanc' }
const source = { service: 'orthanc', container: 'orthanc', volume: 'orthanc', index }
const archive = { service: 'orthanc', deleted: { files: 0, names: [] }, paused: 0 } as unknown as ArchiveContents

/** What was deleted between two lists of an index in PostgreSQL. */
async function deletedBetween(before: readonly string[], after: readonly string[]) {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-deleted-'))
  const list = (names: readonly string[]) => names.map((name) => `${name}\n`).join('')
  try {
    const named = join(directory, 'named')
    await writeFile(named, list(before))
    const docker: Parameters<typeof findDeleted>[0] = async (_args, call) => {
      call?.onBytes?.(Buffer.from(list(after)))
      return { code: 0, stdout: '', stderr: '' }
    }
    return (await findDeleted(docker, source, archive, named, 'none', new AbortController().signal)).deleted
  } finally {
    await rm(directory, { recursive: true })
  }
}

it('a file that the copy of an index names and the live one does not was deleted, whatever came', async () => {
  expect(await deletedBetween(['a', 'c', 'd', 'f', 'g'], ['b', 'c', 'e', 'f', 'h'])).toEqual({
    files: 3,
    names: ['a', 'd', 'g'],
  })
  expect(await deletedBetween(['a', 'b'], [])).toEqual({ files: 2, names: ['a', 'b'] })
  expect(await deletedBetween([], ['a'])).toEqual({ files: 0, names: [] })
  expect(await deletedBetween(['a', 'b'], ['a', 'b'])).toEqual({ files: 0, names: [] })
})

it('of more than a hundred thousand deleted files the first are known by name, and all are counted', async () => {
  const names = Array.from({ length: 100_002 }, (_, n) => String(n).padStart(6, '0'))
  const { files, names: named } = await deletedBetween(names, [])
  expect([files, named.length, named.at(-1)]).toEqual([100_002, 100_000, '099999'])
})
