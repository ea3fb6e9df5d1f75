import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ENDED_FIRST, refused } from '../lib/index.ts'
import type { ArchiveContents } from './contents.ts'
import { askDocker, type Docker, runContainer } from './docker.ts'
import { fileHash } from './file-hash.ts'
import { isLocal, PROGRESS_RATE, parseStored, type Repository, type Stored } from './restic.ts'
import { onlyVanished, resticFailure } from './restic-failures.ts'
import { writeTar } from './single-file-tar.ts'

/** All containers of backups carry this label; none outlives its backup. */
export const BACKUP_LABEL = 'pacs.backup'

/**
 * The host name of a server's containers, by which the locks that they hold in a repository are known: its own, since only it can tell
 * whether such a lock is a dead one's. A hash, since a host name has 63 letters at most.
 */
export function readerHost(server = hostname()): string {
  return `pacs-volume-reader-${createHash('sha256').update(server).digest('hex').slice(0, 12)}`
}

/** Volumes belong to root and to the services' users: a container that holds nothing but restic reads them, so that the caller need not be root. */
export interface VolumeReader {
  docker: Docker
  /** The image that {@link ensureResticImage} made. */
  image: string
  repository: Repository
  host: string
  signal: AbortSignal
}

/** Makes the image `FROM scratch` with the static program restic, unless it is here. @returns its name */
export async function ensureResticImage(docker: Docker, binary: string, scratch: string): Promise<string> {
  const name = `pacs-restic:${(await fileHash(binary, 'sha256')).slice(0, 12)}`
  if ((await docker(['image', 'inspect', '--format', 'here', name])).code === 0) return name
  const file = join(scratch, 'restic-image.tar')
  try {
    await writeTar(file, 'restic', binary)
    await askDocker(docker, ['import', '--change', 'ENTRYPOINT ["/restic"]', file, name])
  } finally {
    await rm(file, { force: true })
  }
  return name
}

/** A volume, and what of it is known. */
type Held = Pick<ArchiveContents, 'volume' | 'files' | 'bytes'>

/** Stores a volume as one snapshot whose path is `/volumes/<volume>`. @param excludes paths in the volume that are stored another way */
export async function storeVolume(
  reader: VolumeReader,
  held: Held,
  excludes: readonly string[],
  tags: readonly string[],
): Promise<Stored> {
  const { volume } = held
  const path = `/volumes/${volume}`
  await refuseMissing(reader.docker, volume)
  const output = await runRestic(reader, held, [`type=volume,src=${volume},dst=${path},readonly`], READING, [
    ...['backup', '--json', '--host', reader.host],
    ...tags.flatMap((tag) => ['--tag', tag]),
    ...excludes.flatMap((one) => ['--exclude', `${path}/${one}`]),
    path,
  ])
  return parseStored(output)
}

/** Writes a stored volume into an empty one, with its owners and modes. */
export async function fillVolume(reader: VolumeReader, snapshot: string, held: Held, as = held.volume): Promise<void> {
  const mount = `type=volume,src=${as},dst=/restored/volumes/${held.volume}`
  // restic sets the modes of the directories above the volume, too: they need a place that can be written.
  const above = 'type=tmpfs,dst=/restored'
  await runRestic(reader, held, [above, mount], WRITING, ['restore', snapshot, '--target', '/restored'])
}

// Its mounts are read-only; not every engine can give DAC_READ_SEARCH.
const READING = ['DAC_OVERRIDE']
const WRITING = ['DAC_OVERRIDE', 'CHOWN', 'FOWNER', 'FSETID']

async function refuseMissing(docker: Docker, volume: string): Promise<void> {
  // Docker would make an empty one, and its backup would look well.
  if ((await docker(['volume', 'inspect', volume])).code !== 0)
    throw refused(`there is no volume ${volume} on this server`)
}

/** @returns why no volume is stored in a repository or comes from it. Null when it can. */
export function volumesRefusal({ location }: Repository): string | null {
  if (isLocal(location)) return null
  return 'volumes are stored in a repository on this server; put the one off the host into BACKUP_SECOND_REPOSITORY'
}

/** Bytes that restic may take, and of each piece that it knows, half as much again as was seen; and bytes of a piece of a file. */
const BASE = 1024 ** 3
const PER_PIECE = 1024
const PIECE = 1024 ** 2

/** Bytes of memory for a reader: restic keeps what it knows of a repository there. */
function memoryFor({ files, bytes }: Held): number {
  return BASE + PER_PIECE * (files + Math.ceil(bytes / PIECE))
}

async function runRestic(
  { docker, image, repository, signal }: VolumeReader,
  held: Held,
  mounts: readonly string[],
  capabilities: readonly string[],
  args: readonly string[],
): Promise<string> {
  const refusal = volumesRefusal(repository)
  if (refusal !== null) throw refused(refusal)
  const group = String(process.getgid?.() ?? 0)
  const { code, stdout, stderr } = await runContainer(
    docker,
    [
      ...['--label', BACKUP_LABEL, '--hostname', readerHost(), '--network', 'none', '--read-only', '--tmpfs', '/tmp'],
      ...['--memory', String(memoryFor(held)), '--oom-score-adj', String(ENDED_FIRST)],
      ...['--pids-limit', '256', '--cap-drop', 'ALL'],
      ...capabilities.flatMap((one) => ['--cap-add', one]),
      // The repository's group is the caller's, who keeps it afterwards.
      ...['--user', `0:${group}`, '--security-opt', 'no-new-privileges'],
      ...['-e', 'RESTIC_REPOSITORY=/repository', '-e', 'RESTIC_PASSWORD_FILE=/password'],
      ...['-e', `RESTIC_PROGRESS_FPS=${PROGRESS_RATE}`],
      ...['--mount', `type=bind,src=${repository.location},dst=/repository`],
      ...['--mount', `type=bind,src=${repository.passwordFile},dst=/password,readonly`],
      ...mounts.flatMap((mount) => ['--mount', mount]),
      ...[image, '--no-cache', ...args],
    ],
    { signal },
  )
  // A study may be deleted while it is read; whether it was one, the index is asked afterwards.
  if (code === 0 || onlyVanished(code, stderr)) return stdout
  throw resticFailure(repository.location, code, stderr || stdout).failure
}

/** Removes containers that a killed backup left behind. */
export async function removeVolumeReaders(docker: Docker): Promise<void> {
  const found = await listVolumeReaders(docker)
  if (found.length > 0) await docker(['rm', '--force', '--volumes', ...found])
}

/** The ids of all containers that read or fill a volume. */
export async function listVolumeReaders(docker: Docker): Promise<string[]> {
  return (await askDocker(docker, ['ps', '-aq', '--filter', `label=${BACKUP_LABEL}`])).split('\n').filter(Boolean)
}
