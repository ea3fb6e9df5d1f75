import { join } from 'node:path'
import type { Db } from 'mongodb'
import { counted, refused, together } from '../lib/index.ts'
import { compareArchive, compareTables } from './archive-files.ts'
import { keysIn } from './cache.ts'
import type { StoredBackup } from './catalogue.ts'
import { runChecks } from './checks.ts'
import { compareDefinitions, compareDocuments, compareFolder, compareRestored, judgeNewest } from './compare.ts'
import type { ArchiveContents, Contents } from './contents.ts'
import { countAll } from './counting.ts'
import { readDefinitions } from './definition.ts'
import { fileHash } from './file-hash.ts'
import { hashFolder } from './folders.ts'
import { type Findings, joinFindings, type LevelName, type LevelResult, runLevel, skipLevel } from './level.ts'
import type { PostgresIndex } from './postgres-index.ts'
import type { Restic } from './restic.ts'
import { restoreDatabase } from './restore.ts'
import { type RestoredFiles, restoreFiles } from './restored-files.ts'
import { type ScratchDatabase, scratchLabels, startScratchDatabase } from './scratch.ts'
import { type ScratchIndex, startScratchIndex } from './scratch-index.ts'
import { SqliteIndex } from './sqlite-index.ts'
import type { VerificationRequest } from './verification-request.ts'

/** An image by its digest: other versions stand beside those of images. */
const PINNED = /@sha256:[0-9a-f]{64}$/

/** L2 is not to be had, and nothing after it. */
export function unrestored(why: string): LevelResult[] {
  const failed: LevelResult = { level: 'L2', outcome: 'failed', checked: 0, lost: 0, findings: [why], seconds: 0 }
  return [failed, ...(['L3', 'L4', 'L5', 'L6'] as const).map((level) => skipLevel(level, 'nothing was restored'))]
}

/** L2 to L6, or to the last one that is asked for: one backup, restored and compared. */
export class RestoredLevels {
  readonly #request: VerificationRequest
  readonly #restic: Restic
  readonly #backup: StoredBackup
  readonly #contents: Contents
  #scratch: ScratchDatabase | null = null
  readonly #scratchIndexes: ScratchIndex[] = []
  /** Indexes that came back into PostgreSQL, by service. */
  readonly #indexes = new Map<string, PostgresIndex>()
  /** How many keys each cache's file holds, by service. */
  readonly #keys = new Map<string, number>()

  constructor(request: VerificationRequest, restic: Restic, backup: StoredBackup, contents: Contents) {
    this.#request = request
    this.#restic = restic
    this.#backup = backup
    this.#contents = contents
  }

  async run(): Promise<LevelResult[]> {
    try {
      return await this.#run()
    } finally {
      for (const scratch of this.#scratches) await scratch[Symbol.asyncDispose]()
    }
  }

  async #run(): Promise<LevelResult[]> {
    const { signal, progress, restoreWithin, through } = this.#request
    let files: RestoredFiles | null = null
    progress('L2: restoring')
    const restored = await this.#level('L2', async () => {
      const restoring = async () => {
        const directory = join(this.#request.work, 'restored')
        files = await restoreFiles(
          this.#request.tools.docker,
          this.#restic,
          this.#backup,
          this.#contents,
          directory,
          signal,
        )
        return files
      }
      const [there] = await together([restoring(), this.#startScratch()])
      return this.#restoreParts(there)
    })
    if (files === null) return [restored, ...unrestored('').slice(1)]
    const there: RestoredFiles = files
    const levels = [restored]
    const steps = [
      { level: 'L3', what: 'comparing definitions', check: () => this.#compareDefinitions() },
      { level: 'L4', what: 'comparing contents', check: () => this.#compareContents(there) },
      { level: 'L5', what: 'asking the application’s questions', check: () => this.#ask() },
    ] as const
    for (const { level, what, check } of steps) {
      if (level > through) return levels
      progress(`${level}: ${what}`)
      levels.push(await this.#level(level, check))
    }
    if (through !== 'L6') return levels
    const limit = restoreWithin === null ? Number.POSITIVE_INFINITY : restoreWithin / 1000
    const late = restored.seconds > limit ? [`the restore took ${restored.seconds.toFixed(0)} s of ${limit} s`] : []
    const outcome = late.length === 0 ? 'passed' : 'failed'
    return [...levels, { level: 'L6', outcome, checked: 1, lost: 0, findings: late, seconds: restored.seconds }]
  }

  get #scratches(): (ScratchDatabase | ScratchIndex)[] {
    return [...(this.#scratch === null ? [] : [this.#scratch]), ...this.#scratchIndexes]
  }

  /** What a scratch database that was ended under way makes of a level says nothing about the backup. */
  #level(level: LevelName, check: () => Promise<Findings>): Promise<LevelResult> {
    return runLevel(level, this.#request.signal, async () => {
      try {
        return await check()
      } catch (thrown) {
        for (const scratch of this.#scratches) {
          const fault = await scratch.fault()
          if (fault !== null) throw fault
        }
        throw thrown
      }
    })
  }

  async #startScratch(): Promise<void> {
    const { database } = this.#contents
    if (database === null) return
    const { tools, id, memory, signal } = this.#request
    this.#scratch = await startScratchDatabase(tools.docker, id, this.#image(database.service), memory, signal)
  }

  async #restoreParts(files: RestoredFiles): Promise<Findings> {
    const { database, archives, caches } = this.#contents
    const all: Findings[] = []
    if (database !== null) {
      const { signal, progress } = this.#request
      const onProgress = (collection: string, documents: number) => progress(`${collection}: ${documents} documents`)
      const request = { db: this.#db(), directory: files.dump(database.database), signal, onProgress }
      all.push(compareRestored(database, await restoreDatabase(request)))
    }
    for (const { service, index } of archives) {
      if (index !== null) all.push(await this.#restoreIndex(service, index, files))
    }
    for (const { service } of caches) {
      this.#keys.set(service, await this.#keysIn(service, files))
      all.push({ checked: 1, findings: [] })
    }
    return joinFindings(all)
  }

  async #restoreIndex(
    service: string,
    place: NonNullable<ArchiveContents['index']>,
    files: RestoredFiles,
  ): Promise<Findings> {
    const { tools, id, memory, signal, progress } = this.#request
    progress(`${service}: restoring the index`)
    const scratch = await startScratchIndex(tools.docker, id, this.#image(place.service), memory, place, signal)
    this.#scratchIndexes.push(scratch)
    this.#indexes.set(service, await scratch.restored(files.indexDump(service)))
    return { checked: 1, findings: [] }
  }

  #keysIn(service: string, files: RestoredFiles): Promise<number> {
    const { tools, id } = this.#request
    return keysIn(tools.docker, this.#image(service), files.cache(service), scratchLabels(id))
  }

  /** What runs now; of a service that has another name since, what ran when the backup was taken. */
  #image(service: string): string {
    const then = this.#contents.versions[service]
    const image = this.#request.images[service] ?? (then !== undefined && PINNED.test(then) ? then : undefined)
    if (image === undefined) throw refused(`no image is known for ${service}, which the backup holds`)
    return image
  }

  #restored(): ScratchDatabase {
    if (this.#scratch === null) throw new Error('there is no restored database')
    return this.#scratch
  }

  #db(): Db {
    return this.#restored().client.db(this.#contents.database?.database)
  }

  async #compareDefinitions(): Promise<Findings> {
    const { database } = this.#contents
    return database === null
      ? { checked: 0, findings: [] }
      : compareDefinitions(database, await readDefinitions(this.#db()))
  }

  async #compareContents(files: RestoredFiles): Promise<Findings> {
    const { database, archives, caches, folders } = this.#contents
    const { signal } = this.#request
    const all: Findings[] = []
    if (database !== null) all.push(compareDocuments(database, await countAll(this.#db(), signal)))
    for (const archive of archives) all.push(await this.#compareArchive(archive, files))
    for (const { service, keys, sha256 } of caches) {
      const found = this.#keys.get(service) ?? (await this.#keysIn(service, files))
      const same = found === keys && (await fileHash(files.cache(service), 'sha256')) === sha256
      const findings = same ? [] : [`${service}: holds ${found} keys, ${keys} were backed up`]
      all.push({ checked: keys, lost: same ? 0 : Math.max(keys - found, 1), findings })
    }
    for (const folder of folders) all.push(compareFolder(folder, await hashFolder(files.folder(folder.name))))
    return joinFindings(all)
  }

  async #compareArchive(archive: ArchiveContents, files: RestoredFiles): Promise<Findings> {
    const { service, volume, storage, index } = archive
    const { signal, progress } = this.#request
    progress(`${service}: comparing ${counted(archive.files, 'file')}`)
    const place = files.storage(volume, storage)
    if (index === null) {
      await using file = new SqliteIndex(files.index(service))
      return await compareArchive(archive, file, place, signal)
    }
    const restored = this.#indexes.get(service)
    if (restored === undefined) {
      return { checked: 0, lost: archive.files, findings: [`${service}: the index was not restored`] }
    }
    const tables = compareTables(service, index.tables, await restored.tables())
    return joinFindings([tables, await compareArchive(archive, restored, place, signal)])
  }

  async #ask(): Promise<Findings> {
    const { checks, newestWithin, signal } = this.#request
    const { database, finishedAt } = this.#contents
    const all: Findings[] = []
    if (database !== null && newestWithin !== null) all.push(judgeNewest(database, finishedAt, newestWithin))
    if (database !== null && checks !== null) {
      const { address } = this.#restored()
      all.push(await runChecks(checks, { address, database: database.database, contents: this.#contents }, signal))
    }
    return joinFindings(all)
  }
}
