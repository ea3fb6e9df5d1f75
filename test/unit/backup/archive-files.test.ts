import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { compareArchive } from '../../../src/backup/archive-files.ts'
import type { ArchiveContents } from '../../../src/backup/contents.ts'
import { filePath, type IndexedFile, type OrthancIndex } from '../../../src/backup/orthanc-index.ts'

let storage: string

beforeEach(async () => {
  storage = await mkdtemp(join(tmpdir(), 'pacs-archive-'))
})

afterEach(() => rm(storage, { recursive: true }))

const NAMES = ['aaaa-1', 'bbbb-2', 'cccc-3', 'dddd-4']
const counts = { patients: 1, studies: 1, series: 1, instances: 4, files: 4, bytes: 4 }
const md5 = createHash('md5').update('x').digest('hex')
const index: OrthancIndex = {
  check: async () => [],
  counts: async () => counts,
  async *files() {
    for (const name of NAMES) {
      yield { path: filePath(name), size: 1, md5, compressed: false, type: 1 } satisfies IndexedFile
    }
  },
  filesOfStudy: async () => [],
  [Symbol.asyncDispose]: async () => undefined,
}

/** Compares a restored storage that has the files of `there` with a backup that says `deleted`. */
async function compared(deleted: ArchiveContents['deleted'], there: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(there)) {
    const path = join(storage, filePath(name))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  const at = '2026-12-01T00:00:00.000Z'
  const wanted = { service: 'orthanc', volume: 'v', storage: '', ...counts, index: null, deleted, at, paused: 0 }
  return compareArchive(wanted, index, storage, new AbortController().signal)
}

it('a file that was deleted while the backup was taken is not missed, another one is lost', async () => {
  const deleted = { files: 2, names: ['bbbb-2', 'cccc-3'] }
  expect(await compared(deleted, { 'aaaa-1': 'x', 'cccc-3': 'x' })).toEqual({
    checked: 4,
    lost: 1,
    findings: ['orthanc: file dd/dd/dddd-4 is missing'],
  })
})

it('a missing file of which nobody knows whether it was deleted is told with the cause, and not as lost', async () => {
  const deleted = { files: 0, names: [], unknown: 'docker pause ended with 1' }
  expect(await compared(deleted, { 'aaaa-1': 'x', 'bbbb-2': 'y' })).toEqual({
    checked: 4,
    lost: 1,
    findings: [
      'orthanc: file bb/bb/bbbb-2 has another MD5 than the index says',
      'orthanc: 2 files missing, lost or deleted while the backup was taken, which is not known: the live index could not be asked (docker pause ended with 1); take another backup',
    ],
  })
})

const cutAt = (files: number, missing: number) =>
  `orthanc: ${missing} files missing, lost or deleted while the backup was taken, which is not known: of ${files} that were, the backup names the first 1; take another backup`

it('where more were deleted than are named, what may have been is not lost', async () => {
  expect(await compared({ files: 3, names: ['aaaa-1'] }, { 'dddd-4': 'x' })).toEqual({
    checked: 4,
    lost: 0,
    findings: [cutAt(3, 2)],
  })
})

it('where more are missing than were deleted, the rest is lost', async () => {
  expect(await compared({ files: 2, names: ['aaaa-1'] }, {})).toEqual({
    checked: 4,
    lost: 2,
    findings: [cutAt(2, 3), 'orthanc: at least 2 of these are lost: no more than 2 were deleted'],
  })
})

it('a backup of which nothing is missing is whole, whatever is not known', async () => {
  const there = Object.fromEntries(NAMES.map((name) => [name, 'x']))
  expect(await compared({ files: 0, names: [], unknown: 'no answer' }, there)).toEqual({
    checked: 4,
    lost: 0,
    findings: [],
  })
})
