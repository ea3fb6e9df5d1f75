import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { Failure, refused, replaceFile } from '../lib/index.ts'
import type { ArchiveContents } from './contents.ts'
import { askDocker, type Docker } from './docker.ts'
import { OrthancIndex } from './orthanc-index.ts'

/** An Orthanc with SQLite: its container and the volume that holds index and files. */
export interface ArchiveSource {
  service: string
  container: string
  volume: string
}

/** SQLite's file and what may lie beside it. */
export const INDEX_FILES = ['index', 'index-wal', 'index-shm', 'index-journal'] as const
/** Where Orthanc's image keeps its storage within the volume. */
const STORAGES = ['', 'db'] as const

/**
 * Copies the index of a running Orthanc to `directory` while it is paused, and counts what it names. Files are never changed
 * once written: a reader of the volume finds all of them afterwards, but those of studies deleted since.
 * @param marker a file that names the paused container as long as it is, for {@link resumePaused}
 */
export async function copyIndex(
  docker: Docker,
  source: ArchiveSource,
  directory: string,
  marker: string,
): Promise<ArchiveContents> {
  const { service, container, volume } = source
  const mount = await mountOf(docker, container, volume)
  const storage = await findStorage(docker, container, mount, directory)
  await replaceFile(marker, container, 0o600)
  const at = new Date()
  try {
    await pause(docker, container)
    for (const file of INDEX_FILES)
      await copyIfThere(docker, container, join(mount, storage, file), join(directory, file))
  } finally {
    await resumePaused(docker, marker, container)
  }
  const paused = (Date.now() - at.getTime()) / 1000
  using index = new OrthancIndex(join(directory, 'index'))
  const damage = index.check()
  if (damage.length > 0) throw new Failure('error', `the index of ${service} is damaged: ${damage[0]}`)
  return { service, volume, storage, ...index.counts(), at: at.toISOString(), paused }
}

/** The paths in a volume that are stored from the copy made at one moment, never from the running service. */
export function liveIndexFiles(storage: string): string[] {
  return INDEX_FILES.map((file) => join(storage, file))
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
  throw refused(`${container} keeps no SQLite index in its volume: only that kind of Orthanc's index is carried`)
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
