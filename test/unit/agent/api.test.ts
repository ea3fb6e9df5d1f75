import { stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { Restarting } from '../../../src/agent/api/service.ts'
import { badInput, Failure } from '../../../src/lib/index.ts'
import { type ListeningDaemon, listeningDaemon, replay, result, twoSteps } from './daemon-fixture.ts'

const id = 'run-12345678'
const rollback = { kind: 'rollback', reason: 'slow', actor: 'ann' }

interface Answer {
  status: number
  body: string
  retryAfter: string | undefined
}

function ask(daemon: ListeningDaemon, method: string, path: string, body?: unknown): Promise<Answer> {
  const json = body === undefined ? '' : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const outgoing = request({ socketPath: daemon.socket, method, path, headers, agent: false }, async (incoming) => {
      const retryAfter = incoming.headers['retry-after']
      try {
        resolve({ status: incoming.statusCode ?? 0, body: await text(incoming), retryAfter })
      } catch (thrown) {
        reject(thrown)
      }
    })
    outgoing.on('error', reject)
    outgoing.end(json)
  })
}

describe('the API of the agent', () => {
  it('answers status, releases and health', async () => {
    await using daemon = await listeningDaemon()
    expect(await ask(daemon, 'GET', '/v1/status')).toMatchObject({
      status: 200,
      body: expect.stringMatching(/"version":"1.2.3"/),
    })
    expect(await ask(daemon, 'GET', '/v1/releases')).toMatchObject({ status: 200, body: '{"releases":[]}' })
    expect(await ask(daemon, 'GET', '/v1/health')).toMatchObject({
      status: 200,
      body: expect.stringMatching(/"healthy":true/),
    })
  })

  it('accepts a transaction with 201 and knows it with 200 when asked again', async () => {
    await using daemon = await listeningDaemon()
    expect((await ask(daemon, 'PUT', `/v1/transactions/${id}`, rollback)).status).toBe(201)
    expect((await ask(daemon, 'PUT', `/v1/transactions/${id}`, rollback)).status).toBe(200)
    expect(daemon.service.submitted[0]).toMatchObject({ id, key: 'console', request: { watch: 60_000, run: '' } })
  })

  it('ignores fields that it does not know', async () => {
    await using daemon = await listeningDaemon()
    expect((await ask(daemon, 'PUT', `/v1/transactions/${id}`, { ...rollback, colour: 'red' })).status).toBe(201)
    expect(daemon.service.submitted[0]?.request).not.toHaveProperty('colour')
  })

  it.each([
    ['an id with a path in it', '/v1/transactions/..%2f..%2fetc', rollback, /id.*is no transaction id/],
    ['an unknown kind', `/v1/transactions/${id}`, { kind: 'format' }, /request\.kind/],
    ['a missing reason', `/v1/transactions/${id}`, { kind: 'rollback', actor: 'ann' }, /request\.reason/],
    ['two missing fields, both named', `/v1/transactions/${id}`, { kind: 'rollback' }, /reason.*actor/],
  ])('refuses %s as bad input', async (_what, path, body, message) => {
    await using daemon = await listeningDaemon()
    const answer = await ask(daemon, 'PUT', path, body)
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'bad-input', message: expect.stringMatching(message) })
    expect(daemon.service.submitted).toEqual([])
  })

  it('refuses a body above its limit', async () => {
    await using daemon = await listeningDaemon()
    const answer = await ask(daemon, 'PUT', `/v1/transactions/${id}`, { ...rollback, reason: 'x'.repeat(70_000) })
    expect(answer).toMatchObject({ status: 413, body: expect.stringMatching(/larger than 65536 bytes/) })
  })

  it('refuses a body that is no JSON', async () => {
    await using daemon = await listeningDaemon()
    const outgoing = connect(daemon.socket)
    outgoing.end(
      `PUT /v1/transactions/${id} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 3\r\nconnection: close\r\n\r\n{"a`,
    )
    expect(await text(outgoing)).toMatch(/^HTTP\/1.1 400[\s\S]*"kind":"bad-input"/)
  })

  it.each([
    ['locked', new Failure('locked', 'deploy-1 runs since 10:15'), 409],
    ['refused', new Failure('refused', 'core does not fit'), 409],
    ['bad-input', badInput('no such release'), 400],
  ])('says %s with its status', async (kind, trouble, expected) => {
    await using daemon = await listeningDaemon()
    daemon.service.troubles.push(trouble)
    const answer = await ask(daemon, 'PUT', `/v1/transactions/${id}`, rollback)
    expect(answer.status).toBe(expected)
    expect(JSON.parse(answer.body)).toEqual({ kind, message: trouble.message })
  })

  it('answers restarting before the process is asked to end', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.troubles.push(new Restarting('agent 1.3.0 takes over'))
    const answer = await ask(daemon, 'PUT', `/v1/transactions/${id}`, rollback)
    expect(answer).toMatchObject({ status: 503, retryAfter: '1', body: expect.stringMatching(/"kind":"restarting"/) })
    await expect.poll(() => daemon.restarts).toBe(1)
  })

  it('hides the stack of a bug from the peer and logs it', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.statusAnswer = async () => {
      throw new TypeError('undefined is no function')
    }
    const answer = await ask(daemon, 'GET', '/v1/status')
    expect(answer).toMatchObject({ status: 500, body: expect.stringMatching(/met a bug: undefined is no function/) })
    expect(answer.body).not.toMatch(/daemon-fixture/)
    expect(daemon.logged.join()).toMatch(/daemon-fixture/)
  })

  it('streams the events after a number up to the result', async () => {
    await using daemon = await listeningDaemon()
    await ask(daemon, 'PUT', `/v1/transactions/${id}`, rollback)
    const answer = await ask(daemon, 'GET', `/v1/transactions/${id}/events?after=1`)
    expect(
      answer.body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([twoSteps[1], result])
  })

  it('cuts the stream when the events break off, so that it does not look whole', async () => {
    await using daemon = await listeningDaemon()
    daemon.service.transactions.set(id, async function* (after) {
      yield* replay(twoSteps, after)
      throw new Error('disk gone')
    })
    await expect(ask(daemon, 'GET', `/v1/transactions/${id}/events`)).rejects.toThrow(/aborted|hang up/)
    expect(daemon.logged.join()).toMatch(/disk gone/)
  })

  it('stops reading events when the follower is gone', async () => {
    await using daemon = await listeningDaemon()
    const stopped = Promise.withResolvers<void>()
    daemon.service.transactions.set(id, async function* (after, signal) {
      signal.addEventListener('abort', () => stopped.resolve())
      yield* replay(twoSteps, after)
      await stopped.promise
    })
    const follower = connect(daemon.socket)
    follower.write(`GET /v1/transactions/${id}/events HTTP/1.1\r\nhost: a\r\n\r\n`)
    follower.once('data', () => follower.destroy())
    await stopped.promise
  })

  it('aborts a running transaction and refuses to abort another', async () => {
    await using daemon = await listeningDaemon()
    await ask(daemon, 'PUT', `/v1/transactions/${id}`, rollback)
    expect(await ask(daemon, 'DELETE', `/v1/transactions/${id}`)).toMatchObject({ status: 200 })
    expect((await ask(daemon, 'DELETE', '/v1/transactions/run-87654321')).status).toBe(409)
    expect(daemon.service.aborted).toEqual([id])
  })

  it('says what it does not have', async () => {
    await using daemon = await listeningDaemon()
    expect((await ask(daemon, 'GET', '/v1/transactions/run-00000000/events')).status).toBe(404)
    expect(await ask(daemon, 'POST', '/v1/reboot')).toMatchObject({
      status: 404,
      body: expect.stringMatching(/no POST \/v1\/reboot/),
    })
  })

  it('takes the place of a stale socket, for owner and group only', async () => {
    await using daemon = await listeningDaemon()
    await daemon.stop()
    await writeFile(daemon.socket, 'left behind by a killed agent')
    await daemon.start()
    expect((await stat(daemon.socket)).mode & 0o777).toBe(0o660)
    expect((await stat(daemon.sshSocket)).mode & 0o777).toBe(0o660)
    expect((await ask(daemon, 'GET', '/v1/status')).status).toBe(200)
  })
})
