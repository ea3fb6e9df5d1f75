import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { layout } from '../../../src/agent/layout.ts'
import { pruneServer } from '../../../src/agent/server/prune.ts'
import { openReleases } from '../../../src/agent/server/releases.ts'
import { prune } from '../../../src/agent/transaction/housekeeping.ts'
import { sha256 } from '../../../src/release/index.ts'
import { freshServer } from './fresh-server.ts'
import { MemoryWorld, memoryPlanner, memoryRelease } from './memory-world.ts'

const here = freshServer()
const silent = () => undefined

/** Prunes the folder of the test by the state of the server in memory. @returns the images that were asked to go */
async function pruneHere(): Promise<string[]> {
  const world = new MemoryWorld(here.server)
  const removed: string[] = []
  world.engine.removeImages = async (images) => void removed.push(...images)
  const paths = layout(here.directory)
  const releases = openReleases(paths.releases, {}, silent)
  const planner = memoryPlanner(here.server)
  await prune(world, { ...planner, prune: (kept) => pruneServer(kept, releases, paths, world.engine) }, silent)
  return removed
}

/** Lays releases of these numbers down. */
async function store(...numbers: number[]): Promise<void> {
  for (const { id, reference, manifest } of numbers.map(memoryRelease)) {
    const folder = join(layout(here.directory).releases, id)
    const text = JSON.stringify(manifest)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'release.json'), text)
    await writeFile(join(folder, 'release.json.sha256'), sha256(text))
    await writeFile(join(folder, 'reference'), reference)
  }
}

const idsOf = (...numbers: number[]) => numbers.map((number) => memoryRelease(number).id)
const stored = async () => (await readdir(layout(here.directory).releases)).sort()

describe('a release that never served', () => {
  it('is kept by a prune while it is one of the newest three after what serves: its migrations may be left half-way', async () => {
    await store(1, 2, 3, 4, 5, 6)
    const { sealConfig, plan } = memoryPlanner(here.server)
    const { instance } = await plan(memoryRelease(2), await sealConfig())
    here.server.state = { ...here.server.state, serving: instance }
    const removed = await pruneHere()
    expect(await stored()).toEqual(idsOf(2, 4, 5, 6))
    // A deploy pulls them anew.
    expect(removed).toEqual(expect.arrayContaining([1, 3, 4, 5, 6].map((number) => memoryRelease(number).reference)))
    expect(removed).not.toContain(memoryRelease(2).reference)
  })

  it('is kept so as well where nothing serves yet, if it can be read', async () => {
    await store(1, 2, 3, 4)
    await mkdir(join(layout(here.directory).releases, memoryRelease(9).id, 'stack'), { recursive: true })
    await pruneHere()
    expect(await stored()).toEqual(idsOf(2, 3, 4))
  })
})

it('what a core service runs by that never came up is kept by a prune, since its container has it mounted', async () => {
  const [runs, starts] = ['a'.repeat(16), 'b'.repeat(16)]
  const { stack } = layout(here.directory)
  for (const path of [`mongodb/${runs}`, `orthanc/${starts}`, `orthanc/${runs}`])
    await mkdir(join(stack, path), { recursive: true })
  const replacing = [{ service: 'orthanc', from: null, to: starts, step: 'mounted' as const }]
  here.server.state = {
    ...here.server.state,
    core: { ...here.server.state.core, services: { mongodb: runs }, replacing },
  }
  await pruneHere()
  expect(await readdir(join(stack, 'orthanc'))).toEqual([starts])
  expect(await readdir(join(stack, 'mongodb'))).toEqual([runs])
})
