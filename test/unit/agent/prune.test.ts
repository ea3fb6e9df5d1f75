import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { layout } from '../../../src/agent/layout.ts'
import { pruneServer } from '../../../src/agent/server/prune.ts'
import { openReleases } from '../../../src/agent/server/releases.ts'
import { prune } from '../../../src/agent/transaction/housekeeping.ts'
import { freshServer } from './fresh-server.ts'
import { MemoryWorld, memoryPlanner } from './memory-world.ts'

const here = freshServer()
const silent = () => undefined

/** Prunes the folder of the test by the state of the server in memory. */
async function pruneHere(): Promise<void> {
  const world = new MemoryWorld(here.server)
  const paths = layout(here.directory)
  const releases = openReleases(paths.releases, {}, silent)
  const planner = memoryPlanner(here.server)
  await prune(world, { ...planner, prune: (kept) => pruneServer(kept, releases, paths, world.engine) }, silent)
}

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
