import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startApi } from './start.js'

/**
 * @param {string} url
 * @param {Agent} agent
 */
async function get(url, agent, cookie = '') {
  const [response] = await once(request(url, { agent, headers: { cookie } }).end(), 'response')
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode, connection: response.headers.connection, body }
}

/** @param {import('node:test').TestContext} t */
function keepAliveAgent(t) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  return agent
}

test('a stop finishes the request that runs, then closes its kept connection', async (t) => {
  await using api = await startApi()
  const { cookie } = await api.as()
  const agent = keepAliveAgent(t)
  /** @type {() => void} */
  let release = () => {}
  const reached = new Promise((resolve) => {
    api.orthanc.behave((incoming, response) => {
      release = () => api.orthanc.answer(incoming, response)
      resolve(undefined)
    })
  })
  const running = get(`${api.url}/api/studies`, agent, cookie)
  await reached
  const stopped = api.stop()
  api.orthanc.behave(undefined)
  // The doors close after the linger; the request above still runs then.
  await assert.rejects(async () => {
    for (;;) await fetch(`${api.url}/health/live`)
  })
  release()
  const { status, body } = await running
  assert.equal(status, 200)
  assert.match(body, /DOE/)
  assert.equal(await stopped, true)
})

test('a stopping instance is not ready, still answers, and tells kept connections to leave', async (t) => {
  /** @type {() => void} */
  let closeDoors = () => {}
  const lingered = new Promise((resolve) => {
    closeDoors = () => resolve(undefined)
  })
  await using api = await startApi({ linger: () => lingered })
  const agent = keepAliveAgent(t)
  assert.equal((await get(`${api.url}/api/version`, agent)).connection, 'keep-alive')
  const stopped = api.stop()
  const answer = await get(`${api.url}/api/version`, agent)
  const readiness = await get(`${api.url}/health/ready`, agent)
  closeDoors()
  assert.equal(answer.status, 200)
  assert.equal(answer.connection, 'close')
  assert.equal(readiness.status, 503)
  assert.equal(await stopped, true)
})

test('a connection that never asked for anything holds up no stop', async (t) => {
  await using api = await startApi()
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  // Answered after the connection above was accepted.
  await (await fetch(`${api.url}/health/live`)).text()
  assert.equal(await api.stop(), true)
})

test('a request that never ends is cut at the limit, and the stop says so', async () => {
  await using api = await startApi({ stopLimit: 100 })
  const jane = await api.as()
  const reached = new Promise((resolve) => api.orthanc.behave(resolve))
  const running = jane.get('/api/studies')
  await reached
  const cut = assert.rejects(running)
  assert.equal(await api.stop(), false)
  await cut
})
