import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { archiveContentsSchema } from '../../../src/backup/contents.ts'
import { type Definition, metadataText } from '../../../src/backup/definition.ts'
import type { Docker } from '../../../src/backup/docker.ts'
import { planEverything, restoreEverything } from '../../../src/backup/restore-everything.ts'
import { RestoreProgress } from '../../../src/backup/restore-progress.ts'
import type { RestorePlan } from '../../../src/backup/restore-request.ts'
import type { RestoreSession } from '../../../src/backup/restore-session.ts'
import { restoredIn } from '../../../src/backup/restored-files.ts'
import { identitiesIn } from '../../../src/backup/restored-parts.ts'
import { MemoryDatabase } from '../../backup/memory-database.ts'

const cache = { service: 'redis', container: 'c', user: 'u', password: 'p' }

/** A cache with seven keys, in a container that is inspected as `state`. */
async function world() {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-everything-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const its = { state: 'false id1 noon' }
  const docker: Docker = async ([verb]) => ({
    code: 0,
    stderr: '',
    stdout: verb === 'exec' ? '# Keyspace\r\ndb0:keys=7,expires=0,avg_ttl=0\r\n' : its.state,
  })
  const contents = {
    id: 'b1',
    database: null,
    archives: [],
    caches: [{ service: 'redis', keys: 7, bytes: 1 }],
    stored: { read: 1 },
    folders: [{ name: 'stack' }],
  }
  const repository = { location: '/repository', passwordFile: '/password' }
  const request = { tools: { docker }, repository, from: null, signal: new AbortController().signal, work: directory }
  const session = { contents, request, cache: () => cache } as unknown as RestoreSession
  const refusals = async () => {
    const plan: RestorePlan = { backup: 'b1', steps: [], mustType: null, refusals: [] }
    await planEverything(plan, session, directory)
    return plan.refusals
  }
  return { directory, its, refusals }
}

it('goes on over what a cut restore had begun, and over nothing that came since', async () => {
  const { directory, its, refusals } = await world()
  const progress = await RestoreProgress.of(directory, 'b1')
  await progress.begin()
  await mkdir(join(directory, 'stack'))
  // Cut before it came to the cache and the folder: what stopped the one and made the other was somebody else.
  expect(await refusals()).toEqual([
    expect.stringMatching(/^redis does not run.*docker start c/),
    expect.stringMatching(/stack is there already/),
  ])
  await progress.begins('redis', 'id1 noon')
  await progress.begins('folder stack', join(directory, 'stack'))
  expect(await refusals()).toEqual([])
  its.state = 'true id1 later'
  expect(await refusals()).toEqual([expect.stringMatching(/^redis holds 7 keys/)])
  its.state = 'false id1 later'
  expect(await refusals()).toEqual([expect.stringMatching(/^redis does not run/)])
})

it('takes a database for empty that holds nothing but what the server keeps for itself', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-everything-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const files = restoredIn(directory, 'staged')
  await mkdir(files.dump('side'), { recursive: true })
  await using memory = await MemoryDatabase.start()
  // A server leaves it where the last view was dropped.
  memory.hold('system.views')
  const database = { database: 'side', collections: [], oplog: { kind: 'none' } }
  const contents = { id: 'b1', database, archives: [], caches: [], folders: [], stored: { read: 1 } }
  const repository = { location: '/repository', passwordFile: '/password' }
  const docker: Docker = async () => ({ code: 0, stderr: '', stdout: directory })
  const request = {
    tools: { docker },
    work: directory,
    repository,
    from: null,
    typed: 'side',
    afterwards: null,
    progress: () => undefined,
  }
  const live = { db: () => memory.db }
  const signal = new AbortController().signal
  const session = { contents, database, live, request: { ...request, signal } } as unknown as RestoreSession
  const plan: RestorePlan = { backup: 'b1', steps: [], mustType: null, refusals: [] }
  await planEverything(plan, session, directory)
  expect(plan).toMatchObject({ refusals: [], mustType: null })

  memory.hold('reports')
  await (await RestoreProgress.of(directory, 'b1')).begin()
  const parts = { work: 'snapshot', staged: 'staged', volumes: new Map() }
  expect(await restoreEverything(session, files, parts, directory)).toEqual(['database side'])
  expect([...memory.collections.keys()]).toEqual(['system.views'])
})

const archive = archiveContentsSchema.parse({
  ...{ service: 'orthanc', volume: 'images', storage: '', patients: 1, studies: 2, series: 2, instances: 2 },
  ...{ files: 2, bytes: 1, at: '2026-11-24T10:15:00.000Z', paused: 0 },
  index: { service: 'postgres', database: 'd', user: 'u', tables: [] },
})

/** A server that holds nothing, and a backup of a database, an archive and a cache. */
async function empty(memory: MemoryDatabase) {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-everything-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const its = { studies: 0, keys: 0 }
  const docker: Docker = async (args) => {
    const asked = args.includes('psql')
      ? `${its.studies}`
      : args[0] === 'exec'
        ? `db0:keys=${its.keys},`
        : 'true id noon'
    return { code: 0, stderr: '', stdout: asked }
  }
  const reports: Definition = { name: 'reports', type: 'collection', options: {}, indexes: [] }
  const metadata = metadataText(reports)
  const files = restoredIn(directory, 'staged')
  await mkdir(files.dump('side'), { recursive: true })
  await writeFile(join(files.dump('side'), 'reports.metadata.json'), metadata)
  await writeFile(join(files.dump('side'), 'reports.bson'), '')
  await writeFile(join(directory, 'restic'), '')
  const database = {
    database: 'side',
    collections: [{ name: 'reports', type: 'collection', metadata, count: 0, bytes: 0, hash: '0'.repeat(64) }],
    oplog: { kind: 'none' },
  }
  const caches = [{ service: 'redis', keys: 7, bytes: 1 }]
  const contents = { id: 'b1', database, archives: [archive], caches, folders: [], stored: { read: 1 } }
  const repository = { location: '/repository', passwordFile: '/password' }
  const signal = new AbortController().signal
  const ended: boolean[] = []
  const afterwards = async () => {
    ended.push(!existsSync(join(directory, 'restore-under-way.json')))
    return 'records laid'
  }
  const request = {
    ...{ tools: { docker, restic: join(directory, 'restic') }, repository, from: null, signal, work: directory },
    ...{ typed: null, afterwards },
    progress: () => undefined,
  }
  const source = {
    service: 'orthanc',
    container: 'o',
    volume: 'images',
    index: { container: 'p', database: 'd', user: 'u' },
  }
  const session = {
    ...{ contents, database, live: { db: () => memory.db }, request },
    ...{ archive: () => source, cache: () => cache },
  } as unknown as RestoreSession
  const planned = async () => {
    const plan: RestorePlan = { backup: 'b1', steps: [], mustType: null, refusals: [] }
    await planEverything(plan, session, directory)
    return plan
  }
  const parts = { work: 'w', staged: 'staged', volumes: new Map([['images', 'snapshot']]) }
  const run = () => restoreEverything(session, files, parts, directory)
  return { directory, its, planned, run, ended }
}

/** The same server, on which a restore was cut after it had done all three. */
async function restored(memory: MemoryDatabase) {
  const server = await empty(memory)
  Object.assign(server.its, { studies: 2, keys: 7 })
  const progress = await RestoreProgress.of(server.directory, 'b1')
  await progress.begin()
  memory.hold('reports')
  await progress.did('database', (await identitiesIn(memory.db)).join(' '))
  await progress.begins('orthanc', 'id noon')
  await progress.did('orthanc')
  await progress.begins('redis', 'id noon')
  await progress.did('redis')
  return server
}

it('leaves as it is what a cut restore had done, as long as that is there, and restores again what is empty', async () => {
  await using memory = await MemoryDatabase.start()
  const { its, planned, run } = await restored(memory)
  const [back = expect.unreachable()] = memory.collections.values()
  expect(await planned()).toMatchObject({ refusals: [], mustType: null, steps: [expect.stringMatching(/^go on with/)] })

  memory.collections.clear()
  Object.assign(its, { studies: 0, keys: 0 })
  const again = (part: string) => `restore ${part} again: what it had restored of it is not on this server any more`
  expect(await planned()).toMatchObject({
    refusals: [],
    steps: expect.arrayContaining(['database', 'orthanc', 'redis'].map(again)),
  })
  Object.assign(its, { studies: 2, keys: 7 })
  await run()
  expect([...memory.collections.keys()]).toEqual(['reports'])
  expect(memory.collections.get('reports')).not.toBe(back)
})

it('takes for gone what others have filled since a cut restore had done it, and restores over none of it', async () => {
  await using memory = await MemoryDatabase.start()
  const { its, planned, run } = await restored(memory)
  // The disk was wiped, the application migrated its new database, and a modality sent a study.
  memory.hold('reports')
  its.studies = 1
  const { refusals, mustType } = await planned()
  expect(refusals).toEqual([
    expect.stringMatching(/^the database side holds reports: everything/),
    expect.stringMatching(/^orthanc holds 1 study: everything/),
  ])
  expect(mustType).toBeNull()
  await expect(run()).rejects.toThrow('the database side is there already')
  expect(memory.commands).not.toContain('drop')
})

it('that meets a study which came since its plan is failed, and goes on once that is away', async () => {
  await using memory = await MemoryDatabase.start()
  const { directory, its, planned, run } = await empty(memory)
  expect((await planned()).refusals).toEqual([])
  its.studies = 1
  await expect(run()).rejects.toMatchObject({
    kind: 'failed',
    message:
      'orthanc holds 1 study: everything is restored into an empty server only: what came since has to go; restored already, and left as it is: database. ' +
      `Mend that, then ask for the same with the same directory (${directory}): it goes on`,
  })
  expect((await planned()).refusals).toEqual([expect.stringMatching(/^orthanc holds 1 study/)])
  its.studies = 0
  const { refusals, steps } = await planned()
  expect(refusals).toEqual([])
  expect(steps).toContain('go on with the restore of b1 that was cut: what it had done is left as it is')
  expect(steps).not.toContain('restore the database side and compare it')
})

it('that meets a database which was filled since its plan is refused, since nothing was changed', async () => {
  await using memory = await MemoryDatabase.start()
  const { run } = await empty(memory)
  memory.hold('reports')
  await expect(run()).rejects.toMatchObject({
    kind: 'refused',
    message: 'the database side is there already: nothing was overwritten',
  })
})

it('counts as over only once the records of the lost server are laid', async () => {
  await using memory = await MemoryDatabase.start()
  const { run, ended } = await restored(memory)
  expect(await run()).toEqual(['database side', 'orthanc: 2 instances', 'redis: 7 keys', 'records laid'])
  expect(ended).toEqual([false])
  // What it had done in this directory is nobody's any more.
  await expect(run()).rejects.toThrow('the database side is there already')
})
