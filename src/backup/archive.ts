import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { Failure, refused, replaceFile } from '../lib/index.ts'
import type { ArchiveContents } from './contents.ts'
import { askDocker, type Docker } from './docker.ts'
import { databaseBytes, dumpIndex, type IndexDatabase, someFiles } from './index-database.ts'
import { SqliteIndex } from './sqlite-index.ts'

/** An Orthanc: its container, the volume that holds its files, and where its index is. */
export interface ArchiveSource {
  service: string
  container: string
  volume: string
  /** The PostgreSQL with its index, and the service that it is; null where the volume holds the index as a file of SQLite. */
  index: (IndexDatabase & { service: string }) | null
}

const NONE: ArchiveContents['deleted'] = { files: 0, names: [] }

/** SQLite's file and what may lie beside it. */
export const INDEX_FILES = ['index', 'index-wal', 'index-shm', 'index-journal'] as const
/** The dump of an index in PostgreSQL. */
export const INDEX_DUMP = 'index.dump'
/** Where Orthanc's image keeps its storage within the volume. */
const STORAGES = ['', 'db'] as const

/** Bytes that a copy of the index of a running Orthanc may take; 0 where its container cannot tell. */
export async function roomForIndex(
  docker: Docker,
  { container, volume, index }: ArchiveSource,
  signal: AbortSignal,
): Promise<number> {
  if (index !== null) return databaseBytes(docker, index, signal)
  const mount = await mountOf(docker, container, volume)
  const files = STORAGES.flatMap((storage) => INDEX_FILES.map((file) => join(mount, storage, file)))
  // It ends with 1 for those that are not there.
  const { stdout } = await docker(['exec', container, 'stat', '-c', '%s', ...files], { signal })
  // What lies beside SQLite's file is taken into it when the copy is opened.
  return 2 * stdout.split('\n').reduce((sum, line) => sum + (Number(line) || 0), 0)
}

/**
 * Copies the index of a running Orthanc to `directory` and counts what it names: SQLite's file while Orthanc is paused, PostgreSQL's by
 * a dump of one snapshot. Files are never changed once written: a reader of the volume finds all of them afterwards, but those of
 * studies deleted since, which {@link findDeleted} finds out.
 * @param names where the list of files goes that it names @param marker a file that names the paused container as long as it is, for {@link resumePaused}
 */
export async function copyIndex(
  docker: Docker,
  source: ArchiveSource,
  directory: string,
  names: string,
  marker: string,
  signal: AbortSignal,
): Promise<ArchiveContents> {
  return source.index === null
    ? copySqlite(docker, source, directory, names, marker)
    : copyDump(docker, source, source.index, directory, names, signal)
}

async function copyDump(
  docker: Docker,
  { service, container, volume }: ArchiveSource,
  index: NonNullable<ArchiveSource['index']>,
  directory: string,
  names: string,
  signal: AbortSignal,
): Promise<ArchiveContents> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const at = new Date().toISOString()
  const { counts, tables } = await dumpIndex(docker, index, join(directory, INDEX_DUMP), names, signal)
  const storage = await findFiles(docker, container, await mountOf(docker, container, volume), index)
  const { database, user } = index
  const bytes = await databaseBytes(docker, index, signal)
  return {
    service,
    volume,
    storage,
    ...counts,
    index: { service: index.service, database, user, tables, bytes },
    deleted: NONE,
    at,
    paused: 0,
  }
}

/** How many files that the index names are looked for in the volume: the first may be deleted at that time. */
const SOME = 20

/** Where in its volume an Orthanc keeps the files that its index names. */
async function findFiles(docker: Docker, container: string, mount: string, index: IndexDatabase): Promise<string> {
  const paths = await someFiles(docker, index, SOME)
  const finds = async (...test: string[]) => {
    const { code, stderr } = await docker(['exec', container, 'test', ...test])
    // What `test` itself answers, it answers in silence.
    if (code !== 0 && stderr !== '')
      throw new Failure('error', `${container} cannot be asked for its files: ${stderr.trim()}`)
    return code === 0
  }
  for (const path of paths) {
    for (const storage of STORAGES) if (await finds('-f', join(mount, storage, path))) return storage
  }
  if (paths.length === 0) return (await finds('-d', join(mount, 'db'))) ? 'db' : ''
  throw refused(
    `the index of ${container} names files, and its volume at ${mount} holds none of them: it keeps them elsewhere`,
  )
}

async function copySqlite(
  docker: Docker,
  source: ArchiveSource,
  directory: string,
  names: string,
  marker: string,
): Promise<ArchiveContents> {
  const { service, container, volume } = source
  const mount = await mountOf(docker, container, volume)
  const storage = await findStorage(docker, container, mount, directory)
  const copied = await copyPaused(docker, container, mount, storage, directory, marker)
  await using index = new SqliteIndex(join(directory, 'index'))
  const damage = await index.check()
  if (damage.length > 0) throw new Failure('error', `the index of ${service} is damaged: ${damage[0]}`)
  await index.listFiles(names)
  return { service, volume, storage, ...(await index.counts()), index: null, deleted: NONE, ...copied }
}

/** Copies SQLite's file of a running Orthanc. @returns when, and for how many seconds it was paused */
export async function copyPaused(
  docker: Docker,
  container: string,
  mount: string,
  storage: string,
  directory: string,
  marker: string,
): Promise<Pick<ArchiveContents, 'at' | 'paused'>> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await replaceFile(marker, container, 0o600)
  const at = new Date()
  try {
    await pause(docker, container)
    for (const file of INDEX_FILES)
      await copyIfThere(docker, container, join(mount, storage, file), join(directory, file))
  } finally {
    await resumePaused(docker, marker, container)
  }
  return { at: at.toISOString(), paused: (Date.now() - at.getTime()) / 1000 }
}

/** The paths in a volume that are stored from the copy made at one moment, never from the running service. */
export function liveIndexFiles({ storage, index }: ArchiveContents): string[] {
  return index !== null ? [] : INDEX_FILES.map((file) => join(storage, file))
}

const mountsSchema = z.array(z.object({ Name: z.string().optional(), Destination: z.string() }))

export async function mountOf(docker: Docker, container: string, volume: string): Promise<string> {
  const text = await askDocker(docker, ['container', 'inspect', '--format', '{{json .Mounts}}', container])
  const mount = mountsSchema.parse(JSON.parse(text)).find(({ Name }) => Name === volume)
  if (mount === undefined) throw refused(`the container ${container} does not use the volume ${volume}`)
  return mount.Destination
}

async function findStorage(docker: Docker, container: string, mount: string, directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const probe = join(directory, 'probe')
  for (const storage of STORAGES) {
    const found = await copyIfThere(docker, container, join(mount, storage, 'index'), probe)
    await rm(probe, { force: true })
    if (found) return storage
  }
  throw refused(
    `${container} keeps no index of SQLite in its volume: where a PostgreSQL of the stack has it, x-pacs.data.index says so`,
  )
}

/** Copies the index of an archive that nobody uses. @returns where in the volume it lay, null when there is none */
export async function copyIndexOut(docker: Docker, source: ArchiveSource, directory: string): Promise<string | null> {
  const mount = await mountOf(docker, source.container, source.volume)
  for (const storage of STORAGES) {
    if (!(await copyIfThere(docker, source.container, join(mount, storage, 'index'), join(directory, 'index'))))
      continue
    for (const file of INDEX_FILES.slice(1)) {
      await copyIfThere(docker, source.container, join(mount, storage, file), join(directory, file))
    }
    return storage
  }
  return null
}

async function copyIfThere(docker: Docker, container: string, from: string, to: string): Promise<boolean> {
  const { code, stderr } = await docker(['cp', `${container}:${from}`, to])
  if (code === 0) return (await stat(to)).isFile()
  if (/no such file|could not find the file|not found/i.test(stderr)) return false
  throw new Failure(
    'error',
    `docker cp of ${from} from ${container} ended with ${code}: ${stderr.trim().split('\n').at(-1)}`,
  )
}

/** A kernel that is busy does not always get a container frozen in the time that the engine allows; nothing is paused then. */
const PAUSE_ATTEMPTS = 5
const BETWEEN_PAUSES = 1000

async function pause(docker: Docker, container: string): Promise<void> {
  for (let attempt = 1; attempt < PAUSE_ATTEMPTS; attempt++) {
    const { code, stderr } = await docker(['pause', container])
    if (code === 0) return
    if (!/unable to freeze/i.test(stderr)) break
    await sleep(BETWEEN_PAUSES)
  }
  await askDocker(docker, ['pause', container])
}

/** Lets a paused container run on; one that runs already is none the worse. @throws Failure that says what to type */
export async function resumePaused(docker: Docker, marker: string, container: string): Promise<void> {
  const { code, stderr } = await docker(['unpause', container])
  if (code !== 0 && !/is not paused|no such container/i.test(stderr)) {
    throw new Failure('failed', `${container} is still paused (${stderr.trim()}): type docker unpause ${container}`)
  }
  await rm(marker, { force: true })
}
