import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { counted, Failure, messageOf, refused } from '../lib/index.ts'
import { type ArchiveSource, copyIndexOut, INDEX_FILES, mountOf } from './archive.ts'
import { askRedis, type CacheSource } from './cache.ts'
import type { ArchiveContents } from './contents.ts'
import { askDocker, type Docker, runContainer } from './docker.ts'
import { restoreIndex, studiesIn } from './index-database.ts'
import type { RestoredFiles } from './restored-files.ts'
import { SqliteIndex } from './sqlite-index.ts'
import { BACKUP_LABEL, fillVolume, type VolumeReader } from './volume-reader.ts'

/** @returns why an archive cannot be restored into: it must hold no study. Null when it can. */
export async function archiveRefusal(docker: Docker, source: ArchiveSource, scratch: string): Promise<string | null> {
  const studies = await studiesHeld(docker, source, scratch)
  return studies === 0
    ? null
    : `${source.service} holds ${counted(studies, 'study', 'studies')}: everything is restored into an empty server only`
}

/** How many studies an archive holds. @param scratch a folder that is made anew for a copy of its index */
export async function studiesHeld(docker: Docker, source: ArchiveSource, scratch: string): Promise<number> {
  return source.index === null ? sqliteStudies(docker, source, scratch) : studiesIn(docker, source.index)
}

/** How often an index that is written meanwhile is copied, and how many milliseconds lie between. */
const LOOKS = 5
const BETWEEN_LOOKS = 500

async function sqliteStudies(docker: Docker, source: ArchiveSource, scratch: string): Promise<number> {
  for (let look = 1; ; look++) {
    await rm(scratch, { recursive: true, force: true })
    await mkdir(scratch, { recursive: true, mode: 0o700 })
    if ((await copyIndexOut(docker, source, scratch)) === null) return 0
    try {
      await using index = new SqliteIndex(join(scratch, 'index'))
      return (await index.counts()).studies
    } catch (thrown) {
      // Of one that Orthanc makes, or brings up to date, its file and what stands beside it were copied from before and after.
      if (look === LOOKS)
        throw refused(`the index of ${source.service} cannot be read: ${messageOf(thrown)}; ask again once it is up`)
    }
    await delay(BETWEEN_LOOKS)
  }
}

/** @returns why an index in the backup cannot be the one of this archive. Null when it can. */
export function indexRefusal(
  { index: stored }: ArchiveContents,
  { service, index: live }: ArchiveSource,
): string | null {
  if ((stored === null) === (live === null)) return null
  const kind = (index: unknown) => (index === null ? 'SQLite' : 'PostgreSQL')
  return `${service} keeps its index in ${kind(live)} here, the backup holds one of ${kind(stored)}: restore it onto a stack that keeps it there, or its studies one by one`
}

/** Restores the files and the index of an archive, whose container is the caller's to stop before and to start after it. */
export async function restoreArchive(
  reader: VolumeReader,
  source: ArchiveSource,
  wanted: ArchiveContents,
  snapshot: string,
  files: RestoredFiles,
): Promise<void> {
  const { docker, signal } = reader
  const { container, volume, service } = source
  if (source.index !== null) {
    await fillVolume(reader, snapshot, wanted, volume)
    return restoreIndex(docker, source.index, files.indexDump(service), signal)
  }
  const index = files.index(service)
  const place = join(await mountOf(docker, container, volume), wanted.storage)
  await fillVolume(reader, snapshot, wanted, volume)
  // What the empty one had beside its index would be replayed into ours.
  const owned = INDEX_FILES.map((file) => join('/restored', wanted.storage, file))
  await inVolume(docker, container, volume, 'rm', ['-f', ...owned])
  const copied: string[] = []
  for (const file of INDEX_FILES) {
    const from = join(index, '..', file)
    const there = await askDocker(docker, ['cp', from, `${container}:${join(place, file)}`]).then(
      () => true,
      (thrown: unknown) => {
        if (file === 'index') throw thrown
        return false
      },
    )
    if (there) copied.push(join('/restored', wanted.storage, file))
  }
  await inVolume(docker, container, volume, 'chown', [`--reference=${join('/restored', wanted.storage)}`, ...copied])
}

/** @returns why a cache cannot be restored into: it must be empty. Null when it can. */
export async function cacheRefusal(docker: Docker, source: CacheSource, signal: AbortSignal): Promise<string | null> {
  const keys = await keysHeld(docker, source, signal)
  return keys === 0 ? null : `${source.service} holds ${keys} keys: everything is restored into an empty server only`
}

/** How many keys a cache holds that runs. */
export async function keysHeld(docker: Docker, source: CacheSource, signal: AbortSignal): Promise<number> {
  // The user of backups may ask INFO, and not DBSIZE.
  const said = await askRedis(docker, source, ['INFO', 'keyspace'], signal)
  return [...said.matchAll(/^db\d+:keys=(\d+)/gm)].reduce((sum, [, held]) => sum + Number(held), 0)
}

/**
 * Restores a saved file as the base of an append-only file: Redis reads no other where it is told to append.
 * Its container is the caller's to stop before and to start after it.
 */
export async function restoreCache(docker: Docker, source: CacheSource, file: string, scratch: string): Promise<void> {
  const { container } = source
  const volume = await volumeAt(docker, container, '/data')
  await rm(scratch, { recursive: true, force: true })
  const directory = join(scratch, 'appendonlydir')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await copyFile(file, join(directory, 'appendonly.aof.1.base.rdb'))
  await writeFile(join(directory, 'appendonly.aof.manifest'), 'file appendonly.aof.1.base.rdb seq 1 type b\n')
  await inVolume(docker, container, volume, 'rm', ['-rf', '/restored/appendonlydir', '/restored/dump.rdb'])
  await askDocker(docker, ['cp', directory, `${container}:/data/appendonlydir`])
  await askDocker(docker, ['cp', file, `${container}:/data/dump.rdb`])
  const owned = ['-R', '--reference=/restored', '/restored/appendonlydir', '/restored/dump.rdb']
  await inVolume(docker, container, volume, 'chown', owned)
}

async function volumeAt(docker: Docker, container: string, destination: string): Promise<string> {
  const format = `{{range .Mounts}}{{if eq .Destination "${destination}"}}{{.Name}}{{end}}{{end}}`
  const volume = await askDocker(docker, ['container', 'inspect', '--format', format, container])
  if (volume === '') throw refused(`the container ${container} keeps no volume at ${destination}`)
  return volume
}

/** Runs one program of a service's own image as root on its volume, without a network. */
async function inVolume(docker: Docker, container: string, volume: string, program: string, args: string[]) {
  const image = await askDocker(docker, ['container', 'inspect', '--format', '{{.Image}}', container])
  const { code, stderr } = await runContainer(docker, [
    ...['--label', BACKUP_LABEL, '--network', 'none', '--user', '0:0', '--entrypoint', program],
    ...['--mount', `type=volume,src=${volume},dst=/restored`, image, ...args],
  ])
  if (code !== 0) throw new Failure('error', `${program} in the volume ${volume} ended with ${code}: ${stderr.trim()}`)
}
