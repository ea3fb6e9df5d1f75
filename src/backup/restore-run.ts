import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { MongoClient } from 'mongodb'
import { Failure, refused } from '../lib/index.ts'
import type { ArchiveSource } from './archive.ts'
import type { CacheSource } from './cache.ts'
import { chooseBackup, findParts, listBackups, type Parts, readContents } from './catalogue.ts'
import { compareDefinitions, compareDocuments, compareRestored } from './compare.ts'
import type { Contents, DatabaseContents } from './contents.ts'
import { countAll } from './counting.ts'
import { connectDatabase } from './database.ts'
import { readDefinitions } from './definition.ts'
import { diskFull } from './dump.ts'
import { Restic } from './restic.ts'
import { restoreDatabase } from './restore.ts'
import { restoreBeside, sideName, swapIn } from './restore-collections.ts'
import type { RestoreOutcome, RestorePlan, RestoreRunRequest } from './restore-request.ts'
import { restoreStudy } from './restore-study.ts'
import { archiveRefusal, cacheRefusal, restoreArchive, restoreCache } from './restore-volumes.ts'
import { type RestoredFiles, restoredIn } from './restored-files.ts'
import { ensureResticImage, removeVolumeReaders } from './volume-reader.ts'

/** Says what a restore would do and why it could not, and changes nothing. */
export async function planRestore(request: RestoreRunRequest): Promise<RestorePlan> {
  return withRun(request, async (run) => run.plan())
}

/**
 * Restores as planned: compares what was restored before it takes the place of anything, and replaces nothing without the typed name.
 * @throws Failure `refused` before any change, `failed` when it names what is left to do
 */
export async function runRestore(request: RestoreRunRequest): Promise<RestoreOutcome> {
  return withRun(request, async (run) => {
    const started = performance.now()
    const plan = await run.plan()
    if (plan.refusals.length > 0) throw refused(plan.refusals.join('\n'))
    const restored = await run.restore()
    return { ...plan, restored, seconds: (performance.now() - started) / 1000 }
  })
}

async function withRun<T>(request: RestoreRunRequest, use: (run: RestoreRun) => Promise<T>): Promise<T> {
  const { work, tools, signal } = request
  await emptyWork(request)
  const restic = new Restic(tools.restic, request.repository, tools.path, tools.cache)
  let client: MongoClient | null = null
  try {
    const backup = chooseBackup(await listBackups(restic, signal), request.which)
    const contents = await readContents(restic, backup, signal)
    client = request.database === null ? null : await connectDatabase(request.database)
    return await use(new RestoreRun(request, restic, contents, client))
  } catch (thrown) {
    throw diskFull(thrown, work)
  } finally {
    await client?.close()
    await emptyWork(request)
  }
}

async function emptyWork({ work, tools }: RestoreRunRequest): Promise<void> {
  await removeVolumeReaders(tools.docker)
  await mkdir(work, { recursive: true, mode: 0o700 })
  for (const name of await readdir(work)) await rm(join(work, name), { recursive: true, force: true })
}

class RestoreRun {
  readonly #request: RestoreRunRequest
  readonly #restic: Restic
  readonly #contents: Contents
  readonly #client: MongoClient | null

  constructor(request: RestoreRunRequest, restic: Restic, contents: Contents, client: MongoClient | null) {
    this.#request = request
    this.#restic = restic
    this.#contents = contents
    this.#client = client
  }

  async plan(): Promise<RestorePlan> {
    const { id, database } = this.#contents
    const { target } = this.#request
    const plan: RestorePlan = { backup: id, steps: [], mustType: null, refusals: [] }
    if (target.kind === 'study') {
      plan.steps.push(
        `restore the files of study ${target.study} into ${target.directory}`,
        'compare each with its MD5',
      )
    } else if (target.kind === 'database') {
      plan.steps.push(`restore the database ${database?.database} beside the live one, as ${this.#sideDatabase()}`)
      plan.steps.push('compare counts, content hashes, options, validators and indexes')
    } else if (target.kind === 'collection') await this.#planCollection(plan, target.collection)
    else await this.#planEverything(plan)
    return plan
  }

  async #planCollection(plan: RestorePlan, collection: string): Promise<void> {
    const { id } = this.#contents
    const database = this.#database()
    if (!database.collections.some(({ name }) => name === collection)) {
      plan.refusals.push(`the backup ${id} holds no collection ${collection}`)
      return
    }
    const db = this.#live().db(database.database)
    const there = await db.listCollections({ name: collection }, { nameOnly: true }).hasNext()
    plan.steps.push(`restore ${collection} as ${sideName(collection, 'restored', id)}`, 'compare it with the backup')
    if (!there) plan.steps.push(`name it ${collection}: there is none now`)
    else if (this.#request.typed === collection) {
      plan.steps.push(
        `keep the live one as ${sideName(collection, 'before', id)}`,
        `name the restored one ${collection}`,
      )
    } else plan.steps.push('leave it there: the live one is replaced only when its name is typed')
    if (there) plan.mustType = collection
    if (this.#request.typed !== null && this.#request.typed !== collection) {
      plan.refusals.push(`"${this.#request.typed}" was typed, the collection is ${collection}`)
    }
  }

  async #planEverything(plan: RestorePlan): Promise<void> {
    const { tools, signal, work } = this.#request
    const { database, archives, caches } = this.#contents
    if (database !== null) {
      const there = await this.#live().db(database.database).listCollections({}, { nameOnly: true }).toArray()
      if (there.length > 0) {
        const names = there.map(({ name }) => name).sort()
        plan.refusals.push(
          `the database ${database.database} holds ${names.join(', ')}: everything is restored into an empty server only`,
        )
      }
      plan.steps.push(`restore the database ${database.database} and compare it`)
    }
    for (const { service } of archives) {
      const refusal = await archiveRefusal(tools.docker, this.#archive(service), join(work, 'probe'))
      if (refusal !== null) plan.refusals.push(refusal)
      plan.steps.push(`stop ${service}, restore its files and index, start it`)
    }
    for (const { service } of caches) {
      const refusal = await cacheRefusal(tools.docker, this.#cache(service), signal)
      if (refusal !== null) plan.refusals.push(refusal)
      plan.steps.push(`stop ${service}, restore its data, start it`)
    }
    if (this.#contents.folders.length > 0) {
      const names = this.#contents.folders.map(({ name }) => name).join(', ')
      plan.steps.push(
        `lay ${names} into ${this.#request.target.kind === 'everything' ? this.#request.target.directory : ''}`,
      )
    }
  }

  async restore(): Promise<string[]> {
    const { target, signal, work, progress } = this.#request
    if (target.kind === 'study') {
      progress(`restoring study ${target.study}`)
      return restoreStudy(this.#restic, this.#contents, target.study, work, target.directory, signal)
    }
    progress('restoring the files of the backup')
    const parts = await findParts(this.#restic, this.#contents, signal)
    await this.#restic.restore(parts.work, work, [], { signal })
    const files = restoredIn(work, parts.staged)
    if (target.kind === 'everything') return this.#restoreEverything(files, parts, target.directory)
    const database = this.#database()
    if (target.kind === 'database') {
      const name = this.#sideDatabase()
      await this.#restoreWhole(name, files, database)
      return [`database ${name}`]
    }
    return this.#restoreCollection(files, database, target.collection)
  }

  async #restoreCollection(files: RestoredFiles, database: DatabaseContents, collection: string): Promise<string[]> {
    const { signal, typed, progress } = this.#request
    const { id } = this.#contents
    const db = this.#live().db(database.database)
    const restored = sideName(collection, 'restored', id)
    progress(`restoring ${collection}`)
    await restoreBeside(db, files.dump(database.database), database, new Map([[collection, restored]]), signal)
    const there = await db.listCollections({ name: collection }, { nameOnly: true }).hasNext()
    if (there && typed !== collection) return [`${database.database}.${restored}`]
    const before = await swapIn(db, restored, collection, id)
    return [
      `${database.database}.${collection}`,
      ...(before === null ? [] : [`${database.database}.${before} (as it was)`]),
    ]
  }

  async #restoreEverything(files: RestoredFiles, parts: Parts, directory: string): Promise<string[]> {
    const { tools, repository, signal, progress, work } = this.#request
    const { database, archives, caches, folders, host } = this.#contents
    const restored: string[] = []
    if (database !== null) {
      progress(`restoring ${database.database}`)
      await this.#restoreWhole(database.database, files, database)
      restored.push(`database ${database.database}`)
    }
    for (const archive of archives) {
      progress(`restoring ${archive.service}`)
      const image = await ensureResticImage(tools.docker, tools.restic, work)
      const reader = { docker: tools.docker, image, repository, host, signal }
      const snapshot = parts.volumes.get(archive.volume)
      if (snapshot === undefined) throw new Failure('failed', `${archive.service}: the backup names no snapshot of it`)
      await restoreArchive(reader, this.#archive(archive.service), archive, snapshot, files.index(archive.service))
      restored.push(`${archive.service}: ${archive.instances} instances`)
    }
    for (const { service, keys } of caches) {
      progress(`restoring ${service}`)
      await restoreCache(tools.docker, this.#cache(service), files.cache(service), join(work, 'cache'))
      restored.push(`${service}: ${keys} keys`)
    }
    for (const { name } of folders) {
      await cp(files.folder(name), join(directory, name), { recursive: true, errorOnExist: true, force: false })
      restored.push(join(directory, name))
    }
    return restored
  }

  async #restoreWhole(name: string, files: RestoredFiles, wanted: DatabaseContents): Promise<void> {
    const { signal } = this.#request
    const db = this.#live().db(name)
    if (await db.listCollections({}, { nameOnly: true }).hasNext()) {
      throw refused(`the database ${name} is there already: nothing was overwritten`)
    }
    const restored = await restoreDatabase({ db, directory: files.dump(wanted.database), signal })
    const findings = [
      ...compareRestored(wanted, restored).findings,
      ...compareDefinitions(wanted, await readDefinitions(db)).findings,
      ...compareDocuments(wanted, await countAll(db, signal)).findings,
    ]
    if (findings.length > 0) throw new Failure('failed', `${name} differs from the backup: ${findings.join('; ')}`)
  }

  #sideDatabase(): string {
    return sideName(this.#database().database, 'restored', this.#contents.id)
  }

  #database(): DatabaseContents {
    if (this.#contents.database === null) throw refused(`the backup ${this.#contents.id} holds no database`)
    return this.#contents.database
  }

  #live(): MongoClient {
    if (this.#client === null) throw refused('a restore of the database needs its address')
    return this.#client
  }

  #archive(service: string): ArchiveSource {
    return found(this.#request.archives, service)
  }

  #cache(service: string): CacheSource {
    return found(this.#request.caches, service)
  }
}

function found<T extends { service: string }>(sources: readonly T[], service: string): T {
  const source = sources.find((one) => one.service === service)
  if (source === undefined) throw refused(`the server runs no service ${service}, which the backup holds`)
  return source
}
