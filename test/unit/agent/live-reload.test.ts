import { describe, expect, it } from 'vitest'
import { requestSchema, type TransactionRequestInput } from '../../../src/agent/protocol.ts'
import { freshServer } from './fresh-server.ts'
import { ask, deployOf, resultOf } from './life.ts'
import { MemoryWorld, memoryCore, memoryRelease } from './memory-world.ts'

const here = freshServer()
/** Names transactions that die. */
let ids = 0

describe('new live files of a core service', () => {
  const coreOf: TransactionRequestInput = { kind: 'core', release: memoryRelease(1).reference, actor: 'jane' }
  const define = (files: number) => {
    here.server.core = [memoryCore(here.server, 'store', 1), memoryCore(here.server, 'edge', 1, files)]
  }
  const loaded = () => ({ files: here.server.files.get('edge'), loaded: here.server.loaded.get('edge') })
  const version = (name: string) => ({ files: { a: name, b: name }, loaded: `${name} ${name}` })

  it('are loaded on a signal without leave to replace it, and a deploy fits only after that', async () => {
    await using life = await here.start()
    define(1)
    expect(await ask(life.agent, coreOf)).toMatchObject({ outcome: 'done', message: 'started store, edge' })
    define(2)
    const early = await ask(life.agent, deployOf(1))
    expect(early).toMatchObject({
      outcome: 'refused',
      coreFirst: true,
      message: 'the core comes first: edge must be started, replaced or given new files',
    })
    life.world.trace.length = 0
    expect(await ask(life.agent, coreOf)).toMatchObject({ outcome: 'done', message: 'reloaded edge' })
    expect(life.world.trace.filter((effect) => !effect.startsWith('write'))).toEqual(['place', 'place', 'signal'])
    expect(loaded()).toEqual(version('f2'))
    expect(await ask(life.agent, coreOf)).toMatchObject({ outcome: 'unchanged' })
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed' })
  })

  it('that end the service are taken back, and it is told again', async () => {
    await using life = await here.start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    here.server.deadly.add('f2')
    const result = await ask(life.agent, coreOf)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      message:
        'edge ended on SIGHUP and was started anew by the engine; its log: docker logs pacs-edge-1; edge runs by its old files again',
    })
    expect(loaded()).toEqual(version('f1'))
    expect(here.server.state.core).toMatchObject({ services: { edge: 'edge-1.f1' }, replacing: [], work: null })
  })

  it('that end it are taken back also while the engine waits before it starts it anew', async () => {
    await using life = await here.start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    here.server.deadly.add('f2')
    const { containers } = life.world.engine
    let down = 0
    life.world.engine.containers = async (by) => {
      const found = await containers(by)
      const isDown =
        here.server.loaded.get('edge') === 'f2 f2' || (here.server.files.get('edge')?.b === 'f1' && down++ < 30)
      return isDown && here.server.state.core.replacing.length > 0
        ? found.map((one) => ({ ...one, running: false }))
        : found
    }
    const result = await ask(life.agent, coreOf)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(result.message).toMatch(/^edge ended with 0; .*; edge runs by its old files again$/)
    expect(loaded()).toEqual(version('f1'))
  })

  it('that make it unhealthy are taken back, and what the engine said of it before does not count', async () => {
    await using life = await here.start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    here.server.sickening.add('f2')
    const result = await ask(life.agent, coreOf)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(result.message).toContain('edge is unhealthy')
    expect(loaded()).toEqual(version('f1'))
    expect(here.server.containers.get('pacs-edge-1')?.health).toBe('healthy')
  })

  it('of which nothing is heard are taken back after 5 minutes', async () => {
    await using life = await here.start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    const { containers } = life.world.engine
    const deaf = { at: here.server.time, passed: true }
    life.world.engine.containers = async (by) => {
      const found = await containers(by)
      return here.server.files.get('edge')?.b === 'f2' ? found.map((one) => ({ ...one, lastCheck: deaf })) : found
    }
    const asked = here.server.time
    const result = await ask(life.agent, coreOf)
    expect(here.server.time - asked).toBeLessThan(330_000)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(result.message).toMatch(/^edge passed no health check within 5 ?m/)
    expect(loaded()).toEqual(version('f1'))
  })

  it('that the service does not see are taken back', async () => {
    await using life = await here.start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    const { readInside } = life.world.engine
    life.world.engine.readInside = async (container, path) =>
      here.server.files.get('edge')?.b === 'f2' ? 'f1' : readInside(container, path)
    const result = await ask(life.agent, coreOf)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(result.message).toContain('edge sees another /etc/a than the release brings')
    expect(loaded()).toEqual(version('f1'))
  })

  it.each<{ with: string; bad: 'deadly' | 'sickening' | null; ends: string[] }>([
    { with: 'good files', bad: null, ends: ['f1', 'f2'] },
    { with: 'files that end it', bad: 'deadly', ends: ['f1'] },
    { with: 'files that make it unhealthy', bad: 'sickening', ends: ['f1'] },
  ])(
    'killed in the reload of $with: it runs by one version as the state says, and asking again goes on',
    async ({ bad, ends }) => {
      const seen = new Set<string>()
      for (let effect = 1; ; effect++) {
        for (const after of [false, true]) {
          await here.renew()
          define(1)
          {
            await using life = await here.start()
            await ask(life.agent, coreOf)
          }
          const edge = here.server.containers.get('pacs-edge-1')
          define(2)
          if (bad) here.server[bad].add('f2')
          const id = `killed-${++ids}`
          const world = new MemoryWorld(here.server, effect, after)
          await using killed = await here.start(world)
          const ended = killed.agent
            .submit(id, requestSchema.parse(coreOf), 'deploy')
            .then(() => resultOf(killed.agent, id))
          if (!(await Promise.race([ended.then(() => world.dead), world.died.then(() => true)]))) {
            expect([...seen].sort()).toEqual(ends)
            return
          }
          const point = `effect ${effect} ${after ? 'after' : 'before'} ${world.trace.at(-1)}`
          await using next = await here.start()
          const { core, last, transaction } = here.server.state
          expect({ transaction, replacing: core.replacing, work: core.work }, point).toEqual({
            transaction: null,
            replacing: [],
            work: null,
          })
          const [, files = ''] = core.services.edge?.split('.') ?? []
          seen.add(files)
          expect(loaded(), point).toEqual(version(files))
          if (last?.transaction === id) {
            expect(last.result.outcome, point).toMatch(files === 'f2' ? /failed|done/ : /failed|refused|rolled-back/)
          }
          // The very container that ran before: none was removed, none made anew.
          expect(here.server.containers.get('pacs-edge-1') === edge && edge?.running, point).toBe(true)
          here.server.deadly.clear()
          here.server.sickening.clear()
          expect(['done', 'unchanged'], point).toContain((await ask(next.agent, coreOf)).outcome)
          expect(loaded(), point).toEqual(version('f2'))
        }
      }
    },
  )
})
