import { describe, expect, it } from 'vitest'
import type { TransactionRequestInput } from '../../../src/agent/protocol.ts'
import { NotStarted } from '../../../src/agent/server/engine.ts'
import { freshServer } from './fresh-server.ts'
import { ask, back, deployOf, diesIn } from './life.ts'
import { MemoryWorld, memoryCore, memoryRelease } from './memory-world.ts'

const here = freshServer()
/** Names transactions that die. */
let ids = 0

describe('a core transaction', () => {
  const coreOf = (allowCore = false): TransactionRequestInput => ({
    kind: 'core',
    release: memoryRelease(1).reference,
    actor: 'jane',
    allowCore,
  })
  const define = (version: number) => {
    here.server.core = ['store', 'edge'].map((name) => memoryCore(here.server, name, version))
  }
  /** The definition that each core service runs by; `stopped` for one that does not run. */
  const running = () =>
    ['store', 'edge'].map((name) => {
      const container = here.server.containers.get(`pacs-${name}-1`)
      return container?.running ? container.labels.definition : 'stopped'
    })

  it('starts what is absent, and replaces what changed only when that is allowed', async () => {
    await using life = await here.start()
    define(1)
    expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'done', message: 'started store, edge' })
    define(2)
    expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'refused' })
    expect(running()).toEqual(['store-1', 'edge-1'])
    expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'done', message: 'replaced store, edge' })
    expect(running()).toEqual(['store-2', 'edge-2'])
    expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'unchanged' })
  })

  describe('that finds a service under another name', () => {
    const renamed = () => ({ ...memoryCore(here.server, 'database', 1), writes: ['pacs-store'] })
    const named = (version: number) => {
      const service = { ...memoryCore(here.server, 'store', version), container: 'store-of-its-own' }
      here.server.definitions.set(service.hash, service)
      return service
    }
    const all = () => [...here.server.containers.values()].filter(({ running }) => running).map(({ name }) => name)

    it('refuses a second one on the same volume, and starts it once the first is gone', async () => {
      await using life = await here.start()
      define(1)
      await ask(life.agent, coreOf())
      const [, edge] = here.server.core
      if (edge === undefined) throw new Error('no core')
      here.server.core = [renamed(), edge]
      expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'refused', coreFirst: true })
      for (const leave of [false, true]) {
        const result = await ask(life.agent, coreOf(leave))
        expect(result).toMatchObject({ outcome: 'refused' })
        expect(result.message).toMatch(
          /^database would write to pacs-store beside pacs-store-1, [^\n]*former name \(store\), or in a quiet hour: docker stop pacs-store-1 && docker rm pacs-store-1, then ask again$/,
        )
        expect(all()).toEqual(['pacs-store-1', 'pacs-edge-1'])
      }
      here.server.containers.delete('pacs-store-1')
      expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'done', message: 'started database' })
      expect(all()).toEqual(['pacs-edge-1', 'pacs-database-1'])
    })

    it('refuses to start one on a volume that another service is only about to leave', async () => {
      await using life = await here.start()
      define(1)
      await ask(life.agent, coreOf())
      here.server.core = [renamed(), { ...memoryCore(here.server, 'store', 2), writes: ['pacs-store-18'] }]
      const result = await ask(life.agent, coreOf(true))
      expect(result).toMatchObject({ outcome: 'refused', message: expect.stringContaining('beside pacs-store-1') })
      expect(running()).toEqual(['store-1', 'edge-1'])
    })

    it('starts one on a volume that services share', async () => {
      await using life = await here.start()
      define(1)
      await ask(life.agent, coreOf())
      here.server.core.push(renamed())
      expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'done', message: 'started database' })
    })

    it('replaces one whose container is named anew with leave only, the old one stopped first', async () => {
      await using life = await here.start()
      define(1)
      await ask(life.agent, coreOf())
      const removed: string[] = []
      const { remove } = life.world.engine
      life.world.engine.remove = (names, grace) => {
        removed.push(...names)
        return remove(names, grace)
      }
      here.server.core = [named(2)]
      const refused = await ask(life.agent, coreOf())
      expect(refused).toMatchObject({ outcome: 'refused', message: expect.stringContaining('allow-core: true') })
      expect(all()).toEqual(['pacs-store-1', 'pacs-edge-1'])
      expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'done', message: 'replaced store' })
      expect(removed).toEqual(['pacs-store-1'])
      expect(all()).toEqual(['pacs-edge-1', 'store-of-its-own'])
    })

    it('brings the old one back where the engine does not start the one that is named anew', async () => {
      await using life = await here.start()
      define(1)
      await ask(life.agent, coreOf())
      here.server.core = [named(2)]
      const { start } = life.world.engine
      let refused = 0
      life.world.engine.start = (names) =>
        refused++ === 0 ? Promise.reject(new NotStarted('error', 'the port is taken')) : start(names)
      expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'rolled-back' })
      expect([...here.server.containers.keys()].sort()).toEqual(['pacs-edge-1', 'pacs-store-1'])
      expect(running()).toEqual(['store-1', 'edge-1'])
    })
  })

  it('is refused where the edge would no longer reach what serves, or what is warm yet', async () => {
    await using life = await here.start()
    const on = (version: number, ...networks: string[]) => {
      here.server.core = [{ ...memoryCore(here.server, 'edge', version), edge: networks }]
    }
    on(1, 'pacs-app')
    await ask(life.agent, coreOf())
    await ask(life.agent, deployOf(1))
    on(2, 'pacs-web')
    expect(await ask(life.agent, coreOf(true))).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(
        /^edge would no longer reach pacs-[^ ]+ of [^ ]+, which is on pacs-app only, and serves: keep/,
      ),
    })
    expect(running()).toEqual(['stopped', 'edge-1'])
    on(3, 'pacs-app', 'pacs-web')
    expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'done', message: 'replaced edge' })
    await ask(life.agent, deployOf(2))
    const second = memoryRelease(2).id
    for (const container of here.server.containers.values())
      if (container.labels['pacs.instance']?.startsWith(second)) container.networks = ['pacs-web']
    on(4, 'pacs-web')
    expect(await ask(life.agent, coreOf(true))).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(/, and is warm until 2026-[^ ]+: ask again after that$/),
    })
    here.server.state = { ...here.server.state, warm: null }
    expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'done', message: 'replaced edge' })
  })

  describe('over the images of an archive', () => {
    const SQLITE = { volume: 'pacs-images', index: null }
    const POSTGRES = { volume: 'pacs-images', index: { service: 'index', volumes: ['pacs-index'] } }
    const full = { images: true, sqlite: 'db/index' }
    const unnamed = { images: true, sqlite: null }
    const empty = { images: false, sqlite: 'db/index' }

    it.each([
      ['SQLite over its own', SQLITE, { 'pacs-images': full }],
      ['SQLite over none', SQLITE, { 'pacs-images': empty }],
      ['SQLite where there is no volume', SQLITE, {}],
      ['PostgreSQL over its own', POSTGRES, { 'pacs-images': unnamed, 'pacs-index': empty }],
      ['PostgreSQL over none', POSTGRES, { 'pacs-images': empty }],
    ])('starts %s', async (_, archive, volumes) => {
      await using life = await here.start()
      here.server.volumes = new Map(Object.entries(volumes))
      here.server.core = [{ ...memoryCore(here.server, 'store', 1), archive }]
      expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'done' })
      here.server.core = [{ ...memoryCore(here.server, 'store', 2), archive }]
      expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'done', message: 'replaced store' })
    })

    it.each([
      [
        'PostgreSQL',
        POSTGRES,
        { 'pacs-images': full },
        /an index of SQLite \(db\/index\), and this .* in index; stay with SQLite/,
      ],
      [
        'SQLite',
        SQLITE,
        { 'pacs-images': unnamed, 'pacs-index': empty },
        /no index of SQLite is there, .*; leave its index in/,
      ],
      [
        'a new PostgreSQL',
        POSTGRES,
        { 'pacs-images': unnamed },
        /index, .*, has lost its volume pacs-index; bring that back/,
      ],
    ])('refuses %s that names none of them, and changes nothing', async (_, archive, volumes, why) => {
      await using life = await here.start()
      define(1)
      await ask(life.agent, coreOf())
      define(2)
      here.server.volumes = new Map(Object.entries(volumes))
      const [store, edge] = here.server.core
      if (store === undefined || edge === undefined) throw new Error('no core')
      here.server.core = [{ ...store, archive }, edge]
      const before = structuredClone(here.server.state.core)
      const result = await ask(life.agent, coreOf(true))
      expect(result).toMatchObject({ outcome: 'refused', message: expect.stringMatching(why) })
      expect(result.message).toMatch(/^store would show none of the images in the volume pacs-images: [^\n]+$/)
      expect(running()).toEqual(['store-1', 'edge-1'])
      expect(here.server.state.core).toEqual(before)
    })
  })

  it('is what a deploy asks for first when it would make the core fit', async () => {
    await using life = await here.start()
    define(1)
    const first = await ask(life.agent, deployOf(1))
    expect(first).toMatchObject({ outcome: 'refused', coreFirst: true })
    expect(first.message).toContain('store, edge')
    await ask(life.agent, coreOf())
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed' })
    const { id, reference } = memoryRelease(1)
    const core = { release: id, reference, services: ['store', 'edge'] }
    expect(await life.agent.status()).toMatchObject({ serving: { release: id }, core })
    define(2)
    const changed = await ask(life.agent, deployOf(2))
    expect(changed).toMatchObject({ outcome: 'refused' })
    expect(changed.coreFirst).toBeUndefined()
    const allowed = { ...deployOf(2), allowCore: true } as TransactionRequestInput
    expect(await ask(life.agent, allowed)).toMatchObject({ outcome: 'refused', coreFirst: true })
    expect(running()).toEqual(['store-1', 'edge-1'])
  })

  it('is said to be that of the release that serves by it, whose data is then backed up, also after a rollback', async () => {
    await using life = await here.start()
    define(1)
    await ask(life.agent, coreOf())
    for (const number of [1, 2]) await ask(life.agent, deployOf(number))
    const second = memoryRelease(2).id
    const backedUp = async () => {
      await ask(life.agent, { kind: 'backup', actor: 'jane' })
      return here.server.backedUp
    }
    expect(await backedUp()).toBe(second)
    expect(await life.agent.status()).toMatchObject({ core: { release: second } })
    expect(await ask(life.agent, back())).toMatchObject({ serving: memoryRelease(1).id })
    expect(await backedUp()).toBe(memoryRelease(1).id)

    // A core that another release brought is that one's, whatever serves by it.
    define(3)
    const third = { ...coreOf(true), release: memoryRelease(3).reference } as TransactionRequestInput
    expect(await ask(life.agent, third)).toMatchObject({ outcome: 'done' })
    await ask(life.agent, deployOf(3))
    expect(await ask(life.agent, back())).toMatchObject({ serving: memoryRelease(1).id })
    expect(await backedUp()).toBe(memoryRelease(3).id)
  })

  it('forgets a service that a release no longer defines, once its container is gone', async () => {
    await using life = await here.start()
    define(1)
    await ask(life.agent, coreOf())
    await ask(life.agent, deployOf(1))
    here.server.core = here.server.core.filter(({ name }) => name === 'edge')
    await ask(life.agent, deployOf(2))
    const coreChecks = async () =>
      (await life.agent.health()).checks
        .filter(({ name }) => name.startsWith('core '))
        .map(({ name, ok }) => [name, ok])
    expect(await coreChecks()).toEqual([
      ['core store', true],
      ['core edge', true],
    ])
    here.server.containers.delete('pacs-store-1')
    expect(await coreChecks()).toContainEqual(['core store', false])
    await ask(life.agent, deployOf(3))
    expect(await coreChecks()).toEqual([['core edge', true]])
  })

  it('that fails half-way says what is done and what is left, and goes on when asked again', async () => {
    await using life = await here.start()
    define(1)
    await ask(life.agent, coreOf())
    define(2)
    const { create } = life.world.engine
    life.world.engine.create = (project) =>
      project.file === 'edge-2' ? Promise.reject(new Error('no space')) : create(project)
    const failed = await ask(life.agent, coreOf(true))
    expect(failed).toMatchObject({ outcome: 'failed' })
    expect(failed.message).toBe(
      'no space; edge runs by its old definition; done: store; left: edge; ask for the core again to go on',
    )
    expect(running()).toEqual(['store-2', 'edge-1'])
    life.world.engine.create = create
    expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'done', message: 'replaced edge' })
    expect(running()).toEqual(['store-2', 'edge-2'])
  })

  describe('whose new definition the engine does not start', () => {
    const taken = new NotStarted('error', 'the port is taken')
    const refusing = async (life: Awaited<ReturnType<typeof here.start>>, refusal: Error, always = false) => {
      define(1)
      await ask(life.agent, coreOf())
      define(2)
      const { start } = life.world.engine
      let refused = 0
      life.world.engine.start = (names) => (always || refused++ === 0 ? Promise.reject(refusal) : start(names))
      return ask(life.agent, coreOf(true))
    }

    it('runs by the old one again, without a person', async () => {
      await using life = await here.start()
      expect(await refusing(life, taken)).toMatchObject({
        outcome: 'rolled-back',
        message: 'the port is taken; store runs by its old definition',
      })
      expect(running()).toEqual(['store-1', 'edge-1'])
      expect(here.server.state.core).toMatchObject({ work: null, replacing: [] })
    })

    it('says so where the old one does not start either, and goes on when asked again', async () => {
      await using life = await here.start()
      const { start } = life.world.engine
      const failed = await refusing(life, taken, true)
      expect(failed).toMatchObject({ outcome: 'failed' })
      expect(failed.message).toBe(
        'the port is taken; the old store could not be brought back: the port is taken; done: nothing; left: store, edge; ask for the core again to go on',
      )
      life.world.engine.start = start
      expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'done' })
      expect(running()).toEqual(['store-2', 'edge-2'])
    })

    it('does not go back where the engine gives no answer: the new one may have changed what it mounts', async () => {
      await using life = await here.start()
      const failed = await refusing(life, new Error('no answer'))
      expect(failed).toMatchObject({ outcome: 'failed' })
      expect(failed.message).toMatch(/^no answer; done: nothing; left: store, edge/)
      expect(running()).toEqual(['stopped', 'edge-1'])
      expect(here.server.containers.get('pacs-store-1')?.labels.definition).toBe('store-2')
    })
  })

  it('starts what is absent side by side, and what depends on it when that is up', async () => {
    await using life = await here.start()
    here.server.core = ['store', 'cache', 'edge'].map((name) => memoryCore(here.server, name, 1))
    here.server.core = here.server.core.map((one) =>
      one.name === 'edge' ? { ...one, after: ['store', 'cache'] } : one,
    )
    const { containers } = life.world.engine
    const atTheirStart = new Map<string, string[]>()
    life.world.engine.containers = async (by) => {
      const found = await containers(by)
      // Nothing is healthy before all that may start has been started.
      const early = [...here.server.containers.values()].filter(({ name }) => /store|cache/.test(name)).length < 2
      return early ? found.map((one) => ({ ...one, health: 'starting' as const })) : found
    }
    const { start } = life.world.engine
    life.world.engine.start = (names) => {
      for (const name of names)
        atTheirStart.set(
          name,
          here.server.state.core.replacing.map(({ service }) => service),
        )
      return start(names)
    }
    expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'done', message: 'started store, cache, edge' })
    expect(Object.fromEntries(atTheirStart)).toEqual({
      'pacs-store-1': ['store'],
      'pacs-cache-1': ['store', 'cache'],
      'pacs-edge-1': ['edge'],
    })
  })

  it('brings up the others when one does not come up, and that one when asked again', async () => {
    await using life = await here.start()
    define(1)
    const { containers } = life.world.engine
    life.world.engine.containers = async (by) =>
      (await containers(by)).map((one) =>
        one.name === 'pacs-store-1' ? { ...one, health: 'unhealthy' as const } : one,
      )
    const failed = await ask(life.agent, coreOf())
    expect(failed).toMatchObject({ outcome: 'failed' })
    expect(failed.message).toContain('store is unhealthy')
    expect(failed.message).toContain('done: edge; left: store; ask for the core again to go on')
    life.world.engine.containers = containers
    expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'done', message: 'started store' })
    expect(running()).toEqual(['store-1', 'edge-1'])
  })

  describe('of which a service ends as often as the engine starts it', () => {
    /** As the engine tells of it: it runs and is not healthy yet, and each `pause` seconds it was started anew. */
    const endless = (world: MemoryWorld, pause: number) => {
      const { containers } = world.engine
      world.engine.containers = async (by) =>
        (await containers(by)).map((one) =>
          one.labels.definition === 'store-2' && one.running
            ? {
                ...one,
                health: 'starting' as const,
                exitCode: 62,
                startedAt: `start ${Math.floor(here.server.time / (pause * 1000))}`,
              }
            : one,
        )
    }

    it('fails by its name, and goes on when asked again', async () => {
      await using life = await here.start()
      define(1)
      await ask(life.agent, coreOf())
      define(2)
      const { containers } = life.world.engine
      endless(life.world, 1)
      const failed = await ask(life.agent, coreOf(true))
      expect(failed).toMatchObject({ outcome: 'failed' })
      expect(failed.message).toBe(
        'store ended with 62 and is started again and again; its log: docker logs pacs-store-1; done: nothing; left: store, edge; ask for the core again to go on',
      )
      life.world.engine.containers = containers
      expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'done' })
      expect(running()).toEqual(['store-2', 'edge-2'])
    })

    it('fails also where no start follows, after half an hour', async () => {
      await using life = await here.start()
      define(1)
      await ask(life.agent, coreOf())
      define(2)
      endless(life.world, 86_400)
      expect(await ask(life.agent, coreOf(true))).toMatchObject({
        outcome: 'failed',
        message: expect.stringContaining('store is not healthy after 30 min 0 s; its log: docker logs pacs-store-1'),
      })
    })

    it('keeps no agent from its start that was killed meanwhile', async () => {
      define(1)
      {
        await using life = await here.start()
        await ask(life.agent, coreOf())
      }
      define(2)
      const world = new MemoryWorld(here.server)
      await using killed = await here.start(world)
      const { start } = world.engine
      world.engine.start = (names) => start(names).then(() => world.kill())
      const id = `killed-${++ids}`
      expect(await diesIn(killed, id, coreOf(true))).toBe(true)
      const second = new MemoryWorld(here.server)
      endless(second, 86_400)
      const began = here.server.time
      await using _next = await here.start(second)
      expect(here.server.time - began).toBeLessThan(10 * 60_000)
      expect(here.server.state).toMatchObject({ phase: 'idle', transaction: null })
      expect(here.server.state.last?.result).toMatchObject({
        outcome: 'failed',
        message: expect.stringMatching(/^interrupted: store is not healthy after 5 min 0 s; .*left: store, edge; ask/),
      })
    })
  })

  it('that is killed while everything starts goes on without leave when asked again, from every effect', async () => {
    for (let effect = 1; ; effect++) {
      for (const after of [false, true]) {
        await here.renew()
        define(1)
        const id = `killed-${++ids}`
        const world = new MemoryWorld(here.server, effect, after)
        await using killed = await here.start(world)
        if (!(await diesIn(killed, id, coreOf()))) return
        const point = `effect ${effect} ${after ? 'after' : 'before'} ${world.trace.at(-1)}`
        await using next = await here.start()
        const { core, ...state } = here.server.state
        expect(state, point).toMatchObject({ phase: 'idle', transaction: null })
        expect(core, point).toMatchObject({ work: null, replacing: [] })
        expect(running(), point).toEqual(['store', 'edge'].map((name) => core.services[name] ?? 'stopped'))
        expect(['done', 'unchanged'], point).toContain((await ask(next.agent, coreOf())).outcome)
        expect(running(), point).toEqual(['store-1', 'edge-1'])
      }
    }
  })

  it('that is killed ends as what it did, from every effect, and goes on when asked again', async () => {
    const said = new Set<string>()
    for (let effect = 1; ; effect++) {
      for (const after of [false, true]) {
        await here.renew()
        define(1)
        {
          await using life = await here.start()
          await ask(life.agent, coreOf())
        }
        define(2)
        const id = `killed-${++ids}`
        const world = new MemoryWorld(here.server, effect, after)
        await using killed = await here.start(world)
        if (!(await diesIn(killed, id, coreOf(true)))) {
          expect([...said].sort()).toEqual(['nothing', 'store', 'store, edge'])
          return
        }
        const point = `effect ${effect} ${after ? 'after' : 'before'} ${world.trace.at(-1)}`
        await using next = await here.start()
        expect(here.server.state, point).toMatchObject({ phase: 'idle', transaction: null, core: { work: null } })
        expect(running(), point).not.toContain('stopped')
        const { last, core } = here.server.state
        expect(running(), point).toEqual(['store', 'edge'].map((name) => core.services[name]))
        if (last?.transaction === id && last.result.outcome === 'failed') {
          const [, done = ''] = /done: ([a-z, ]+); left: /.exec(last.result.message) ?? []
          said.add(done)
          const isDone = running().flatMap((definition) => (definition?.endsWith('-2') ? definition.slice(0, -2) : []))
          expect(isDone.join(', ') || 'nothing', `${point}: ${last.result.message}`).toBe(done)
        } else if (last?.transaction === id && last.result.outcome === 'refused') {
          expect(running(), point).toEqual(['store-1', 'edge-1'])
        }
        expect(['done', 'unchanged'], point).toContain((await ask(next.agent, coreOf(true))).outcome)
        expect(running(), point).toEqual(['store-2', 'edge-2'])
      }
    }
  })

  it('that is killed, and again while the next one settles that: the one after it ends so from every effect of both', async () => {
    let [points, twice] = [0, 0]
    for (let effect = 1; ; effect++, points++) {
      for (let within = 1; ; within++) {
        await here.renew()
        define(1)
        {
          await using life = await here.start()
          await ask(life.agent, coreOf())
        }
        define(2)
        const id = `killed-${++ids}`
        const world = new MemoryWorld(here.server, effect)
        await using killed = await here.start(world)
        if (!(await diesIn(killed, id, coreOf(true)))) {
          expect(points).toBeGreaterThan(10)
          expect(twice).toBeGreaterThan(20)
          return
        }
        const again = new MemoryWorld(here.server, within, true)
        await using _second = await here.start(again)
        if (!again.dead) break
        twice += 1
        const point = `effect ${effect} before ${world.trace.at(-1)}, then after ${again.trace.at(-1)}`
        await using third = await here.start()
        expect(here.server.state, point).toMatchObject({ phase: 'idle', transaction: null, core: { work: null } })
        const { core } = here.server.state
        expect(core.replacing, point).toEqual([])
        expect(running(), point).toEqual(['store', 'edge'].map((name) => core.services[name]))
        expect(['done', 'unchanged'], point).toContain((await ask(third.agent, coreOf(true))).outcome)
        expect(running(), point).toEqual(['store-2', 'edge-2'])
      }
    }
  })
})
