// Whatever instant an agent dies at, the next one, left alone, brings the server to rest (I3).
import { describe, expect, it, vi } from 'vitest'
import type { TransactionRequestInput } from '../../../src/agent/protocol.ts'
import type { Agent } from '../../../src/agent/transaction/agent.ts'
import { freshServer } from './fresh-server.ts'
import { ask, back, deployOf, diesIn, PAGE_LOAD, resultOf, submit } from './life.ts'
import { MemoryWorld, memoryCore, memoryRelease } from './memory-world.ts'

const here = freshServer()
/** Milliseconds after which an undo is tried again, unlike any other. */
const RETRY = 7
/** Names transactions that die. */
let ids = 0

const named = () => {
  const { serving, warm, undone } = here.server.state
  return [serving, warm?.instance, undone?.instance].flatMap((one) => one?.instance ?? []).sort()
}
const running = () =>
  [...new Set([...here.server.containers.values()].map((one) => one.labels['pacs.instance']))].sort()

type Life = Awaited<ReturnType<typeof here.start>>

/** What holds once an agent was started after a kill; `before` is the release that served before transaction `id`. */
async function expectAtRest({ agent, journal }: Life, id: string, before: string | null, point: string): Promise<void> {
  expect(here.server.state, point).toMatchObject({ phase: 'idle', transaction: null, candidate: null })
  expect(here.server.broken, point).toEqual([])
  const serving = here.server.state.serving?.release ?? null
  if (journal.has(id) && here.server.state.last?.transaction === id) {
    const result = await resultOf(agent, id)
    expect(result.serving, point).toBe(serving)
    if (result.outcome !== 'deployed') expect(serving, point).toBe(before)
  } else {
    expect(serving, point).toBe(before)
    // A journal without a result would keep its followers waiting for ever.
    expect(journal.has(id), point).toBe(false)
  }
  if (journal.has(`${id}-unsealed`)) {
    expect((await resultOf(agent, `${id}-unsealed`)).outcome, point).not.toBe('deployed')
  }
  // Only what the state names is left running, and the public is led to what the state calls serving.
  await expect.poll(running, { message: point, ...PATIENCE }).toEqual(named())
  expect(here.server.public().instance, point).toBe(here.server.state.serving?.i8 ?? null)
  expect(here.server.targets === '' ? [] : [...new Set(here.scraped())].sort(), point).toEqual(
    [here.server.state.serving, here.server.state.warm?.instance].flatMap((one) => one?.i8 ?? []).sort(),
  )
}

/** Milliseconds: time passes as the work does, however busy the machine is. */
const PATIENCE = { timeout: 20_000 }

describe('whatever kills the agent', { timeout: 240_000 }, () => {
  it('has its transaction end with the next start, also where Traefik comes up slowly or the engine starts nothing', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.backupsLast = true
    const id = await submit(life.agent, { kind: 'backup', actor: 'jane' })
    life.world.kill()
    here.server.trafficBroken = true
    for (const container of here.server.containers.values()) container.running = false
    const world = new MemoryWorld(here.server)
    const { start } = world.engine
    let starts = false
    world.engine.start = (names) => (starts ? start(names) : Promise.reject(new Error('the engine starts nothing')))
    await using next = await here.start(world, RETRY)
    expect(await resultOf(next.agent, id)).toMatchObject({ outcome: 'refused' })
    expect(next.logged.join()).toContain('the engine starts nothing')
    // Nor is it forgotten where the next transaction runs when it is tried again.
    const waiting = await submit(next.agent, { kind: 'backup', actor: 'jane' })
    const planned = vi.spyOn(globalThis, 'setTimeout')
    await expect.poll(() => planned.mock.calls.some(([, ms]) => ms === RETRY)).toBe(true)
    planned.mockRestore()
    here.server.trafficBroken = false
    starts = true
    await next.agent.abort(waiting)
    await expect.poll(() => here.server.public().serves).toBe(true)
  })

  it('or removes what serves: the next one brings it back from the images that are here, after its core', async () => {
    const { server } = here
    server.core = [memoryCore(server, 'store', 1)]
    {
      await using life = await here.start()
      await ask(life.agent, { ...deployOf(1), kind: 'core' } as TransactionRequestInput)
      await ask(life.agent, deployOf(1))
    }
    const all = new Map(server.containers)
    const store = new Map([...all].filter(([name]) => name === 'pacs-store-1'))
    const logged = async (containers: typeof all) => {
      server.containers = new Map(containers)
      const world = new MemoryWorld(server)
      await using next = await here.start(world)
      expect(world.trace).not.toContain('pull')
      return next.logged.join()
    }
    expect(await logged(store)).toBe('')
    expect([...server.containers.keys()].sort()).toEqual([...all.keys()].sort())
    expect(server.public().serves).toBe(true)

    expect(await logged(new Map())).toMatch(
      /^containers of \S+, which serves, are gone.*store does not run: bring the core/,
    )
    expect(server.containers.size).toBe(0)
    server.images.clear()
    expect(await logged(store)).toMatch(
      /so are images: registry\.example\/\S+; pacs-agent deploy registry\.example\S+ brings/,
    )
    expect(server.containers.size).toBe(1)
  })

  it('leaves no container behind in which a release was being read', async () => {
    {
      await using life = await here.start()
      await ask(life.agent, deployOf(1))
    }
    const [some] = here.server.containers.values()
    if (!some) throw new Error('nothing runs')
    here.server.containers.set('reader', { ...some, id: 'reader', labels: { 'org.pacs-deploy.reading': '1' } })
    await using next = await here.start()
    expect(next.logged).toEqual([])
    expect(here.server.containers.has('reader')).toBe(false)
    expect(here.server.containers.size).toBe(2)
  })

  const scenarios: {
    name: string
    prepare: (agent: Agent) => Promise<unknown>
    /** A deploy that is watched, and not sealed, when `request` is asked for. */
    unsealed?: TransactionRequestInput
    request: TransactionRequestInput
  }[] = [
    { name: 'a first deploy', prepare: async () => undefined, request: deployOf(1) },
    { name: 'a second deploy', prepare: (agent) => ask(agent, deployOf(1)), request: deployOf(2) },
    {
      name: 'a deploy that is undone',
      prepare: async (agent) => {
        here.server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
        await ask(agent, deployOf(1))
      },
      request: deployOf(2),
    },
    {
      name: 'a deploy of another configuration',
      prepare: async (agent) => {
        await ask(agent, deployOf(1))
        here.server.config = 'decaf00123456789'
      },
      request: deployOf(1),
    },
    {
      name: 'a rollback that ends an unsealed deploy',
      prepare: (agent) => ask(agent, deployOf(1)),
      unsealed: { ...deployOf(2), watch: 3_600_000 } as TransactionRequestInput,
      request: back(),
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

  it.each(scenarios)(
    '$name: the next one converges alone from every effect',
    async ({ prepare, unsealed, request }) => {
      let points = 0
      for (let effect = 1; ; effect++) {
        for (const after of [false, true]) {
          await here.renew()
          {
            await using life = await here.start()
            await prepare(life.agent)
          }
          const before = here.server.state.serving?.release ?? null
          const id = `killed-${++ids}`
          const world = new MemoryWorld(here.server, effect, after)
          await using killed = await here.start(world)
          if (!(await diesIn(killed, id, request, unsealed))) {
            expect(points).toBeGreaterThan(4)
            return
          }
          points += 1
          await using next = await here.start()
          await expectAtRest(next, id, before, `effect ${effect} ${after ? 'after' : 'before'} ${world.trace.at(-1)}`)
        }
      }
    },
  )

  it('and the next one while that recovers: the one after it converges alone from every effect of both', async () => {
    let [points, twice] = [0, 0]
    for (let effect = 1; ; effect++, points++) {
      for (let within = 1; ; within++) {
        await here.renew()
        {
          await using life = await here.start()
          await ask(life.agent, deployOf(1))
        }
        const id = `killed-${++ids}`
        const world = new MemoryWorld(here.server, effect)
        await using killed = await here.start(world)
        if (!(await diesIn(killed, id, deployOf(2)))) {
          expect(points).toBeGreaterThan(10)
          expect(twice).toBeGreaterThan(30)
          return
        }
        const again = new MemoryWorld(here.server, within, true)
        await using _second = await here.start(again)
        if (!again.dead) break
        twice += 1
        await using third = await here.start()
        const point = `effect ${effect} before ${world.trace.at(-1)}, then after ${again.trace.at(-1)}`
        await expectAtRest(third, id, memoryRelease(1).id, point)
      }
    }
  })

  const endings = [
    {
      name: 'an undone release',
      prepare: async (agent: Agent) => {
        await ask(agent, deployOf(1))
        here.server.behaviours.set(memoryRelease(2).id, { publicErrors: true })
        await ask(agent, deployOf(2))
        here.server.time += PAGE_LOAD
      },
    },
    {
      name: 'a warm release',
      prepare: async (agent: Agent) => {
        await ask(agent, deployOf(1))
        await ask(agent, deployOf(2))
        here.server.time = Date.parse(here.server.state.warm?.until ?? '')
      },
    },
  ]

  it.each(endings)('while $name ends: the next one converges alone from every effect', async ({ prepare }) => {
    let points = 0
    for (let effect = 1; ; effect++) {
      for (const after of [false, true]) {
        await here.renew()
        {
          await using life = await here.start()
          await prepare(life.agent)
        }
        const world = new MemoryWorld(here.server, effect, after)
        await using _killed = await here.start(world)
        // Its networks are the last that goes.
        await expect.poll(() => world.dead || world.trace.includes('remove networks'), PATIENCE).toBe(true)
        if (!world.dead) {
          expect(points).toBeGreaterThan(4)
          return
        }
        points += 1
        const point = `effect ${effect} ${after ? 'after' : 'before'} ${world.trace.at(-1)}`
        await using _next = await here.start()
        await expect.poll(running, { message: point, ...PATIENCE }).toEqual([here.server.state.serving?.instance])
        await expect.poll(here.routers, { message: point, ...PATIENCE }).toEqual(['public-web'])
        expect(here.server.state, point).toMatchObject({
          phase: 'idle',
          transaction: null,
          candidate: null,
          undone: null,
          warm: null,
        })
        expect(here.server.broken, point).toEqual([])
      }
    }
  })
})
