import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ArchiveContents } from '../../../src/backup/contents.ts'
import { findDeleted } from '../../../src/backup/deleted-meanwhile.ts'

const index = { service: 'postgres', container: 'postgres', database: 'orthanc', user: 'orthanc' }
const source: Parameters<typeof findDeleted>[1] = { service: 'orthanc', container: 'orthanc', volume: 'orthanc', index }
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

describe('a live index that does not answer', () => {
  /** Asks it with `answer`, which is told how often it was asked. @returns what is found, and how often it was asked */
  async function asking(answer: (asked: number) => number, from = source, signal = new AbortController().signal) {
    const directory = await mkdtemp(join(tmpdir(), 'pacs-deleted-'))
    let asked = 0
    const docker: Parameters<typeof findDeleted>[0] = async ([verb], call) => {
      if (verb === 'container') return { code: 0, stdout: '[{"Name":"orthanc","Destination":"/var"}]', stderr: '' }
      if (verb === 'unpause') return { code: 1, stdout: '', stderr: 'the engine is away' }
      const code = answer(++asked)
      call?.onBytes?.(Buffer.from('a\nb\n'))
      return { code, stdout: '', stderr: code === 0 ? '' : 'it starts' }
    }
    try {
      const named = join(directory, 'named')
      await writeFile(named, 'a\nb\nc\n')
      const found = await findDeleted(docker, from, archive, named, join(directory, 'paused'), signal, 1)
      return { deleted: found.deleted, asked }
    } finally {
      await rm(directory, { recursive: true })
    }
  }

  it('is asked again, since it may have been started anew', async () => {
    const { deleted, asked } = await asking((nth) => (nth < 4 ? 1 : 0))
    expect([deleted, asked]).toEqual([{ files: 1, names: ['c'] }, 4])
  })

  it('takes nothing from what is stored when it stays away, and what is not known is said with its cause', async () => {
    const { deleted, asked } = await asking(() => 1)
    const unknown = 'PostgreSQL in postgres did not answer for the database orthanc: it starts'
    expect([deleted, asked]).toEqual([{ files: 0, names: [], unknown }, 7])
  })

  it('is not asked again by a backup that is to end', async () => {
    const stop = new AbortController()
    const answer = (asked: number) => {
      stop.abort(new Error('a rollback came first'))
      return asked
    }
    await expect(asking(answer, source, stop.signal)).rejects.toThrow('it starts')
  })

  it('ends the backup where Orthanc stays paused for it', async () => {
    await expect(asking(() => 1, { ...source, index: null })).rejects.toThrow('orthanc is still paused')
  })
})
