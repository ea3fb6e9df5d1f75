import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Restarting } from '../../../src/agent/api/service.ts'
import { openAgent, openSocket, reportOf } from '../../../src/agent/client.ts'
import { reportSchema, type TransactionEvent } from '../../../src/agent/protocol.ts'
import { Failure } from '../../../src/lib/index.ts'
import { listeningDaemon, replay, result, status, twoSteps } from './daemon-fixture.ts'

const id = 'run-12345678'
const rollback = { kind: 'rollback', reason: 'slow', actor: 'ann' } as const

async function all(events: AsyncIterable<TransactionEvent>): Promise<TransactionEvent[]> {
  const seen: TransactionEvent[] = []
  for await (const event of events) seen.push(event)
  return seen
}

/** A program that answers every connection by `reply`, which is no agent. */
async function impostor(reply: (socket: Socket) => void) {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    reply(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    connect: () => connect(port, '127.0.0.1'),
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

describe('a client of the agent', () => {
  it('asks for status, releases and health', async () => {
    await using daemon = await listeningDaemon()
    const agent = openSocket(daemon.socket)
    expect(await agent.status()).toEqual(status)
    expect(await agent.releases()).toEqual({ releases: [] })
    expect(await agent.health()).toMatchObject({ healthy: true })
    agent.close()
  })

  it('works over streams that are no sockets and uses one for several requests', async () => {
    await using daemon = await listeningDaemon()
    let opened = 0
    const agent = openAgent(async () => {
      opened++
      const socket = connect(daemon.socket)
      await once(socket, 'connect')
      return Duplex.from({ readable: socket, writable: socket })
    })
    await agent.status()
    await agent.put(id, rollback)
    expect(await all(agent.follow(id))).toHaveLength(3)
    agent.close()
    expect(opened).toBe(1)
  })

  it('follows a transaction to its result, from the event it asks for', async () => {
    await using daemon = await listeningDaemon()
    const agent = openSocket(daemon.socket)
    await agent.put(id, rollback)
    expect(await all(agent.follow(id, { after: 1 }))).toEqual([twoSteps[1], result])
    agent.close()
  })

  it('goes on after the last event it saw when the stream is cut, and repeats none', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.transactions.set(id, async function* (after, signal) {
      for await (const event of replay([...twoSteps, result], after)) {
        yield event
        await once(signal, 'abort')
      }
    })
    const sockets: Socket[] = []
    const agent = openAgent(() => {
      const socket = connect(daemon.socket)
      sockets.push(socket)
      return socket
    })
    const seen: number[] = []
    for await (const event of agent.follow(id)) {
      seen.push(event.seq)
      if (event.type !== 'result') sockets.at(-1)?.destroy()
    }
    expect(seen).toEqual([1, 2, 3])
    expect(daemon.service.followed).toEqual([0, 1, 2])
    agent.close()
  })

  it('shows no event twice when an agent sends it twice', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.transactions.set(id, () => replay([...twoSteps, ...twoSteps, result], 0))
    const agent = openSocket(daemon.socket)
    expect((await all(agent.follow(id))).map((event) => event.seq)).toEqual([1, 2, 3])
    agent.close()
  })

  it('follows across a restart of the agent', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.transactions.set(id, async function* (after, signal) {
      yield* replay(twoSteps, after)
      await once(signal, 'abort')
    })
    const agent = openSocket(daemon.socket)
    const events = agent.follow(id)
    expect((await events.next()).value).toEqual(twoSteps[0])
    expect((await events.next()).value).toEqual(twoSteps[1])
    await daemon.stop()
    daemon.service.transactions.set(id, (after) => replay([...twoSteps, result], after))
    const last = events.next()
    await daemon.start()
    expect((await last).value).toEqual(result)
    expect(daemon.service.followed).toEqual([0, 2])
    agent.close()
  })

  it('ends unknown, never green, when no result is seen', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.transactions.set(id, (after) => replay(twoSteps, after))
    const agent = openSocket(daemon.socket, { patience: 300 })
    const seen = all(agent.follow(id))
    await expect(seen).rejects.toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/after event 2.*pacs-agent follow run-12345678/),
    })
    agent.close()
  })

  it('stops following when it is told to', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.transactions.set(id, async function* (after, signal) {
      yield* replay(twoSteps, after)
      await once(signal, 'abort')
    })
    const agent = openSocket(daemon.socket)
    const stop = new AbortController()
    const events = agent.follow(id, { signal: stop.signal })
    await events.next()
    await events.next()
    const pending = events.next()
    stop.abort(new Error('enough'))
    await expect(pending).rejects.toThrow('enough')
    agent.close()
  })

  it('repeats the same id until the newer agent answers', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.troubles.push(new Restarting('1.3.0 takes over'), new Restarting('1.3.0 takes over'))
    const agent = openSocket(daemon.socket)
    await agent.put(id, rollback)
    expect(daemon.service.submitted.map((submitted) => submitted.id)).toEqual([id])
    expect(daemon.restarts).toBe(2)
    agent.close()
  })

  it('repeats the same id when the connection breaks before the answer', async () => {
    await using daemon = await listeningDaemon()
    let broken = 0
    const agent = openAgent(() => {
      const socket = connect(daemon.socket)
      if (broken++ === 0) socket.once('data', () => {}).destroy()
      return socket
    })
    await agent.put(id, rollback)
    expect(daemon.service.submitted).toHaveLength(1)
    agent.close()
  })

  it('ends unknown when a request may have arrived but was never answered', async () => {
    await using silent = await impostor((socket) => socket.once('data', () => socket.destroy()))
    const agent = openAgent(silent.connect, { patience: 300 })
    await expect(agent.put(id, rollback)).rejects.toMatchObject({
      kind: 'unknown',
      message: expect.stringMatching(/pacs-agent follow/),
    })
    agent.close()
  })

  it.each([
    new Failure('locked', 'deploy run-00000000 of bob runs since 10:15'),
    new Failure('refused', 'core does not fit'),
    new Failure('bad-input', 'release: is no release image'),
  ])('passes on $kind with what the agent said', async (trouble) => {
    await using daemon = await listeningDaemon()
    daemon.service.troubles.push(trouble)
    const agent = openSocket(daemon.socket)
    await expect(agent.put(id, rollback)).rejects.toMatchObject({ kind: trouble.kind, message: trouble.message })
    agent.close()
  })

  it.each(['locked', 'refused', 'bad-input'] as const)('passes on %s also to a repeat, after a break', async (kind) => {
    await using daemon = await listeningDaemon()
    daemon.service.troubles.push(new Failure(kind, 'what the agent said'))
    let broken = 0
    const agent = openAgent(() => {
      const socket = connect(daemon.socket)
      if (broken++ === 0) socket.once('data', () => {}).destroy()
      return socket
    })
    await expect(agent.put(id, rollback)).rejects.toMatchObject({ kind, message: 'what the agent said' })
    agent.close()
  })

  it('refuses a faulty request before anything is sent', async () => {
    const agent = openSocket('/nowhere')
    await expect(agent.put(id, { ...rollback, reason: '' })).rejects.toMatchObject({
      kind: 'bad-input',
      message: expect.stringMatching(/reason/),
    })
  })

  it('says that an unknown transaction is bad input and an idle abort refused', async () => {
    await using daemon = await listeningDaemon()
    const agent = openSocket(daemon.socket)
    await expect(all(agent.follow(id))).rejects.toMatchObject({
      kind: 'bad-input',
      message: expect.stringMatching(/no transaction/),
    })
    await expect(agent.abort(id)).rejects.toMatchObject({ kind: 'refused' })
    agent.close()
  })

  it('says at once that a server which never answered is unreachable', async () => {
    const agent = openSocket('/nowhere/agent.sock')
    await expect(agent.status()).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/\/nowhere\/agent.sock/),
    })
    await expect(agent.put(id, rollback)).rejects.toMatchObject({ kind: 'unreachable' })
  })

  it('passes on what the opener of streams says', async () => {
    const agent = openAgent(async () => {
      throw new Failure('unreachable', 'staging: the host key has changed')
    })
    await expect(agent.status()).rejects.toMatchObject({
      kind: 'unreachable',
      message: 'staging: the host key has changed',
    })
  })

  it.each([
    ['speaks no HTTP', 'Welcome to Debian\r\n\r\n'],
    ['answers HTTP of another kind', 'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 5\r\n\r\n<h1>!'],
  ])('tells something that %s from an agent', async (_what, banner) => {
    await using other = await impostor((socket) => socket.once('data', () => socket.end(banner)))
    const agent = openAgent(other.connect)
    await expect(agent.status()).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/no pacs-agent/),
    })
    agent.close()
  })

  it('says which part of an answer of another version it does not understand', async () => {
    const server = createServer((_request, response) => response.end('{"phase":"asleep"}')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const agent = openAgent(() => connect(port, '127.0.0.1'))
    await expect(agent.status()).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/not understood \(agent/),
    })
    agent.close()
    server.close()
  })
})

it('reports what a requester did itself, and of a bug in it nothing that may hold a document', async () => {
  expect(await reportOf(Promise.reject(new Failure('locked', 'someone else migrates')))).toEqual({
    report: { outcome: 'refused', message: 'someone else migrates' },
  })
  const bug = new Error('duplicate key { patient: "Doe^Jane" }')
  const { report, bug: seen } = await reportOf(Promise.reject(bug))
  expect(report.outcome).toBe('failed')
  expect(report.message).not.toContain('Doe')
  expect(seen).toBe(bug)
})

it.each([
  ['done', 'done', (message: string) => Promise.resolve({ outcome: 'done' as const, message })],
  ['refused', 'refused', (message: string) => Promise.reject(new Failure('refused', message))],
])('shortens a report that is %s to what an agent takes', async (_what, outcome, own) => {
  const { report } = await reportOf(own('x'.repeat(2001)))
  expect(reportSchema.parse(report)).toEqual({ outcome, message: `${'x'.repeat(1999)}…` })
  expect((await reportOf(own('x'.repeat(2000)))).report.message).toBe('x'.repeat(2000))
})
