import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TransactionRequestInput } from '../../../src/agent/protocol.ts'
import { ask, audited, resultOf, startAgent, submit } from './life.ts'
import { MemoryWorld, memoryRelease, Server } from './memory-world.ts'

let directory: string
let server: Server

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
  await mkdir(join(directory, 'backups'))
  server = new Server()
  server.ledger = []
})

afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))

const start = (world = new MemoryWorld(server)) => startAgent(directory, world)
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
      message: expect.stringContaining('interrupted'),
    })
    expect(await audited(directory, lost)).toEqual(['refused'])
    expect(await ask(third.agent, verify)).toMatchObject({ outcome: 'unhealthy' })
  })

  it('of a server without data is refused', async () => {
    await using life = await start()
    expect(await ask(life.agent, verify)).toMatchObject({ outcome: 'refused' })
  })
})
