// The room that a backup and its proof ask for before they begin.
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { ArchiveSource } from '../../../src/backup/archive.ts'
import { archiveContentsSchema } from '../../../src/backup/contents.ts'
import type { Docker } from '../../../src/backup/docker.ts'
import { Restic } from '../../../src/backup/restic.ts'
import { restoreFiles } from '../../../src/backup/restored-files.ts'
import { takeBackup } from '../../../src/backup/take-backup.ts'
import { contents } from './contents.ts'

/** More than any disk has. */
const HUGE = 4 * 1024 ** 5
const NEVER = new AbortController().signal

/** An engine whose databases and files are that large, and where nothing else is to be found. */
const engine: Docker = async (args) => {
  const asksForBytes = args.includes('psql') || args.includes('stat')
  const mounts = JSON.stringify([{ Name: 'images', Destination: '/var/lib/orthanc' }])
  const stdout = asksForBytes ? `${HUGE}\n` : args.includes('{{json .Mounts}}') ? mounts : ''
  return { code: 0, stdout, stderr: '' }
}

const source = (index: ArchiveSource['index']) => ({ service: 'orthanc', container: 'o', volume: 'images', index })
const postgres = { service: 'postgres', container: 'p', database: 'orthanc', user: 'orthanc' }

it.each([
  ['in PostgreSQL', source(postgres), '4294967296 MiB'],
  // SQLite takes what lies beside its file into the copy.
  ['in a file of SQLite', source(null), '8589934592 MiB'],
])('a backup is refused at once where there is no room for an index %s', async (_where, archive, needed) => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'room-'))
  const restic = join(place.path, 'restic')
  await writeFile(restic, '#!/bin/sh\nexit 9\n', { mode: 0o755 })
  const said: string[] = []
  const backup = takeBackup({
    tools: { docker: engine, restic, path: '/bin', cache: place.path },
    work: join(place.path, 'work'),
    repository: { location: join(place.path, 'repository'), passwordFile: '/password' },
    second: null,
    ...{ retention: { last: 1, daily: 1, weekly: 1, monthly: 1, yearly: 1 }, host: 's1', instance: null, versions: {} },
    ...{ database: null, archives: [archive], caches: [], folders: [], held: [], signal: NEVER },
    progress: (line) => void said.push(line),
  })
  await expect(backup).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(`need about ${needed} and `),
  })
  expect(said).toEqual([])
})

it('a proof is refused where there is no room for the index in PostgreSQL that it restores', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'room-'))
  const restic = new Restic('/bin/false', { location: '/backups', passwordFile: '/password' }, '/bin', place.path)
  const index = { service: 'postgres', database: 'orthanc', user: 'orthanc', tables: [], bytes: HUGE }
  const archive = archiveContentsSchema.parse({
    ...{ service: 'orthanc', volume: 'images', storage: '', patients: 1, studies: 1, series: 1, instances: 1 },
    ...{ files: 1, bytes: 1, index, at: '2026-11-24T10:15:00.000Z', paused: 0 },
  })
  const docker: Docker = async () => ({ code: 0, stdout: place.path, stderr: '' })
  const backup = { id: contents.id, host: 'test', startedAt: contents.startedAt, bytes: 1, snapshots: [] }
  const directory = join(place.path, 'restored')
  await expect(
    restoreFiles(docker, restic, backup, { ...contents, archives: [archive] }, directory, NEVER),
  ).rejects.toMatchObject({ kind: 'refused', message: expect.stringMatching(/MiB free, the backup and the databases/) })
})
