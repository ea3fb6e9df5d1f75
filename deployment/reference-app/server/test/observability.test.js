import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { STUDY } from './fake-orthanc.js'
import { startApi } from './start.js'

/** @param {string} metricsUrl */
async function scrape(metricsUrl) {
  return (await fetch(`${metricsUrl}/metrics`)).text()
}

test('metrics name the route pattern and never the study', async () => {
  await using api = await startApi()
  const jane = await api.as()
  await (await jane.get(`/api/studies/${STUDY}/rendered`)).arrayBuffer()
  await (await jane.get(`/api/${STUDY}`)).text()
  const text = await scrape(api.metricsUrl)
  assert.match(text, /duration_seconds_count\{method="GET",route="\/api\/studies\/:study\/rendered",code="200"\} 1/)
  assert.match(text, /duration_seconds_count\{method="GET",route="unmatched",code="404"\} 1/)
  assert.doesNotMatch(text, new RegExp(STUDY.replaceAll('.', '\\.')))
})

test('requests in flight are counted while they run, also when the caller leaves', async () => {
  await using api = await startApi()
  const jane = await api.as()
  assert.match(await scrape(api.metricsUrl), /^pacs_http_requests_in_flight 0$/m)
  const reached = new Promise((resolve) => api.orthanc.behave(resolve))
  const abort = new AbortController()
  const running = jane.get('/api/studies', { signal: abort.signal })
  const orthancRequest = /** @type {import('node:http').IncomingMessage} */ (await reached)
  assert.match(await scrape(api.metricsUrl), /^pacs_http_requests_in_flight 1$/m)
  abort.abort()
  await assert.rejects(running)
  orthancRequest.socket.destroy()
  await once(orthancRequest.socket, 'close')
  let text
  do text = await scrape(api.metricsUrl)
  while (!/^pacs_http_requests_in_flight 0$/m.test(text))
})

test('metrics have a port of their own', async () => {
  await using api = await startApi()
  assert.equal((await fetch(`${api.url}/metrics`)).status, 404)
  assert.equal((await fetch(`${api.metricsUrl}/api/version`)).status, 404)
})

test('the log has one line for a request, with its id and without anything of the patient', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const asked = await jane.get('/api/studies?limit=7', { headers: { 'X-Request-Id': 'request-0001' } })
  assert.equal(asked.headers.get('x-request-id'), 'request-0001')
  await asked.text()
  await (await jane.post('/api/studies/search', { patientName: 'SENTINEL' })).text()
  await (await jane.get(`/api/studies/${STUDY}/rendered`)).arrayBuffer()
  const lines = api.logLines.map((line) => JSON.parse(line)).filter((line) => line.msg === 'request')
  assert.equal(lines.length, 3)
  const { request, method, route, status, complete } = lines[0]
  assert.deepEqual(
    { request, method, route, status, complete },
    { request: 'request-0001', method: 'GET', route: '/api/studies', status: 200, complete: true },
  )
  for (const phi of ['limit=7', 'SENTINEL', 'DOE', STUDY, 'fake-password', jane.cookie, jane.csrfToken]) {
    assert.ok(!api.logLines.join('').includes(phi), `the log holds ${phi}`)
  }
})

test('a request id that is not plain is replaced', async () => {
  await using api = await startApi()
  const response = await fetch(`${api.url}/api/version`, { headers: { 'X-Request-Id': 'a b"c' } })
  assert.match(response.headers.get('x-request-id') ?? '', /^[\da-f-]{36}$/)
})
