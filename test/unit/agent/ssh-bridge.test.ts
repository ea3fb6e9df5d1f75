import { once } from 'node:events'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { preamble } from '../../../src/agent/api/listen.ts'
import { bridge } from '../../../src/agent/api/ssh-bridge.ts'
import { type ListeningDaemon, listeningDaemon, replay, twoSteps } from './daemon-fixture.ts'

const body = JSON.stringify({ kind: 'rollback', reason: 'slow', actor: 'ann' })

function put(id: string, ...headers: string[]): string {
  const length = `content-length: ${body.length}`
  return [
    `PUT /v1/transactions/${id} HTTP/1.1`,
    'host: a',
    'content-type: application/json',
    length,
    ...headers,
    '',
    body,
  ].join('\r\n')
}

function session(daemon: ListeningDaemon, key: string) {
  const stdin = new PassThrough()
  const stdout = new PassThrough()
  const ended = bridge({ key, sshSocket: daemon.sshSocket, stdin, stdout, patience: 5000 })
  return { stdin, stdout, ended }
}

describe('pacs-agent ssh', () => {
  it('records the key that sshd proved, whatever the peer claims to be', async () => {
    await using daemon = await listeningDaemon()
    const { stdin, stdout, ended } = session(daemon, 'ci-staging')
    stdin.write(preamble('root') + put('run-11111111'))
    expect(await text(stdout)).not.toMatch(/201/)
    await ended

    const honest = session(daemon, 'ci-staging')
    honest.stdin.write(put('run-22222222', 'x-pacs-key: root', 'connection: close'))
    expect(await text(honest.stdout)).toMatch(/^HTTP\/1.1 201/)
    await honest.ended
    expect(daemon.service.submitted.map(({ id, key }) => [id, key])).toEqual([['run-22222222', 'ci-staging']])
  })

  it('keeps the identity for every request of a connection', async () => {
    await using daemon = await listeningDaemon()
    const { stdin, stdout, ended } = session(daemon, 'laptop')
    stdin.write(put('run-11111111') + put('run-22222222', 'connection: close'))
    expect((await text(stdout)).match(/HTTP\/1.1 201/g)).toHaveLength(2)
    await ended
    expect(daemon.service.submitted.map(({ key }) => key)).toEqual(['laptop', 'laptop'])
  })

  it('ends when the peer is gone', async () => {
    await using daemon = await listeningDaemon()
    const { stdin, ended } = session(daemon, 'laptop')
    stdin.end()
    await ended
  })

  it('still delivers the answer after the peer has ended its side', async () => {
    await using daemon = await listeningDaemon()
    const { stdin, stdout, ended } = session(daemon, 'laptop')
    stdin.end(put('run-11111111', 'connection: close'))
    expect(await text(stdout)).toMatch(/^HTTP\/1.1 201/)
    await ended
  })

  it('ends when the agent dies in the middle of a stream', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.transactions.set('run-11111111', async function* (after, signal) {
      yield* replay(twoSteps, after)
      await once(signal, 'abort')
    })
    const { stdin, stdout, ended } = session(daemon, 'laptop')
    stdin.write('GET /v1/transactions/run-11111111/events HTTP/1.1\r\nhost: a\r\n\r\n')
    await once(stdout, 'data')
    await daemon.stop()
    await ended
  })

  it('waits for an agent that restarts', async () => {
    await using daemon = await listeningDaemon()
    await daemon.stop()
    const { stdin, stdout, ended } = session(daemon, 'laptop')
    stdin.write('GET /v1/status HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    await daemon.start()
    expect(await text(stdout)).toMatch(/^HTTP\/1.1 200/)
    await ended
  })

  it('gives up on an agent that does not come, and says where to look', async () => {
    await using daemon = await listeningDaemon()
    await daemon.stop()
    const stdin = new PassThrough()
    const ended = bridge({ key: 'laptop', sshSocket: daemon.sshSocket, stdin, stdout: new PassThrough(), patience: 0 })
    await expect(ended).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/systemctl status pacs-agent/),
    })
  })

  it.each(['a\nb', '', 'a b', '-x', 'x'.repeat(65)])('refuses the key name %j', async (key) => {
    const ended = bridge({ key, sshSocket: '/nowhere', stdin: new PassThrough(), stdout: new PassThrough() })
    await expect(ended).rejects.toMatchObject({ kind: 'bad-input', message: expect.stringMatching(/--key/) })
  })

  it.each([
    ['HTTP without an introduction', 'GET /v1/status HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['an endless first line', 'x'.repeat(4096)],
    ['a key name that could not be', 'pacs-agent key=a/../b\n'],
  ])('is cut off by the agent for %s', async (_what, first) => {
    await using daemon = await listeningDaemon()
    const peer = connect(daemon.sshSocket)
    peer.on('error', () => {})
    peer.write(first)
    peer.resume()
    await once(peer, 'close')
    expect(daemon.service.submitted).toEqual([])
  })
})
