// The room that a backup, its proof and its restore ask for before they begin.
import { mkdir, mkdtempDisposable, open, readdir, readFile, statfs, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ArchiveSource } from '../../../src/backup/archive.ts'
import { refuseFullRepository, usableOf } from '../../../src/backup/backup-room.ts'
import { archiveContentsSchema, type Contents } from '../../../src/backup/contents.ts'
import type { Docker } from '../../../src/backup/docker.ts'
import { noteHeld } from '../../../src/backup/held-backups.ts'
import { Restic } from '../../../src/backup/restic.ts'
import { sideName } from '../../../src/backup/restore-collections.ts'
import { planOf } from '../../../src/backup/restore-plan.ts'
import type { RestoreTarget } from '../../../src/backup/restore-request.ts'
import { runRestore } from '../../../src/backup/restore-run.ts'
import type { RestoreSession } from '../../../src/backup/restore-session.ts'
import { restoreFiles } from '../../../src/backup/restored-files.ts'
import { takeBackup } from '../../../src/backup/take-backup.ts'
import { MemoryDatabase } from '../../backup/memory-database.ts'
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

/** A plan on a server whose engine keeps its containers on the same disk, to restore over these collections. */
async function planned(target: RestoreTarget, held: Contents, there: readonly string[] = []) {
  await using memory = await MemoryDatabase.start()
  for (const name of there) memory.hold(name)
  await using place = await mkdtempDisposable(join(tmpdir(), 'room-'))
  const docker: Docker = async () => ({ code: 0, stdout: place.path, stderr: '' })
  const snapshot = { hostname: 'test', tags: ['part=work'], id: 'w', paths: ['/staged'] }
  const repository = { location: '/repository', passwordFile: '/password' }
  const request = { tools: { docker }, work: place.path, target, typed: null, repository, from: null }
  const session = {
    ...{ request, contents: held, backup: { host: 'test', snapshots: [snapshot] }, backups: [] },
    ...{ database: held.database, sideDatabase: 'side', live: { db: () => memory.db } },
  }
  const { refusals } = await planOf(session as unknown as RestoreSession)
  return refusals.filter((refusal) => / MiB free, /.test(refusal))
}

const [reports = expect.unreachable(), ...others] = contents.database?.collections ?? []
const withReports = (bytes: number): Contents => ({
  ...contents,
  database: contents.database && { ...contents.database, collections: [{ ...reports, bytes }, ...others] },
})
const noRoomFor = (what: string) => [expect.stringContaining(`MiB free, the backup and ${what} to restore beside`)]

it('a restore is refused by its plan where there is no room for what it unpacks and what the engine keeps', async () => {
  const huge = withReports(HUGE)
  expect(await planned({ kind: 'collection', collection: 'reports' }, huge)).toEqual(noRoomFor('the collection'))
  expect(await planned({ kind: 'collection', collection: 'sessions' }, huge)).toEqual([])
  expect(await planned({ kind: 'database' }, huge)).toEqual(noRoomFor('the database'))
  const everything = { kind: 'everything', directory: '/nowhere' } as const
  expect(await planned(everything, huge)).toEqual(noRoomFor('the databases and images'))
  expect(await planned(everything, contents)).toEqual([])
  const study = { kind: 'study', study: '1.2', directory: '/nowhere' } as const
  expect(await planned(study, huge)).toEqual([])
  expect(await planned(study, { ...contents, stored: { read: HUGE, added: 1 } })).toEqual(noRoomFor('the index'))
})

it('a restore asks for no room for a collection that an earlier look left beside the live one', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'room-'))
  const { bavail, bsize } = await statfs(place.path)
  const half = withReports(Math.round(bavail * bsize * 0.6))
  const target = { kind: 'collection', collection: 'reports' } as const
  expect(await planned(target, half, ['reports'])).toEqual(noRoomFor('the collection'))
  expect(await planned(target, half, ['reports', sideName('reports', 'restored', contents.id)])).toEqual([])
})

it('a restore of a collection unpacks the files of that one', async () => {
  await using memory = await MemoryDatabase.start()
  await using place = await mkdtempDisposable(join(tmpdir(), 'room-'))
  const at = (name: string) => join(place.path, name)
  const tags = (part: string) => [`id=${contents.id}`, `part=${part}`]
  const of = { time: contents.startedAt, hostname: 'test' }
  const snapshots = [
    { ...of, id: 'w', tags: tags('work'), paths: ['/staged'] },
    { ...of, id: 'c', tags: tags('contents'), paths: ['/contents.json'] },
  ]
  await writeFile(at('snapshots'), JSON.stringify(snapshots))
  await writeFile(at('contents'), JSON.stringify(contents))
  const script = `#!/bin/sh
case " $* " in
*' snapshots '*) exec cat ${at('snapshots')} ;;
*' dump '*) exec cat ${at('contents')} ;;
*' restore '*) echo "$@" >${at('asked')}; exit 9 ;;
esac
`
  await writeFile(at('restic'), script, { mode: 0o755 })
  const docker: Docker = async ([verb]) => ({ code: 0, stdout: verb === 'info' ? place.path : '', stderr: '' })
  const [{ host = '', port = 0 } = {}] = memory.db.client.options.hosts
  const restore = runRestore({
    tools: { docker, restic: at('restic'), path: '/bin:/usr/bin', cache: place.path },
    ...{ work: at('work'), repository: { location: at('repository'), passwordFile: '/password' }, from: null },
    ...{ which: 'newest', host: 'test', target: { kind: 'collection', collection: 'reports' } },
    ...{ database: { host, port }, oplogReader: null, archives: [], caches: [], typed: null, afterwards: null },
    ...{ signal: NEVER, progress: () => undefined },
  })
  await expect(restore).rejects.toThrow()
  const dump = '/staged/database/pacs'
  expect(await readFile(at('asked'), 'utf8')).toMatch(
    `--include ${dump}/reports.bson --include ${dump}/reports.metadata.json\n`,
  )
})

const GIB = 1024 ** 3

it.each([
  // Blocks of 1 GiB.
  ['5 % of a small disk', 40, 10, 8],
  ['10 GiB of a large one', 1000, 100, 90],
  ['all that is left of it', 1000, 4, 0],
])('a backup leaves %s to what lives there', (_what, blocks, bavail, usable) => {
  expect(usableOf({ blocks, bavail, bsize: GIB })).toBe(usable * GIB)
})

describe('a repository on this server', () => {
  const backup = { id: contents.id, host: 's1', startedAt: contents.startedAt, bytes: HUGE, snapshots: [] }
  const ask = async (held: (typeof backup)[], images: number, location?: string) => {
    await using place = await mkdtempDisposable(join(tmpdir(), 'room-'))
    const restic = new Restic(
      '/bin/false',
      { location: location ?? place.path, passwordFile: '/password' },
      '/bin',
      '/',
    )
    await refuseFullRepository(restic, 's1', held, place.path, images)
  }

  it('is not filled by what the last backup did not hold', async () => {
    await expect(ask([backup], 2 * HUGE)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^the backup adds about 4294967296 MiB to .* BACKUP_REPOSITORY /),
    })
    await expect(ask([{ ...backup, host: 's2' }], HUGE)).rejects.toMatchObject({ kind: 'refused' })
  })

  it('takes one of which another that was cut since the last has stored a part', async () => {
    await using place = await mkdtempDisposable(join(tmpdir(), 'room-'))
    const [location, staged] = [join(place.path, 'repository'), join(place.path, 'staged')]
    for (const directory of [location, staged, join(location, 'snapshots'), join(location, 'data')]) {
      await mkdir(directory)
    }
    const part = 8 * 1024 ** 4
    const at = (hour: number) => new Date(Date.UTC(2026, 10, 24, hour))
    const lay = async (name: string, bytes: number, hour: number) => {
      await using file = await open(join(location, name), 'a')
      // A hole takes no room.
      await file.truncate(bytes)
      await file.utimes(new Date(), at(hour))
    }
    await lay('snapshots/whole', 1, 10)
    const whole = { id: 'whole', hostname: 's1', tags: ['part=contents'], paths: [] }
    const last = { ...backup, snapshots: [whole] }
    const restic = new Restic('/bin/false', { location, passwordFile: '/password' }, '/bin', place.path)
    const next = () => refuseFullRepository(restic, 's1', [last], staged, HUGE + part)
    // Its own packs say nothing: they are as large as they are for what came before.
    await lay('data/pack', part, 9)
    await expect(next()).rejects.toMatchObject({ kind: 'refused' })
    await lay('data/pack', part, 11)
    await next()
    // Retention rewrites packs once a backup is whole, and adds nothing by that.
    await noteHeld(restic, new Set([backup.id]))
    const [note = expect.unreachable()] = (await readdir(place.path)).filter((name) => name.startsWith('held-'))
    await utimes(join(place.path, note), new Date(), at(12))
    await expect(next()).rejects.toMatchObject({ kind: 'refused' })
    await lay('data/later', part, 13)
    await next()
  })

  it('takes one that holds little more than the last, and what is stored elsewhere is not its matter', async () => {
    await ask([backup], HUGE)
    await ask([backup], HUGE / 2)
    await ask([], HUGE, 'sftp:backup@there:/backups')
  })
})
