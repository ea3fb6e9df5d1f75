import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { TransactionRequestInput } from '../../../src/agent/protocol.ts'
import { freshServer } from './fresh-server.ts'
import { ask, back, deployOf, resultOf, submit } from './life.ts'
import { memoryCore, memoryRelease } from './memory-world.ts'

const here = freshServer()

describe('a rollback that ends another transaction', () => {
  it('goes back from a deploy that was sealed before it could be ended', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const { edge, store } = life.world
    const { routers } = edge
    const asked = Promise.withResolvers<void>()
    edge.routers = async () => {
      if (store.state.serving?.release === memoryRelease(2).id) await asked.promise
      return routers()
    }
    await submit(life.agent, deployOf(2))
    await expect.poll(() => store.state.serving?.release).toBe(memoryRelease(2).id)
    const result = ask(life.agent, back())
    asked.resolve()
    expect(await result).toMatchObject({ outcome: 'deployed', direction: 'back', serving: memoryRelease(1).id })
  })

  it('goes back also from a backup whose end could not be written', async () => {
    await using life = await here.start()
    for (const number of [1, 2]) await ask(life.agent, deployOf(number))
    const { jobs, store } = life.world
    const { write } = store
    const { backup } = jobs
    jobs.backup = (...work) =>
      backup(...work).finally(() => {
        store.write = () => Promise.reject(new Error('ENOSPC: no space left'))
      })
    await submit(life.agent, { kind: 'backup', actor: 'jane' })
    await expect.poll(() => life.logged.join()).toContain('could not be written: ENOSPC')
    store.write = write
    expect(await ask(life.agent, back())).toMatchObject({ outcome: 'deployed', serving: memoryRelease(1).id })
  })

  const UNKNOWN = { kind: 'refused', message: expect.stringContaining('was never accepted by this server') }

  it('ends no deploy where its release was never accepted here, as one that was mistyped', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const deploy = await submit(life.agent, { ...deployOf(2), watch: 600_000 } as TransactionRequestInput)
    await expect(ask(life.agent, back(9))).rejects.toMatchObject(UNKNOWN)
    expect(await resultOf(life.agent, deploy)).toMatchObject({ outcome: 'deployed', direction: 'forward' })
  })

  it('ends no backup and no fetch either where it would be refused', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.backupsLast = true
    const backup = await submit(life.agent, { kind: 'backup', actor: 'jane' })
    await expect(ask(life.agent, back(9))).rejects.toMatchObject(UNKNOWN)
    await expect(ask(life.agent, back())).rejects.toMatchObject({
      message: expect.stringContaining('no earlier release'),
    })
    expect((await life.agent.status()).transaction?.id).toBe(backup)
    await life.agent.abort(backup)

    const fetched = Promise.withResolvers<void>()
    const { fetch } = life.planner
    life.planner.fetch = async (...asked) => {
      await fetched.promise
      asked[1].throwIfAborted()
      return fetch(...asked)
    }
    const deploy = ask(life.agent, deployOf(2))
    await delay(0)
    await expect(ask(life.agent, back(9))).rejects.toMatchObject(UNKNOWN)
    fetched.resolve()
    expect(await deploy).toMatchObject({ outcome: 'deployed' })
  })
})

describe('a rollback', () => {
  it('goes to the warm release without starting anything', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    life.world.trace.length = 0
    expect(await ask(life.agent, back())).toMatchObject({
      outcome: 'deployed',
      direction: 'back',
      serving: memoryRelease(1).id,
    })
    expect(life.world.trace).toEqual(['write idle', 'write idle', 'traffic'])
    expect(here.server.state.warm?.instance.release).toBe(memoryRelease(2).id)
  })

  it('after keep-warm starts the old release anew', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, { ...deployOf(2), keepWarm: 0 } as TransactionRequestInput)
    await expect.poll(() => here.server.state.warm).toBe(null)
    await expect.poll(() => here.server.containers.size).toBe(2)
    expect(await ask(life.agent, back())).toMatchObject({
      outcome: 'deployed',
      direction: 'back',
      serving: memoryRelease(1).id,
    })
    expect(here.server.broken).toEqual([])
  })

  it('with the current configuration goes to another release, since the one that serves would be what it leaves', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const current = { ...back(), config: 'current' } as TransactionRequestInput
    for (const config of ['c0ffee0123456789', 'decaf00123456789']) {
      here.server.config = config
      await ask(life.agent, deployOf(2))
    }
    expect(await ask(life.agent, current)).toMatchObject({ outcome: 'deployed', serving: memoryRelease(1).id })
    expect(here.server.state.serving?.config).toBe(here.server.config)
    expect(here.server.state.warm?.instance).toMatchObject({ release: memoryRelease(2).id, config: here.server.config })
    expect(here.server.broken).toEqual([])
  })

  it('with the current configuration to what serves says that a deploy brings another one, where there is another', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const toServing = { ...back(1), config: 'current' } as TransactionRequestInput
    const { id, reference } = memoryRelease(1)
    expect(await ask(life.agent, toServing)).toMatchObject({ outcome: 'deployed', message: `${id} serves already` })
    here.server.config = 'decaf00123456789'
    const message = `${id} serves already, by another configuration than config/next, which a deploy of it brings: pacs-agent deploy ${reference}`
    expect(await ask(life.agent, toServing)).toMatchObject({ outcome: 'deployed', message })
    expect(await ask(life.agent, back(1))).toMatchObject({ outcome: 'deployed', message: `${id} serves already` })
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed' })
    expect(await ask(life.agent, toServing)).toMatchObject({ message: `${id} serves already` })
  })

  it('to the same release with its former configuration says so, and which others there are', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    for (const config of ['c0ffee0123456789', 'decaf00123456789']) {
      here.server.config = config
      await ask(life.agent, deployOf(2))
    }
    const id = await submit(life.agent, back())
    expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'deployed', serving: memoryRelease(2).id })
    const notes: string[] = []
    for await (const event of life.journal.recorded(id)) if (event.type === 'note') notes.push(event.message)
    expect(notes).toContain(
      `${memoryRelease(2).id} is what serves: only its former configuration comes back; for other code name its release: ${memoryRelease(1).id}`,
    )
  })

  it('with the current configuration is refused where no other release was accepted', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.config = 'decaf00123456789'
    await ask(life.agent, deployOf(1))
    const { serving } = here.server.state
    const result = await ask(life.agent, { ...back(), config: 'current' } as TransactionRequestInput)
    expect(result).toMatchObject({ outcome: 'refused', message: expect.stringContaining('no earlier release') })
    expect(here.server.state.serving).toEqual(serving)
    expect(here.server.broken).toEqual([])
  })

  it('to a release that was never accepted is refused and names what can be had', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    const result = await ask(life.agent, back(5))
    expect(result.outcome).toBe('refused')
    expect(result.message).toContain(`it can go back to: ${memoryRelease(1).id}`)
  })
})

describe('what serves already and does not answer', () => {
  const containers = () => [...here.server.containers.values()]
  const toServing = { ...back(1), reason: 'is it there?' } as TransactionRequestInput

  it.each([
    ['a deploy', deployOf(1), 'unchanged'],
    ['a rollback', toServing, 'deployed'],
  ] as const)('is brought back by %s, from its images', async (_, request, outcome) => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const { serving } = here.server.state
    here.server.containers.clear()
    here.server.images.clear()
    const result = await ask(life.agent, request)
    expect(result).toMatchObject({ outcome, serving: memoryRelease(1).id })
    expect(result.message).toContain('it did not answer, and does again')
    expect(here.server.public()).toEqual({ instance: serving?.i8, serves: true })
    expect(here.server.images).toEqual(new Set([memoryRelease(1).reference]))
    expect(here.server.state).toMatchObject({ phase: 'idle', transaction: null, serving, warm: null })
  })

  it('keeps the containers that are there', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const [stopped, runs] = containers()
    if (stopped) stopped.running = false
    life.world.trace.length = 0
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'unchanged' })
    expect(containers()).toEqual([stopped, runs])
    expect(here.server.public().serves).toBe(true)
    expect(life.world.trace).not.toContain('create')
    expect(life.world.trace).not.toContain('pull')
  })

  it('is waited for where it only needs longer', async () => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    const { probe } = life.world
    let asked = 0
    life.world.probe = async (address) => (asked++ < 10 ? { error: 'timeout' } : probe.call(life.world, address))
    life.world.trace.length = 0
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'unchanged' })
    expect(life.world.trace).not.toContain('create')
    expect(here.server.broken).toEqual([])
  })

  it.each([
    ['a deploy', deployOf(1)],
    ['a rollback', toServing],
  ])('and cannot be brought back fails %s, which says why', async (_, request) => {
    await using life = await here.start()
    await ask(life.agent, deployOf(1))
    here.server.behaviours.set(memoryRelease(1).id, { neverReady: true })
    const result = await ask(life.agent, request)
    expect(result).toMatchObject({ outcome: 'failed', serving: memoryRelease(1).id })
    expect(result.message).toMatch(/is what serves, and does not answer: web is unhealthy \(.*pacs-agent rollback/)
    expect(here.server.state).toMatchObject({ phase: 'idle', transaction: null })
  })

  it('comes after its core', async () => {
    await using life = await here.start()
    here.server.core = [memoryCore(here.server, 'store', 1)]
    const core = { ...deployOf(1), kind: 'core' } as TransactionRequestInput
    await ask(life.agent, core)
    await ask(life.agent, deployOf(1))
    here.server.containers.clear()
    expect(await ask(life.agent, toServing)).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('store does not run: bring the core up first (pacs-agent core)'),
    })
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'refused', coreFirst: true })
    await ask(life.agent, core)
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'unchanged' })
    expect(here.server.public().serves).toBe(true)
  })
})
