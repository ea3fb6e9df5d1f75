import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { requestSchema, type TransactionRequestInput } from '../../../src/agent/protocol.ts'
import type { Agent } from '../../../src/agent/transaction/agent.ts'
import { ask, resultOf, startAgent } from './life.ts'
import { MemoryWorld, memoryCore, memoryRelease, Server } from './memory-world.ts'

let directory: string
let server: Server
/** Names transactions that die. */
let ids = 0

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
  server = new Server()
})

afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))

const start = (world = new MemoryWorld(server)) => startAgent(directory, world)

const deployOf = (number: number): TransactionRequestInput => ({
  kind: 'deploy',
  release: memoryRelease(number).reference,
  actor: 'jane',
  watch: 3000,
  keepWarm: 600_000,
})
const back = (to?: number): TransactionRequestInput => ({
  kind: 'rollback',
  reason: 'worse than before',
  actor: 'jane',
  watch: 3000,
  ...(to === undefined ? {} : { to: memoryRelease(to).id }),
})

/** The instance of each target that Prometheus is told of. */
const scraped = () =>
  z
    .array(z.object({ labels: z.object({ instance: z.string() }) }))
    .parse(JSON.parse(server.targets))
    .map(({ labels }) => labels.instance)

/** Milliseconds for which an undone release still serves its assets. */
const PAGE_LOAD = 5000

const routers = () => Object.keys(server.traffic.http?.routers ?? {})

/** The graces of the removals of a world from now on, with the routers that stood at that time. */
function removals(world: MemoryWorld) {
  const seen: { routers: string[]; grace: number | undefined }[] = []
  const { engine } = world
  const remove = engine.remove
  engine.remove = (names, grace) => {
    if (names.length > 0) seen.push({ routers: routers(), grace })
    return remove(names, grace)
  }
  return seen
}

describe('a deploy', () => {
  it('serves the first release of an empty server', async () => {
    await using life = await start()
    expect(await ask(life.agent, deployOf(1))).toMatchObject({
      outcome: 'deployed',
      direction: 'forward',
      previous: null,
    })
    expect(server.public().serves).toBe(true)
    expect(server.state).toMatchObject({ phase: 'idle', transaction: null, candidate: null, warm: null })
  })

  it('keeps the previous release warm, and is unchanged when asked again', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'deployed', previous: memoryRelease(1).id })
    expect(server.state.warm?.instance.release).toBe(memoryRelease(1).id)
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'unchanged', serving: memoryRelease(2).id })
    expect(server.broken).toEqual([])
  })

  it('of the same release with another configuration is a new instance', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    server.config = 'decaf00123456789'
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed' })
    expect(server.state.serving?.config).toBe(server.config)
    expect(server.state.warm?.instance.release).toBe(memoryRelease(1).id)
  })

  it('that never gets ready is undone while the old release serves', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    server.behaviours.set(memoryRelease(2).id, { neverReady: true })
    const result = await ask(life.agent, deployOf(2))
    expect(result).toMatchObject({ outcome: 'rolled-back', serving: memoryRelease(1).id })
    expect(result.message).toContain('web is unhealthy (/ready last answered: status 503)')
    expect(server.containers.size).toBe(2)
    expect(server.broken).toEqual([])
  })

  it('that answers 5xx once public is undone, with the evidence', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
    const result = await ask(life.agent, deployOf(2))
    expect(result).toMatchObject({ outcome: 'rolled-back', serving: memoryRelease(1).id })
    expect(result.message).toMatch(/\d+ of \d+ requests answered with a 5xx within 5 s/)
    expect(server.public().instance).toBe(server.state.serving?.i8)
  })

  it('that was public and is undone has its result at once, and stops when its open pages have loaded', async () => {
    {
      await using life = await start()
      await ask(life.agent, deployOf(1))
      server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
      await ask(life.agent, deployOf(2))
      expect(server.state.undone?.instance.release).toBe(memoryRelease(2).id)
      expect(routers()).toEqual(['public-web', `assets-web-${server.state.undone?.instance.i8}`])
      expect(server.containers.size).toBe(4)
    }
    server.time += PAGE_LOAD
    const world = new MemoryWorld(server)
    const seen = removals(world)
    await using _later = await start(world)
    await expect.poll(() => server.containers.size).toBe(2)
    expect(seen).toEqual([{ routers: ['public-web'], grace: undefined }])
    expect(server.state.undone).toBe(null)
    expect(server.broken).toEqual([])
  })

  it('that nobody was sent to is killed, since its grace is for requests', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    server.behaviours.set(memoryRelease(2).id, { neverReady: true })
    const seen = removals(life.world)
    await ask(life.agent, deployOf(2))
    expect(seen).toMatchObject([{ grace: 0 }])
    expect(server.state.undone).toBe(null)
  })

  it('of the release that was just undone starts it anew', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
    await ask(life.agent, deployOf(2))
    server.behaviours.clear()
    const seen = removals(life.world)
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'deployed', serving: memoryRelease(2).id })
    expect(seen).toMatchObject([{ grace: undefined }])
    expect(server.state.undone).toBe(null)
    expect(server.containers.size).toBe(4)
    expect(server.broken).toEqual([])
  })

  it('waits for nothing that the seal superseded, and neither does the next one', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    const { engine } = life.world
    const remove = engine.remove
    let stop: () => void = () => undefined
    const stopping = new Promise<void>((resolve) => {
      stop = resolve
    })
    engine.remove = async (names, grace) => {
      await stopping
      return remove(names, grace)
    }
    expect(await ask(life.agent, deployOf(3))).toMatchObject({ outcome: 'deployed' })
    expect(await ask(life.agent, deployOf(4))).toMatchObject({ outcome: 'deployed' })
    stop()
    await expect.poll(() => server.containers.size).toBe(4)
    expect(server.broken).toEqual([])
  })

  it('of a release that is on its way out ends that first', async () => {
    await using life = await start()
    for (const number of [1, 2]) await ask(life.agent, deployOf(number))
    const [left] = [...server.containers.values()].map((one) => one.labels['pacs.instance'])
    const { engine } = life.world
    const { remove } = engine
    // The sweep, which runs beside no transaction, is not done with it yet when it is asked for again.
    engine.remove = (names, grace) => (server.state.transaction ? remove(names, grace) : new Promise(() => undefined))
    await ask(life.agent, deployOf(3))
    expect([...server.containers.values()].some((one) => one.labels['pacs.instance'] === left)).toBe(true)
    const before = new Set([...server.containers.values()].filter((one) => one.labels['pacs.instance'] === left))
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed', serving: memoryRelease(1).id })
    expect([...server.containers.values()].some((one) => before.has(one))).toBe(false)
    expect(server.broken).toEqual([])
  })

  it('that fails on an empty server leaves nothing and says so', async () => {
    await using life = await start()
    server.behaviours.set(memoryRelease(1).id, { neverReady: true })
    const result = await ask(life.agent, deployOf(1))
    expect(result).toMatchObject({ outcome: 'rolled-back', serving: null })
    expect(result.message).toContain('nothing serves (it was the first installation)')
    expect(server.containers.size).toBe(0)
  })

  it('of the release that is still warm takes its running instance, and neither a seal nor an undo stops that', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed', serving: memoryRelease(1).id })
    expect(server.state.warm?.instance.release).toBe(memoryRelease(2).id)
    server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
    expect(await ask(life.agent, deployOf(2))).toMatchObject({ outcome: 'rolled-back', serving: memoryRelease(1).id })
    expect(server.containers.size).toBe(4)
    expect(server.broken).toEqual([])
  })

  it('of a warm release that no longer answers starts it anew', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    const [dead] = server.state.warm?.instance.services[0]?.containers ?? []
    const container = server.containers.get(dead ?? '')
    if (!container) throw new Error('nothing is warm')
    container.running = false
    life.world.trace.length = 0
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed', serving: memoryRelease(1).id })
    expect(life.world.trace).toContain('remove')
    expect(server.broken).toEqual([])
  })

  it('whose undo cannot finish says so, keeps the lock, and is undone when asked to abort', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    server.behaviours.set(memoryRelease(2).id, { neverReady: true })
    server.trafficBroken = true
    const result = await ask(life.agent, deployOf(2))
    expect(result.outcome).toBe('failed')
    expect(result.message).toContain('pacs-agent abort')
    await expect(ask(life.agent, deployOf(3))).rejects.toMatchObject({ kind: 'locked' })
    server.trafficBroken = false
    await life.agent.abort(server.state.transaction?.id ?? '')
    expect(server.state).toMatchObject({ phase: 'idle', transaction: null, candidate: null })
    expect(await ask(life.agent, deployOf(3))).toMatchObject({ outcome: 'deployed' })
  })
})

describe('one lock', () => {
  it('tells a second deploy who holds it and since when', async () => {
    await using life = await start()
    await life.agent.submit('first-deploy', requestSchema.parse(deployOf(1)), 'deploy')
    await expect(ask(life.agent, deployOf(2))).rejects.toThrow(/deploy first-deploy of jane runs since 2026-11-24T/)
    await resultOf(life.agent, 'first-deploy')
  })

  it('takes the same id twice as one', async () => {
    await using life = await start()
    await life.agent.submit('first-deploy', requestSchema.parse(deployOf(1)), 'deploy')
    await life.agent.submit('first-deploy', requestSchema.parse(deployOf(1)), 'deploy')
    expect((await resultOf(life.agent, 'first-deploy')).outcome).toBe('deployed')
    expect(server.containers.size).toBe(2)
  })

  it('waits until the end of keep-warm is cleaned up, so that nothing is pruned under it', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    const { engine } = life.world
    const remove = engine.remove
    let stop: () => void = () => undefined
    const stopping = new Promise<void>((resolve) => {
      stop = resolve
    })
    engine.remove = async (names, grace) => {
      await stopping
      return remove(names, grace)
    }
    await ask(life.agent, { ...deployOf(2), keepWarm: 0 } as TransactionRequestInput)
    await expect.poll(() => server.state.warm).toBe(null)
    const third = ask(life.agent, deployOf(3))
    stop()
    expect(await third).toMatchObject({ outcome: 'deployed' })
    expect(server.prunedDuring).toEqual([null])
  })

  it('lets a rollback end an unsealed deploy, whose old release serves already', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    await life.agent.submit('second-deploy', requestSchema.parse({ ...deployOf(2), watch: 3_600_000 }), 'deploy')
    const result = await ask(life.agent, back())
    expect(await resultOf(life.agent, 'second-deploy')).toMatchObject({ outcome: 'rolled-back' })
    expect(result).toMatchObject({ outcome: 'deployed', direction: 'back', serving: memoryRelease(1).id })
    expect(server.broken).toEqual([])
  })
})

describe('a rollback', () => {
  it('goes to the warm release without starting anything', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    life.world.trace.length = 0
    expect(await ask(life.agent, back())).toMatchObject({
      outcome: 'deployed',
      direction: 'back',
      serving: memoryRelease(1).id,
    })
    expect(life.world.trace).toEqual(['write idle', 'write idle', 'traffic'])
    expect(server.state.warm?.instance.release).toBe(memoryRelease(2).id)
  })

  it('after keep-warm starts the old release anew', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, { ...deployOf(2), keepWarm: 0 } as TransactionRequestInput)
    await expect.poll(() => server.state.warm).toBe(null)
    await expect.poll(() => server.containers.size).toBe(2)
    expect(await ask(life.agent, back())).toMatchObject({
      outcome: 'deployed',
      direction: 'back',
      serving: memoryRelease(1).id,
    })
    expect(server.broken).toEqual([])
  })

  it('to a release that was never accepted is refused and names what can be had', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    const result = await ask(life.agent, back(5))
    expect(result.outcome).toBe('refused')
    expect(result.message).toContain(`it can go back to: ${memoryRelease(1).id}`)
  })
})

/** The instances that the state names, and those that have containers. */
const named = () => {
  const { serving, warm, undone } = server.state
  return [serving, warm?.instance, undone?.instance].flatMap((one) => one?.instance ?? []).sort()
}
const running = () => [...new Set([...server.containers.values()].map((one) => one.labels['pacs.instance']))].sort()

describe('whatever kills the agent', () => {
  it('leaves no container behind in which a release was being read', async () => {
    {
      await using life = await start()
      await ask(life.agent, deployOf(1))
    }
    const [some] = server.containers.values()
    if (!some) throw new Error('nothing runs')
    server.containers.set('reader', { ...some, id: 'reader', labels: { 'org.pacs-deploy.reading': '1' } })
    await using next = await start()
    expect(next.logged).toEqual([])
    expect(server.containers.has('reader')).toBe(false)
    expect(server.containers.size).toBe(2)
  })

  const scenarios: { name: string; prepare: (agent: Agent) => Promise<unknown>; request: TransactionRequestInput }[] = [
    { name: 'a first deploy', prepare: async () => undefined, request: deployOf(1) },
    { name: 'a second deploy', prepare: (agent) => ask(agent, deployOf(1)), request: deployOf(2) },
    {
      name: 'a deploy that is undone',
      prepare: async (agent) => {
        server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
        await ask(agent, deployOf(1))
      },
      request: deployOf(2),
    },
    {
      name: 'a warm rollback',
      prepare: async (agent) => {
        await ask(agent, deployOf(1))
        await ask(agent, deployOf(2))
      },
      request: back(),
    },
    {
      name: 'a deploy of the warm release',
      prepare: async (agent) => {
        await ask(agent, deployOf(1))
        await ask(agent, deployOf(2))
      },
      request: deployOf(1),
    },
    {
      name: 'a rollback to a stopped release',
      prepare: async (agent) => {
        for (const number of [1, 2, 3]) await ask(agent, deployOf(number))
      },
      request: back(1),
    },
  ]

  it.each(scenarios)('$name: the next one converges alone from every effect', async ({ prepare, request }) => {
    let points = 0
    for (let effect = 1; ; effect++) {
      for (const after of [false, true]) {
        server = new Server()
        await rm(directory, { recursive: true, force: true, maxRetries: 5 })
        directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
        {
          await using life = await start()
          await prepare(life.agent)
        }
        const before = server.state.serving?.release ?? null
        const id = `killed-${++ids}`
        const world = new MemoryWorld(server, effect, after)
        await using killed = await start(world)
        const ended = killed.agent
          .submit(id, requestSchema.parse(request), 'deploy')
          .then(() => resultOf(killed.agent, id))
        const died = await Promise.race([ended.then(() => world.dead), world.died.then(() => true)])
        if (!died) {
          expect(points).toBeGreaterThan(4)
          return
        }
        points += 1
        const point = `effect ${effect} ${after ? 'after' : 'before'} ${world.trace.at(-1)}`

        await using next = await start()
        expect(server.state, point).toMatchObject({ phase: 'idle', transaction: null, candidate: null })
        expect(server.broken, point).toEqual([])
        const serving = server.state.serving?.release ?? null
        if (next.journal.has(id) && server.state.last?.transaction === id) {
          const result = await resultOf(next.agent, id)
          expect(result.serving, point).toBe(serving)
          if (result.outcome !== 'deployed') expect(serving, point).toBe(before)
        } else {
          expect(serving, point).toBe(before)
          // A journal without a result would keep its followers waiting for ever.
          expect(next.journal.has(id), point).toBe(false)
        }
        // Only what the state names is left running, and the public is led to what the state calls serving.
        await expect.poll(running, { message: point }).toEqual(named())
        expect(server.public().instance, point).toBe(server.state.serving?.i8 ?? null)
        expect(server.targets === '' ? [] : [...new Set(scraped())].sort(), point).toEqual(
          [server.state.serving, server.state.warm?.instance].flatMap((one) => one?.i8 ?? []).sort(),
        )
      }
    }
  })

  it('while an undone release ends: the next one converges alone from every effect', async () => {
    let points = 0
    for (let effect = 1; ; effect++) {
      for (const after of [false, true]) {
        server = new Server()
        await rm(directory, { recursive: true, force: true, maxRetries: 5 })
        directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
        {
          await using life = await start()
          await ask(life.agent, deployOf(1))
          server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
          await ask(life.agent, deployOf(2))
        }
        server.time += PAGE_LOAD
        const world = new MemoryWorld(server, effect, after)
        await using _killed = await start(world)
        const ended = expect
          .poll(() => world.dead || (server.state.undone === null && running().length === 1))
          .toBe(true)
        await ended
        // What comes after the last container (its networks) is an effect as well.
        await new Promise((resolve) => setTimeout(resolve, 20))
        if (!world.dead) {
          expect(points).toBeGreaterThan(4)
          return
        }
        points += 1
        const point = `effect ${effect} ${after ? 'after' : 'before'} ${world.trace.at(-1)}`
        await using _next = await start()
        await expect.poll(running, { message: point }).toEqual([server.state.serving?.instance])
        await expect.poll(routers, { message: point }).toEqual(['public-web'])
        expect(server.state, point).toMatchObject({ phase: 'idle', transaction: null, candidate: null, undone: null })
        expect(server.broken, point).toEqual([])
      }
    }
  })
})

describe('a core transaction', () => {
  const coreOf = (allowCore = false): TransactionRequestInput => ({
    kind: 'core',
    release: memoryRelease(1).reference,
    actor: 'jane',
    allowCore,
  })
  const define = (version: number) => {
    server.core = ['store', 'edge'].map((name) => memoryCore(server, name, version))
  }
  /** The definition that each core service runs by; `stopped` for one that does not run. */
  const running = () =>
    ['store', 'edge'].map((name) => {
      const container = server.containers.get(`pacs-${name}-1`)
      return container?.running ? container.labels.definition : 'stopped'
    })

  it('starts what is absent, and replaces what changed only when that is allowed', async () => {
    await using life = await start()
    define(1)
    expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'done', message: 'started store, edge' })
    define(2)
    expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'refused' })
    expect(running()).toEqual(['store-1', 'edge-1'])
    expect(await ask(life.agent, coreOf(true))).toMatchObject({ outcome: 'done', message: 'replaced store, edge' })
    expect(running()).toEqual(['store-2', 'edge-2'])
    expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'unchanged' })
  })

  it('is what a deploy asks for first when it would make the core fit', async () => {
    await using life = await start()
    define(1)
    const first = await ask(life.agent, deployOf(1))
    expect(first).toMatchObject({ outcome: 'refused', coreFirst: true })
    expect(first.message).toContain('store, edge')
    await ask(life.agent, coreOf())
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed' })
    define(2)
    const changed = await ask(life.agent, deployOf(2))
    expect(changed).toMatchObject({ outcome: 'refused' })
    expect(changed.coreFirst).toBeUndefined()
    const allowed = { ...deployOf(2), allowCore: true } as TransactionRequestInput
    expect(await ask(life.agent, allowed)).toMatchObject({ outcome: 'refused', coreFirst: true })
    expect(running()).toEqual(['store-1', 'edge-1'])
  })

  it('that fails half-way says what is done and what is left, and goes on when asked again', async () => {
    await using life = await start()
    define(1)
    await ask(life.agent, coreOf())
    define(2)
    const { create } = life.world.engine
    life.world.engine.create = (project) =>
      project.file === 'edge-2' ? Promise.reject(new Error('no space')) : create(project)
    const failed = await ask(life.agent, coreOf(true))
    expect(failed).toMatchObject({ outcome: 'failed' })
    expect(failed.message).toBe('no space; done: store; left: edge; ask for the core again to go on')
    life.world.engine.create = create
    expect(await ask(life.agent, coreOf())).toMatchObject({ outcome: 'done', message: 'started edge' })
    expect(running()).toEqual(['store-2', 'edge-2'])
  })

  it('that is killed ends as what it did, from every effect, and goes on when asked again', async () => {
    const said = new Set<string>()
    for (let effect = 1; ; effect++) {
      for (const after of [false, true]) {
        server = new Server()
        await rm(directory, { recursive: true, force: true, maxRetries: 5 })
        directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
        define(1)
        {
          await using life = await start()
          await ask(life.agent, coreOf())
        }
        define(2)
        const id = `killed-${++ids}`
        const world = new MemoryWorld(server, effect, after)
        await using killed = await start(world)
        const ended = killed.agent
          .submit(id, requestSchema.parse(coreOf(true)), 'deploy')
          .then(() => resultOf(killed.agent, id))
        if (!(await Promise.race([ended.then(() => world.dead), world.died.then(() => true)]))) {
          expect([...said].sort()).toEqual(['nothing', 'store', 'store, edge'])
          return
        }
        const point = `effect ${effect} ${after ? 'after' : 'before'} ${world.trace.at(-1)}`
        await using next = await start()
        expect(server.state, point).toMatchObject({ phase: 'idle', transaction: null, core: { work: null } })
        expect(running(), point).not.toContain('stopped')
        const { last, core } = server.state
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
})

describe('new live files of a core service', () => {
  const coreOf: TransactionRequestInput = { kind: 'core', release: memoryRelease(1).reference, actor: 'jane' }
  const define = (files: number) => {
    server.core = [memoryCore(server, 'store', 1), memoryCore(server, 'edge', 1, files)]
  }
  const loaded = () => ({ files: server.files.get('edge'), loaded: server.loaded.get('edge') })
  const version = (name: string) => ({ files: { a: name, b: name }, loaded: `${name} ${name}` })

  it('are loaded on a signal without leave to replace it, and a deploy fits only after that', async () => {
    await using life = await start()
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
    await using life = await start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    server.deadly.add('f2')
    const result = await ask(life.agent, coreOf)
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      message:
        'edge ended on SIGHUP and was started anew by the engine; its log: docker logs pacs-edge-1; edge runs by its old files again',
    })
    expect(loaded()).toEqual(version('f1'))
    expect(server.state.core).toMatchObject({ services: { edge: 'edge-1.f1' }, replacing: null, work: null })
  })

  it('that end it are taken back also while the engine waits before it starts it anew', async () => {
    await using life = await start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    server.deadly.add('f2')
    const { containers } = life.world.engine
    let down = 0
    life.world.engine.containers = async (by) => {
      const found = await containers(by)
      const isDown = server.loaded.get('edge') === 'f2 f2' || (server.files.get('edge')?.b === 'f1' && down++ < 30)
      return isDown && server.state.core.replacing ? found.map((one) => ({ ...one, running: false })) : found
    }
    const result = await ask(life.agent, coreOf)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(result.message).toMatch(/^edge ended with 0; .*; edge runs by its old files again$/)
    expect(loaded()).toEqual(version('f1'))
  })

  it('that make it unhealthy are taken back, and what the engine said of it before does not count', async () => {
    await using life = await start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    server.sickening.add('f2')
    const result = await ask(life.agent, coreOf)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(result.message).toContain('edge is unhealthy')
    expect(loaded()).toEqual(version('f1'))
    expect(server.containers.get('pacs-edge-1')?.health).toBe('healthy')
  })

  it('of which nothing is heard are taken back after 5 minutes', async () => {
    await using life = await start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    const { containers } = life.world.engine
    const deaf = { at: server.time, passed: true }
    life.world.engine.containers = async (by) => {
      const found = await containers(by)
      return server.files.get('edge')?.b === 'f2' ? found.map((one) => ({ ...one, lastCheck: deaf })) : found
    }
    const asked = server.time
    const result = await ask(life.agent, coreOf)
    expect(server.time - asked).toBeLessThan(330_000)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(result.message).toMatch(/^edge passed no health check within 5 ?m/)
    expect(loaded()).toEqual(version('f1'))
  })

  it('that the service does not see are taken back', async () => {
    await using life = await start()
    define(1)
    await ask(life.agent, coreOf)
    define(2)
    const { readInside } = life.world.engine
    life.world.engine.readInside = async (container, path) =>
      server.files.get('edge')?.b === 'f2' ? 'f1' : readInside(container, path)
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
          server = new Server()
          await rm(directory, { recursive: true, force: true, maxRetries: 5 })
          directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
          define(1)
          {
            await using life = await start()
            await ask(life.agent, coreOf)
          }
          const edge = server.containers.get('pacs-edge-1')
          define(2)
          if (bad) server[bad].add('f2')
          const id = `killed-${++ids}`
          const world = new MemoryWorld(server, effect, after)
          await using killed = await start(world)
          const ended = killed.agent
            .submit(id, requestSchema.parse(coreOf), 'deploy')
            .then(() => resultOf(killed.agent, id))
          if (!(await Promise.race([ended.then(() => world.dead), world.died.then(() => true)]))) {
            expect([...seen].sort()).toEqual(ends)
            return
          }
          const point = `effect ${effect} ${after ? 'after' : 'before'} ${world.trace.at(-1)}`
          await using next = await start()
          const { core, last, transaction } = server.state
          expect({ transaction, replacing: core.replacing, work: core.work }, point).toEqual({
            transaction: null,
            replacing: null,
            work: null,
          })
          const [, files = ''] = core.services.edge?.split('.') ?? []
          seen.add(files)
          expect(loaded(), point).toEqual(version(files))
          if (last?.transaction === id) {
            expect(last.result.outcome, point).toMatch(files === 'f2' ? /failed|done/ : /failed|refused|rolled-back/)
          }
          // The very container that ran before: none was removed, none made anew.
          expect(server.containers.get('pacs-edge-1') === edge && edge?.running, point).toBe(true)
          server.deadly.clear()
          server.sickening.clear()
          expect(['done', 'unchanged'], point).toContain((await ask(next.agent, coreOf)).outcome)
          expect(loaded(), point).toEqual(version('f2'))
        }
      }
    },
  )
})
