import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTargets } from '../../../src/agent/server/targets-file.ts'
import { emptyState, type Instance } from '../../../src/agent/transaction/state.ts'
import { targetsOf } from '../../../src/agent/transaction/targets.ts'
import { memoryPlanner, memoryRelease, Server } from './memory-world.ts'

async function instance(number: number): Promise<Instance> {
  const planner = memoryPlanner(new Server())
  return (await planner.plan(memoryRelease(number), await planner.sealConfig())).instance
}

describe('the targets of Prometheus', () => {
  it('are none where nothing lives, or has metrics', async () => {
    const quiet = await instance(1)
    for (const service of quiet.services) service.metrics = null
    expect(targetsOf(emptyState)).toBe('[]\n')
    expect(targetsOf({ ...emptyState, serving: quiet })).toBe('[]\n')
  })

  it('are the containers of what serves, is warm and comes, each by its own name', async () => {
    const [one, two, three] = [await instance(1), await instance(2), await instance(3)]
    const state = {
      ...emptyState,
      serving: two,
      warm: { instance: one, until: '2026-11-24T10:00:00.000Z' },
      candidate: { ...three, preview: 'the secret of the preview' },
    }
    const text = targetsOf(state)
    const targets: unknown[] = JSON.parse(text)
    expect(targets).toHaveLength(3 * 2)
    const container = `pacs-${two.i8}-web-${two.i8}-2`
    expect(targets).toContainEqual({
      targets: [`${container}:9464`],
      labels: { __metrics_path__: '/metrics', service: 'web', instance: two.i8, release: two.release, container },
    })
    expect(text).not.toContain('secret')
  })

  it('stay the same text when serving and warm change places, and when a warm instance is the candidate', async () => {
    const [one, two] = [await instance(1), await instance(2)]
    const warm = (instance: Instance) => ({ instance, until: '2026-11-24T10:00:00.000Z' })
    const before = targetsOf({ ...emptyState, serving: one, warm: warm(two) })
    expect(targetsOf({ ...emptyState, serving: two, warm: warm(one) })).toBe(before)
    expect(targetsOf({ ...emptyState, serving: one, warm: warm(two), candidate: { ...two, preview: 'x' } })).toBe(
      before,
    )
  })
})

describe('the file of the targets', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pacs-targets-'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  it('can be read by Prometheus, whatever its user, and is written only when it changes', async () => {
    const logged: string[] = []
    const directory = join(root, 'prometheus')
    const write = openTargets(directory, (message) => logged.push(message))
    await write('[]\n')
    const file = await stat(join(directory, 'targets.json'))
    expect([(await stat(directory)).mode & 0o777, file.mode & 0o777]).toEqual([0o755, 0o444])
    await write('[]\n')
    expect((await stat(join(directory, 'targets.json'))).ino).toBe(file.ino)
    await write('[1]\n')
    expect(await readFile(join(directory, 'targets.json'), 'utf8')).toBe('[1]\n')
    expect(logged).toEqual([])
  })

  it('that cannot be written is logged, stops nothing, and is tried again', async () => {
    const logged: string[] = []
    const directory = join(root, 'prometheus')
    await writeFile(directory, 'a file in the way')
    const write = openTargets(directory, (message) => logged.push(message))
    await write('[]\n')
    expect(logged).toEqual([expect.stringMatching(/^the targets of Prometheus could not be written: .*EEXIST/)])
    await rm(directory)
    await write('[]\n')
    expect(await readFile(join(directory, 'targets.json'), 'utf8')).toBe('[]\n')
  })
})
