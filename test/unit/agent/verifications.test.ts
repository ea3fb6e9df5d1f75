import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requestSchema, type TransactionRequestInput } from '../../../src/agent/protocol.ts'
import type { Journal } from '../../../src/agent/transaction/journal.ts'
import { Verifications } from '../../../src/agent/transaction/verifications.ts'
import { ask, audited, resultOf, startAgent, submit } from './life.ts'
import { MemoryWorld, memoryPlanner, memoryRelease, Server } from './memory-world.ts'

let directory: string
let server: Server
const { signal } = new AbortController()

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
  await mkdir(join(directory, 'backups'))
  server = new Server()
  server.ledger = []
})

afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))

const start = (world = new MemoryWorld(server), undo?: number) => startAgent(directory, world, undo)
const verify: TransactionRequestInput = { kind: 'verify', actor: 'jane' }
const deploy: TransactionRequestInput = {
  kind: 'deploy',
  release: memoryRelease(1).reference,
  actor: 'jane',
  watch: 3000,
}

describe('a verification', () => {
  it('is red when the backup does not restore, and says more', async () => {
    await using life = await start()
    await ask(life.agent, deploy)
    expect(await ask(life.agent, verify)).toMatchObject({ outcome: 'unhealthy', details: '| level |' })
    await ask(life.agent, { kind: 'backup', actor: 'jane' })
    expect(await ask(life.agent, verify)).toMatchObject({ outcome: 'done', message: 'it restores' })
  })

  it('takes no lock, but runs alone of its kind', async () => {
    await using life = await start()
    await ask(life.agent, deploy)
    const { promise, resolve } = Promise.withResolvers<void>()
    server.verifiable = () => promise
    const id = await submit(life.agent, verify)
    await expect(submit(life.agent, verify)).rejects.toMatchObject({ kind: 'locked' })
    expect(await ask(life.agent, { kind: 'backup', actor: 'jane' })).toMatchObject({ outcome: 'done' })
    resolve()
    expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'done' })
    expect(server.state.last?.transaction).not.toBe(id)
  })

  it('can be aborted, and one whose agent died gets its result at the next start', async () => {
    await using life = await start()
    await ask(life.agent, deploy)
    server.verifiable = () => new Promise(() => undefined)
    const aborted = await submit(life.agent, verify)
    await life.agent.abort(aborted)
    expect(await resultOf(life.agent, aborted)).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('abort'),
    })

    const world = new MemoryWorld(server)
    await using second = await start(world)
    const lost = await submit(second.agent, verify)
    world.kill()
    await using third = await start()
    server.verifiable = async () => undefined
    expect(await resultOf(third.agent, lost)).toMatchObject({
      outcome: 'refused',
      interrupted: true,
      message: expect.stringContaining('interrupted'),
    })
    expect(await audited(directory, lost)).toEqual(['refused'])
    expect(await ask(third.agent, verify)).toMatchObject({ outcome: 'unhealthy' })
  })

  it('whose result cannot be written, as on a full disk, tells it once there is room, without a person', async () => {
    await using life = await start(undefined, 5)
    await ask(life.agent, deploy)
    const [day = ''] = (await readdir(directory)).filter((name) => /^\d{4}-\d\d-\d\d\.jsonl$/.test(name))
    const path = join(directory, day)
    server.verifiable = async () => {
      await rename(path, `${path}.away`)
      await mkdir(path)
    }
    const id = await submit(life.agent, verify)
    // Nor when it is tried again.
    await expect.poll(() => life.logged.filter((line) => line.includes('EISDIR')).length).toBeGreaterThan(2)
    await rmdir(path)
    expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'unhealthy', message: 'it does not restore' })
    expect(await audited(directory, id)).toEqual(['unhealthy'])
    await expect.poll(() => existsSync(join(directory, 'backups', 'verifying.json'))).toBe(false)
  })

  it('of a server without data is refused', async () => {
    await using life = await start()
    expect(await ask(life.agent, verify)).toMatchObject({ outcome: 'refused' })
  })
})

describe('the marker of a verification', () => {
  const marker = () => join(directory, 'verifying.json')
  const request = requestSchema.parse(verify)
  if (request.kind !== 'verify') throw new Error(`it is a ${request.kind}`)
  const INTERRUPTED = 'interrupted: nothing was proved; ask again'

  /** The verifications of a server with data. */
  async function verificationsOf(world: MemoryWorld, journal: Journal, log = (_: string) => {}) {
    const planner = memoryPlanner(server)
    await planner.fetch(memoryRelease(1).reference, signal)
    return new Verifications({
      world,
      planner,
      journal,
      marker: marker(),
      audit: async () => undefined,
      log,
      later: () => {},
    })
  }

  /** `journal`, of which the first result is written by `write`. */
  function firstResult(journal: Journal, write: (really: () => Promise<void>) => Promise<void>): Journal {
    let results = 0
    return {
      ...journal,
      async writer(id) {
        const { step, progress, note, result } = await journal.writer(id)
        const written: typeof result = (said) => (results++ === 0 ? write(() => result(said)) : result(said))
        return { currentStep: '', step, progress, note, result: written }
      },
    }
  }

  /** The messages of the results in a journal as it is now. */
  async function resultsIn(journal: Journal, id: string): Promise<string[]> {
    const found: string[] = []
    for await (const event of journal.recorded(id)) if (event.type === 'result') found.push(event.result.message)
    return found
  }

  async function ended(journal: Journal, id: string): Promise<void> {
    for await (const event of journal.follow(id, 0, signal) ?? []) if (event.type === 'result') return
  }

  it('is not taken away by the end of the one before, whose result is seen already', async () => {
    await using life = await start()
    const { world, journal } = life
    await ask(life.agent, deploy)
    const end = Promise.withResolvers<void>()
    const late = firstResult(journal, async (really) => {
      await really()
      await end.promise
    })
    const verifications = await verificationsOf(world, late)
    await verifications.start('first', request, 'deploy')
    await ended(journal, 'first')
    server.verifiable = () => new Promise(() => undefined)
    const second = verifications.start('second', request, 'deploy')
    await Promise.race([second, delay(100)])
    end.resolve()
    await second
    await delay(50)
    await (await verificationsOf(world, journal)).recover()
    expect(await resultsIn(journal, 'second')).toEqual([INTERRUPTED])
  })

  it('still gives its result to one that could not write it, once another one starts', async () => {
    await using life = await start()
    const { world, journal } = life
    await ask(life.agent, deploy)
    const logged = Promise.withResolvers<string>()
    const full = firstResult(journal, () => Promise.reject(new Error('the disk is full')))
    const verifications = await verificationsOf(world, full, logged.resolve)
    await verifications.start('first', request, 'deploy')
    expect(await logged.promise).toContain('could not be written: the disk is full')
    await verifications.start('second', request, 'deploy')
    expect(await resultsIn(journal, 'first')).toEqual(['it does not restore'])
    await ended(journal, 'second')
  })

  it('of one that died before anybody knew of it goes at the next start', async () => {
    await using life = await start()
    await writeFile(marker(), JSON.stringify({ id: 'unknown' }))
    await (await verificationsOf(life.world, life.journal)).recover()
    expect([existsSync(marker()), life.journal.has('unknown')]).toEqual([false, false])
  })
})
