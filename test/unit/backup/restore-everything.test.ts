import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Docker } from '../../../src/backup/docker.ts'
import { planEverything, restoreEverything } from '../../../src/backup/restore-everything.ts'
import { RestoreProgress } from '../../../src/backup/restore-progress.ts'
import type { RestorePlan } from '../../../src/backup/restore-request.ts'
import type { RestoreSession } from '../../../src/backup/restore-session.ts'
import { restoredIn } from '../../../src/backup/restored-files.ts'
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
    caches: [{ service: 'redis' }],
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
  const database = { database: 'side', collections: [] }
  const contents = { id: 'b1', database, archives: [], caches: [], folders: [] }
  const repository = { location: '/repository', passwordFile: '/password' }
  const request = { tools: {}, repository, from: null, typed: 'side', progress: () => undefined }
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
