import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import { refused } from '../lib/index.ts'
import { compareArchive } from './archive-files.ts'
import { keysIn } from './cache.ts'
import { chooseBackup, listBackups, readContents } from './catalogue.ts'
import { runChecks } from './checks.ts'
import {
  compareDefinitions,
  compareDocuments,
  compareFolder,
  compareRestored,
  judgeAge,
  judgeNewest,
} from './compare.ts'
import type { Contents } from './contents.ts'
import { countAll } from './counting.ts'
import { readDefinitions } from './definition.ts'
import { fileHash } from './file-hash.ts'
import { hashFolder } from './folders.ts'
import { type Findings, joinFindings, type LevelResult, runLevel, skipLevel } from './level.ts'
import type { Verification } from './report.ts'
import { type Repository, Restic } from './restic.ts'
import { restoreDatabase } from './restore.ts'
import { type RestoredFiles, restoreFiles } from './restored-files.ts'
import { removeScratch, type ScratchDatabase, startScratchDatabase, VERIFY_LABEL } from './scratch.ts'
import type { Tools } from './take-backup.ts'

export interface VerificationRequest {
  tools: Tools
  /** Names the scratch containers; the caller's, so that it finds them after a kill. */
  id: string
  /** A directory of verifications alone, 0700; emptied before and after. */
  work: string
  repository: Repository
  /** `newest`, `random`, or the id of a backup. */
  which: string
  /** Milliseconds. */
  maxAge: number
  /** What part of the packs restic reads: `all`, `10%`, `3/7`. */
  readData: string
  /** Images of the live services, by service; what they are restored into. */
  images: Readonly<Record<string, string>>
  /** Limit of the scratch database's memory, bytes. */
  memory: number
  /** Folder of `*.check.js`; null for none. */
  checks: string | null
  /** How old the newest record may have been when the backup was made, in milliseconds; null where data may rest. */
  newestWithin: number | null
  /** How long a restore may take, in milliseconds; null for no limit. */
  restoreWithin: number | null
  now: Date
  signal: AbortSignal
  progress: (line: string) => void
}

/**
 * Restores a backup beside everything that lives and compares it, level by level.
 * It is given no credentials of live services and its containers reach no network.
 * @returns the report, passed or failed @throws Failure when there is nothing to verify or the repository cannot be opened
 */
export async function verifyBackup(request: VerificationRequest): Promise<Verification> {
  const { tools, work, signal, progress } = request
  await removeScratch(tools.docker)
  await emptyDirectory(work)
  const startedAt = new Date()
  const restic = new Restic(tools.restic, request.repository, tools.path, tools.cache)
  try {
    const all = await listBackups(restic, signal)
    const backup = chooseBackup(all, request.which)
    progress(`L0: backup ${backup.id}`)
    const levels = [await runLevel('L0', signal, () => judgeAge(backup, all, request.now, request.maxAge))]
    progress('L1: reading the repository')
    levels.push(await runLevel('L1', signal, () => checkRepository(restic, request.readData, signal)))
    const contents = await readContents(restic, backup, signal).catch((thrown: unknown) => {
      signal.throwIfAborted()
      return thrown instanceof Error ? thrown : new Error(String(thrown))
    })
    if (contents instanceof Error) levels.push(...unrestored(`its contents cannot be read: ${contents.message}`))
    else levels.push(...(await new Restore(request, restic, contents).run()))
    return report(request, restic, backup.id, startedAt, levels, contents instanceof Error ? null : contents)
  } finally {
    await removeScratch(tools.docker, request.id)
    await emptyDirectory(work)
  }
}

async function emptyDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true })
}

async function checkRepository(restic: Restic, readData: string, signal: AbortSignal): Promise<Findings> {
  await restic.check(readData, { signal })
  return { checked: 1, findings: [] }
}

/** L2 is not to be had, and nothing after it. */
function unrestored(why: string): LevelResult[] {
  const failed: LevelResult = { level: 'L2', outcome: 'failed', checked: 0, findings: [why], seconds: 0 }
  return [failed, ...(['L3', 'L4', 'L5', 'L6'] as const).map((level) => skipLevel(level, 'nothing was restored'))]
}

/** L2 to L6 of one backup. */
class Restore {
  readonly #request: VerificationRequest
  readonly #restic: Restic
  readonly #contents: Contents
  #scratch: ScratchDatabase | null = null

  constructor(request: VerificationRequest, restic: Restic, contents: Contents) {
    this.#request = request
    this.#restic = restic
    this.#contents = contents
  }

  async run(): Promise<LevelResult[]> {
    const { signal, progress, restoreWithin } = this.#request
    let files: RestoredFiles | null = null
    progress('L2: restoring')
    const restored = await runLevel('L2', signal, async () => {
      files = await restoreFiles(this.#restic, this.#contents, join(this.#request.work, 'restored'), signal)
      return this.#restoreParts(files)
    })
    if (files === null) return [restored, ...unrestored('').slice(1)]
    const there: RestoredFiles = files
    try {
      const levels = [restored]
      progress('L3: comparing definitions')
      levels.push(await runLevel('L3', signal, () => this.#compareDefinitions()))
      progress('L4: comparing contents')
      levels.push(await runLevel('L4', signal, () => this.#compareContents(there)))
      progress('L5: asking the application’s questions')
      levels.push(await runLevel('L5', signal, () => this.#ask()))
      const limit = restoreWithin === null ? Number.POSITIVE_INFINITY : restoreWithin / 1000
      const late = restored.seconds > limit ? [`the restore took ${restored.seconds.toFixed(0)} s of ${limit} s`] : []
      const outcome = late.length === 0 ? 'passed' : 'failed'
      return [...levels, { level: 'L6', outcome, checked: 1, findings: late, seconds: restored.seconds }]
    } finally {
      await this.#scratch?.[Symbol.asyncDispose]()
    }
  }

  async #restoreParts(files: RestoredFiles): Promise<Findings> {
    const { database, caches } = this.#contents
    const all: Findings[] = []
    if (database !== null) {
      const { tools, id, memory, signal, progress } = this.#request
      this.#scratch = await startScratchDatabase(tools.docker, id, this.#image(database.service), memory, signal)
      const onProgress = (collection: string, documents: number) => progress(`${collection}: ${documents} documents`)
      const request = { db: this.#db(), directory: files.dump(database.database), signal, onProgress }
      all.push(compareRestored(database, await restoreDatabase(request)))
    }
    for (const { service } of caches) {
      await keysIn(this.#request.tools.docker, this.#image(service), files.cache(service), VERIFY_LABEL)
      all.push({ checked: 1, findings: [] })
    }
    return joinFindings(all)
  }

  #image(service: string): string {
    const image = this.#request.images[service]
    if (image === undefined) throw refused(`no image is known for ${service}, which the backup holds`)
    return image
  }

  #db(): Db {
    if (this.#scratch === null || this.#contents.database === null) throw new Error('there is no restored database')
    return this.#scratch.client.db(this.#contents.database.database)
  }

  async #compareDefinitions(): Promise<Findings> {
    const { database } = this.#contents
    return database === null
      ? { checked: 0, findings: [] }
      : compareDefinitions(database, await readDefinitions(this.#db()))
  }

  async #compareContents(files: RestoredFiles): Promise<Findings> {
    const { database, archives, caches, folders } = this.#contents
    const { tools, signal } = this.#request
    const all: Findings[] = []
    if (database !== null) all.push(compareDocuments(database, await countAll(this.#db(), signal)))
    for (const archive of archives) {
      const storage = files.storage(archive.volume, archive.storage)
      all.push(await compareArchive(archive, files.index(archive.service), storage, signal))
    }
    for (const { service, keys, sha256 } of caches) {
      const found = await keysIn(tools.docker, this.#image(service), files.cache(service), VERIFY_LABEL)
      const same = found === keys && (await fileHash(files.cache(service), 'sha256')) === sha256
      all.push({ checked: keys, findings: same ? [] : [`${service}: holds ${found} keys, ${keys} were backed up`] })
    }
    for (const folder of folders) all.push(compareFolder(folder, await hashFolder(files.folder(folder.name))))
    return joinFindings(all)
  }

  async #ask(): Promise<Findings> {
    const { checks, newestWithin, signal } = this.#request
    const { database, finishedAt } = this.#contents
    const all: Findings[] = []
    if (database !== null && newestWithin !== null) all.push(judgeNewest(database, finishedAt, newestWithin))
    if (database !== null && checks !== null) {
      all.push(await runChecks(checks, { db: this.#db(), contents: this.#contents, signal }))
    }
    return joinFindings(all)
  }
}

function report(
  request: VerificationRequest,
  restic: Restic,
  backup: string,
  startedAt: Date,
  levels: LevelResult[],
  contents: Contents | null,
): Verification {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const collections = contents?.database?.collections ?? []
  return {
    schema: 1,
    backup,
    repository: restic.redact(request.repository.location),
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    outcome: levels.every(({ outcome }) => outcome === 'passed') ? 'passed' : 'failed',
    levels,
    holds: {
      collections: collections.length,
      documents: sum(collections.map(({ count }) => count)),
      instances: sum((contents?.archives ?? []).map(({ instances }) => instances)),
      files: sum((contents?.archives ?? []).map(({ files }) => files)),
      keys: sum((contents?.caches ?? []).map(({ keys }) => keys)),
    },
    oneMoment: contents?.oneMoment ?? [],
    leftOut: (contents?.database?.leftOut ?? []).map(({ what, why }) => `${what}: ${why}`),
  }
}
