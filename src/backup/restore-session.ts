import type { MongoClient } from 'mongodb'
import { emptyDirectory, refused } from '../lib/index.ts'
import type { ArchiveSource } from './archive.ts'
import type { CacheSource } from './cache.ts'
import { backupsFor, chooseBackup, listBackups, readContents, type StoredBackup } from './catalogue.ts'
import type { Contents, DatabaseContents } from './contents.ts'
import { connectDatabase, databaseGone } from './database.ts'
import { removeDeadLocks } from './dead-locks.ts'
import { askDocker } from './docker.ts'
import { diskFull } from './dump.ts'
import { newestBefore } from './dump-moment.ts'
import { Restic } from './restic.ts'
import { backupUnderWay } from './restore-progress.ts'
import type { RestoreRunRequest } from './restore-request.ts'
import { removeVolumeReaders } from './volume-reader.ts'

/** The chosen backup and what lives on this server, for as long as a restore is planned or done. */
export class RestoreSession {
  readonly request: RestoreRunRequest
  readonly restic: Restic
  readonly backup: StoredBackup
  readonly contents: Contents
  /** All backups in the repository, newest first. */
  readonly backups: readonly StoredBackup[]
  readonly #client: MongoClient | null

  constructor(
    request: RestoreRunRequest,
    restic: Restic,
    backup: StoredBackup,
    contents: Contents,
    backups: readonly StoredBackup[],
    client: MongoClient | null,
  ) {
    this.request = request
    this.restic = restic
    this.backup = backup
    this.contents = contents
    this.backups = backups
    this.#client = client
  }

  /** The same with a copy of the backup in the repository on this server. */
  copiedTo(restic: Restic, backup: StoredBackup): RestoreSession {
    return new RestoreSession(
      { ...this.request, from: null },
      restic,
      backup,
      this.contents,
      this.backups,
      this.#client,
    )
  }

  /** @throws Failure `refused` when the backup holds no database */
  get database(): DatabaseContents {
    if (this.contents.database === null) throw refused(`the backup ${this.contents.id} holds no database`)
    return this.contents.database
  }

  /** What the whole database is called beside the live one: always the same, since a user with few rights has them on named databases. */
  get sideDatabase(): string {
    return `${this.database.database}_restored`
  }

  /** The live server. */
  get live(): MongoClient {
    if (this.#client === null) throw refused('a restore of the database needs its address')
    return this.#client
  }

  archive(service: string): ArchiveSource {
    return found(this.request.archives, service)
  }

  /** The image of the PostgreSQL that holds an archive's index. @throws Failure `refused` where this server runs none */
  async indexImage(archive: string): Promise<string> {
    const { index } = this.archive(archive)
    if (index === null)
      throw refused(`the backup holds an index of ${archive} in PostgreSQL, and this server runs none for it`)
    return askDocker(this.request.tools.docker, ['container', 'inspect', '--format', '{{.Image}}', index.container])
  }

  cache(service: string): CacheSource {
    return found(this.request.caches, service)
  }
}

function found<T extends { service: string }>(sources: readonly T[], service: string): T {
  const source = sources.find((one) => one.service === service)
  if (source === undefined) throw refused(`the server runs no service ${service}, which the backup holds`)
  return source
}

/** Opens the backup and the live database for `use`; the work directory is empty before and after. */
export async function withRestoreSession<T>(
  request: RestoreRunRequest,
  use: (session: RestoreSession) => Promise<T>,
): Promise<T> {
  const { work, tools, signal } = request
  await emptyWork(request)
  const restic = new Restic(tools.restic, request.from ?? request.repository, tools.path, tools.cache)
  let client: MongoClient | null = null
  try {
    await removeDeadLocks(restic, tools.docker, signal)
    const backups = await listBackups(restic, signal)
    const { target } = request
    const { backup, contents } =
      target.kind === 'database' && target.to !== undefined && request.which === 'newest'
        ? await newestBefore(restic, backupsFor(request.host, backups), target.to, signal, request.progress)
        : await chosen(restic, chooseBackup(backups, await meantBy(request), request.host, new Date()), signal)
    client = request.database === null ? null : await connectDatabase(request.database)
    return await use(new RestoreSession(request, restic, backup, contents, backups, client))
  } catch (thrown) {
    throw restoreEnded(diskFull(thrown, work))
  } finally {
    await client?.close()
    await emptyWork(request)
  }
}

/** One clear line where the database went away under way; anything else comes back as it is. */
export function restoreEnded(thrown: unknown): unknown {
  return databaseGone(thrown, 'plan it again, which says what is left')
}

/** What a cut restore of everything goes on with: a backup taken since holds what that had come to. */
async function meantBy({ which, target }: RestoreRunRequest): Promise<string> {
  const underWay = target.kind === 'everything' && which === 'newest' ? await backupUnderWay(target.directory) : null
  return underWay ?? which
}

async function chosen(restic: Restic, backup: StoredBackup, signal: AbortSignal) {
  return { backup, contents: await readContents(restic, backup, signal) }
}

async function emptyWork({ work, tools }: RestoreRunRequest): Promise<void> {
  await removeVolumeReaders(tools.docker)
  await emptyDirectory(work)
}
