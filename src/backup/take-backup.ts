import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { emptyDirectory, refused, sideBySide, together } from '../lib/index.ts'
import { besideNoMigration } from '../migrations/index.ts'
import { type ArchiveSource, copyIndex, liveIndexFiles, resumePaused, roomForIndex } from './archive.ts'
import { refuseFullRepository, refuseLittleRoom } from './backup-room.ts'
import { type CacheSource, readCache, type SavedCache, saveCache } from './cache.ts'
import { arrange, idTag, newBackupId, PART, partsTag, sizeTag, type Tagged } from './catalogue.ts'
import type { ArchiveContents, CacheContents, Contents, DatabaseContents, Moment, OplogContents } from './contents.ts'
import { connectDatabase, type DatabaseAddress, databaseGone } from './database.ts'
import { findDeleted } from './deleted-meanwhile.ts'
import type { Docker } from './docker.ts'
import { diskFull, dumpDatabase } from './dump.ts'
import { copyFolder, type FolderSource } from './folders.ts'
import { noteHeld, refuseGone } from './held-backups.ts'
import { keepOplog } from './keep-oplog.ts'
import { oplogInstant, oplogTime } from './oplog-time.ts'
import {
  copyToSecond,
  makeRepository,
  notYetCopied,
  openRepository,
  type Pruning,
  prune,
  type SecondCopy,
} from './repository.ts'
import { type Repository, Restic, type Stored } from './restic.ts'
import { OPLOG_FILE } from './restored-files.ts'
import type { Retention } from './retention.ts'
import { ensureResticImage, removeVolumeReaders, storeVolume } from './volume-reader.ts'

/** The programs that backups, verification and restore call, and the environment they get. */
export interface Tools {
  docker: Docker
  /** The static program restic. */
  restic: string
  /** PATH of restic's own children (ssh for SFTP). */
  path: string
  /** Where restic caches indexes of remote repositories. */
  cache: string
}

interface DatabaseSource {
  service: string
  database: string
  address: DatabaseAddress
}

export interface BackupRequest {
  tools: Tools
  /** A directory of backups alone, 0700; it is emptied before and after. */
  work: string
  repository: Repository
  second: Repository | null
  retention: Retention
  /** The server's name, by which restic groups snapshots. */
  host: string
  /** What runs there, as it is recorded. */
  instance: string | null
  versions: Readonly<Record<string, string>>
  database: DatabaseSource | null
  archives: readonly ArchiveSource[]
  caches: readonly CacheSource[]
  folders: readonly FolderSource[]
  /** What the repository holds, null where there is none yet: given by a caller that has just asked. */
  held?: readonly Tagged[] | null
  /** Ends it; once the backup is whole, only what follows. */
  signal: AbortSignal
  /** Leaves the second repository, whose copy may take a day, to the next backup. */
  copyLater?: boolean
  /** One line for people: what, and how far. */
  progress: (line: string) => void
  /** Told that the backup is whole: retention and the copy to the second repository follow, which may take a day. */
  onWhole?: (backup: Omit<BackupResult, 'pruning'>) => Promise<void>
}

export interface BackupResult {
  contents: Contents
  pruning: Pruning
  /** Null where no second repository is configured. */
  second: SecondCopy | null
}

/**
 * Takes one backup of everything that is asked for and stores it; the caller holds the server's lock, and nobody the lease of the database.
 * Caches come first, then the database, then the archives: a study that a record names was there when the record was read.
 * @throws Failure: nothing of a backup that failed counts as one, the work directory is empty, and no container is left paused
 */
export async function takeBackup(request: BackupRequest): Promise<BackupResult> {
  const { work, signal, tools } = request
  if (request.database === null && request.archives.length === 0 && request.caches.length === 0) {
    throw refused('nothing to back up: no service of the stack says that it holds data (x-pacs.data)')
  }
  await clearLeftovers(tools.docker, work)
  try {
    const first = new Restic(tools.restic, request.repository, tools.path, tools.cache)
    // Made once on a server, which takes seconds: beside what is collected. Only archives have volumes to read.
    const image =
      request.archives.length === 0 ? Promise.resolve('') : ensureResticImage(tools.docker, tools.restic, work)
    image.catch(() => undefined)
    const opening = prepareRepository(request, first)
    opening.catch(() => undefined)
    const [{ contents, snapshots }, held] = await together([
      collectAndStore(request, first, opening, image),
      opening,
      image,
    ])
    const { complete } = arrange([...held, ...snapshots])
    await noteHeld(first, new Set(complete.map(({ id }) => id)))
    const second = request.second && new Restic(tools.restic, request.second, tools.path, tools.cache)
    await request.onWhole?.({ contents, second: second && (await notYetCopied(second, complete)) })
    const pruning = await prune(first, request.retention, contents, signal)
    const forgotten = new Set(pruning.outcome === 'done' ? pruning.forgotten : [])
    const kept = complete.filter(({ id }) => !forgotten.has(id))
    // Anew: what retention rewrote is nothing that a later backup had stored.
    await noteHeld(first, new Set(kept.map(({ id }) => id)))
    if (second === null) return { contents, pruning, second }
    if (request.copyLater) {
      return {
        contents,
        pruning,
        second: await notYetCopied(second, kept, 'the copy is left to the next nightly backup'),
      }
    }
    return {
      contents,
      pruning,
      second: await copyToSecond(first, second, kept, tools.docker, request.retention, contents, signal),
    }
  } catch (thrown) {
    throw databaseGone(diskFull(thrown, work), 'no backup is kept; ask again')
  } finally {
    await clearLeftovers(tools.docker, work)
  }
}

const PAUSED = 'paused'

/** Undoes what a killed backup left: a paused container, readers of volumes, half a dump. To be called when the agent starts, too. */
export async function clearLeftovers(docker: Docker, work: string): Promise<void> {
  await mkdir(work, { recursive: true, mode: 0o700 })
  const left = await readdir(work)
  if (left.includes(PAUSED)) {
    const marker = join(work, PAUSED)
    await resumePaused(docker, marker, await readFile(marker, 'utf8'))
  }
  await removeVolumeReaders(docker)
  await emptyDirectory(work)
}

/** Has the repository ready to be written. @returns what it holds */
async function prepareRepository({ held, tools, signal }: BackupRequest, restic: Restic): Promise<readonly Tagged[]> {
  const there = held === undefined ? await openRepository(restic, tools.docker, signal) : held
  if (there === null) {
    await refuseGone(restic)
    await makeRepository(restic)
  }
  return there ?? []
}

/** @param opening ends when the repository can be written @returns what was stored, and as which snapshots */
async function collectAndStore(
  request: BackupRequest,
  first: Restic,
  opening: Promise<readonly Tagged[]>,
  image: Promise<string>,
): Promise<{ contents: Contents; snapshots: Tagged[] }> {
  const { tools, work, signal, host, progress } = request
  const startedAt = new Date()
  const id = newBackupId(startedAt)
  const staged = join(work, 'staged')
  await mkdir(staged, { mode: 0o700 })

  const saved = await saveCaches(request, staged)
  const [caches, { database, copied, folders }] = await together([
    sideBySide(1, saved, (one) => readCache(tools.docker, one)),
    collect(request, startedAt, staged, first, opening),
  ])

  const images = copied.reduce((sum, { archive }) => sum + archive.bytes, 0)
  await refuseFullRepository(first, host, arrange(await opening).complete, staged, images)
  progress('storing')
  const tags = (part: string) => [idTag(id), part]
  const storeVolumes = async () => {
    const reader = { docker: tools.docker, image: await image, repository: request.repository, host, signal }
    return sideBySide(1, copied, async ({ source, archive, names }) => {
      const { volume, service } = archive
      progress(`${service}: storing the files`)
      const stored = await storeVolume(reader, archive, liveIndexFiles(archive), tags(PART.volume))
      const found = await findDeleted(tools.docker, source, archive, names, join(work, PAUSED), signal)
      return { volume, archive: found, ...stored }
    })
  }
  const [stored, volumes, restic] = await together([
    first.backup([staged], tags(PART.work), host, { signal }),
    storeVolumes(),
    first.version(),
  ])
  const archives = volumes.map(({ archive }) => archive)
  const sum = (of: (part: Stored) => number) => [stored, ...volumes].reduce((total, part) => total + of(part), 0)
  const read = sum(({ bytesRead }) => bytesRead)
  const contents: Contents = {
    schema: 1,
    id,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    host,
    instance: request.instance,
    versions: { ...request.versions, restic },
    oneMoment: describeMoment(database, archives, caches),
    database,
    archives,
    caches,
    folders,
    snapshots: { work: stored.snapshot, volumes: volumes.map(({ volume, snapshot }) => ({ volume, snapshot })) },
    stored: { read, added: sum(({ bytesAdded }) => bytesAdded) },
  }
  const file = join(work, 'contents.json')
  await writeFile(file, JSON.stringify(contents), { mode: 0o600, flush: true })
  const parts = 1 + volumes.length
  const last = await first.backup([file], [...tags(PART.contents), sizeTag(read), partsTag(parts)], host, { signal })
  const snapshots = [
    { id: stored.snapshot, hostname: host, tags: tags(PART.work), paths: [staged] },
    ...volumes.map(({ snapshot }) => ({ id: snapshot, hostname: host, tags: tags(PART.volume), paths: [] })),
    { id: last.snapshot, hostname: host, tags: tags(PART.contents), paths: [file] },
  ]
  return { contents, snapshots }
}

async function saveCaches(request: BackupRequest, staged: string): Promise<SavedCache[]> {
  return sideBySide(1, request.caches, async (source) => {
    request.progress(`${source.service}: saving`)
    const directory = join(staged, 'caches', source.service)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return saveCache(request.tools.docker, source, join(directory, 'dump.rdb'), request.signal)
  })
}

/** The index of an archive as it was copied. */
interface CopiedIndex {
  source: ArchiveSource
  archive: ArchiveContents
  /** The list of the files that it names. */
  names: string
}

/** The database, then the archives, then the folders. */
async function collect(
  request: BackupRequest,
  startedAt: Date,
  staged: string,
  first: Restic,
  opening: Promise<readonly Tagged[]>,
): Promise<Pick<Contents, 'database' | 'folders'> & { copied: CopiedIndex[] }> {
  const { tools, work, signal, progress } = request
  const rooms = await sideBySide(1, request.archives, (source) => roomForIndex(tools.docker, source, signal))
  const indexes = rooms.reduce((sum, bytes) => sum + bytes, 0)
  const database = await collectDatabase(request, startedAt, staged, first, opening, indexes)
  // Nobody is paused for a repository that cannot be written.
  await opening
  const copied = await sideBySide(1, request.archives, async (source) => {
    progress(`${source.service}: copying the index`)
    const directory = join(staged, 'archives', source.service)
    const names = join(work, `files-of-${source.service}`)
    return {
      source,
      names,
      archive: await copyIndex(tools.docker, source, directory, names, join(work, PAUSED), signal),
    }
  })
  const folders = await sideBySide(1, request.folders, async (source) => {
    await mkdir(join(staged, 'folders'), { recursive: true, mode: 0o700 })
    return copyFolder(source, join(staged, 'folders', source.name))
  })
  return { database, copied, folders }
}

/** @param indexes bytes that are dumped beside it afterwards */
async function collectDatabase(
  request: BackupRequest,
  startedAt: Date,
  staged: string,
  first: Restic,
  opening: Promise<readonly Tagged[]>,
  indexes: number,
): Promise<DatabaseContents | null> {
  const { database: source, signal, progress } = request
  if (source === null) {
    await refuseLittleRoom(indexes, staged)
    return null
  }
  const started = performance.now()
  const directory = join(staged, 'database')
  await mkdir(directory, { mode: 0o700 })
  const client = await connectDatabase(source.address)
  try {
    const db = client.db(source.database)
    await refuseLittleRoom((await dataSize(db)) + indexes, directory)
    const onProgress = (collection: string, documents: number) => progress(`${collection}: ${documents} documents`)
    const dump = await besideNoMigration(db, { host: request.host, signal, onWait: progress }, () =>
      dumpDatabase({ client, database: source.database, directory, signal, onProgress }),
    )
    const file = join(staged, OPLOG_FILE)
    const keeping = { client, restic: first, host: request.host, startedAt, held: opening, file, signal }
    const oplog = await keepOplog(keeping, dump)
    return { service: source.service, ...dump, oplog, seconds: (performance.now() - started) / 1000 }
  } finally {
    await client.close()
  }
}

async function dataSize(db: { command(command: object): Promise<Record<string, unknown>> }): Promise<number> {
  const { dataSize: bytes } = await db.command({ dbStats: 1 })
  return typeof bytes === 'number' ? bytes : 0
}

function describeMoment(
  database: DatabaseContents | null,
  archives: readonly ArchiveContents[],
  caches: readonly CacheContents[],
): string[] {
  const lines: string[] = []
  if (database !== null) {
    lines.push(`${database.database}: ${databaseMoment(database.moment)}`)
    if (database.moment.kind === 'snapshot') lines.push(`${database.database}: ${oplogText(database.oplog)}`)
  }
  for (const { service, at, files, deleted } of archives) {
    lines.push(`${service}: index as of ${at}; ${deletedText(files, deleted)}`)
  }
  for (const { service, at } of caches) lines.push(`${service}: as of shortly after ${at}`)
  if (archives.length + caches.length > 0 && lines.length > 1)
    lines.push('the parts are not of one moment; each later part knows what the earlier ones name')
  return lines
}

function deletedText(files: number, deleted: ArchiveContents['deleted']): string {
  if (deleted.unknown !== undefined) {
    return `which of its ${files} files were deleted before all were read is not known: the live index could not be asked: ${deleted.unknown}`
  }
  const named = deleted.names.length < deleted.files ? `, the first ${deleted.names.length} of which are named` : ''
  return `of its ${files} files ${deleted.files === 0 ? 'none' : deleted.files} were deleted before all were read${named}`
}

function oplogText(oplog: OplogContents): string {
  return oplog.kind === 'kept'
    ? `its oplog is kept from ${oplogInstant(oplogTime(oplog.from))} on, for restores to a moment between`
    : `no oplog is kept with it, so that no moment before it can be had by it: ${oplog.why}`
}

function databaseMoment(moment: Moment): string {
  return moment.kind === 'snapshot'
    ? `all collections as of cluster time ${moment.clusterTime}`
    : `each collection as it was read, between ${moment.from} and ${moment.to} (${moment.why})`
}
