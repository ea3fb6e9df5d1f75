import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket } from 'node:net'
import { test } from 'node:test'
import express, { Router } from 'express'
import { Registry } from 'prom-client'
import { Families } from '../src/metrics/families.js'
import { RecentlySeen } from '../src/metrics/recently-seen.js'
import { RequestFigures } from '../src/metrics/request-figures.js'
import { createMetrics } from '../src/middleware/metrics-middleware.js'
import { STUDY } from './fake-orthanc.js'
import { PASSWORD } from './people.js'
import { Browser, startApi } from './start.js'

test('10,000 random paths, names and methods make no more series than there are routes', async () => {
  const { registry, counted } = createMetrics()
  const app = express()
  const handler = counted(app)
  // Answers at once: what a network adds is in the other tests, and would cost minutes here.
  const answer = (/** @type {unknown} */ _request, /** @type {import('express').Response} */ response) =>
    void response.emit('close')
  const wards = Router({ mergeParams: true })
  wards.get('/beds/:bed', answer)
  const patients = Router()
  patients.get('/reports', answer)
  app.use('/wards/:ward', wards)
  app.use('/v2/patients/:patient', patients)
  app.get('/studies/:study', answer)
  app.use(answer)
  const names = Array.from({ length: 10_000 }, (_, n) => {
    const random = [randomUUID(), `1.2.840.${randomBytes(6).readUIntBE(0, 6)}`, `doe^${randomBytes(4).toString('hex')}`]
    return random[n % random.length] ?? ''
  })
  const socket = new Socket()
  for (const [n, name] of names.entries()) {
    const part = encodeURIComponent(name)
    const paths = [
      `/wards/${part}/beds/${part}`,
      `/v2/patients/${part}/reports`,
      `/studies/${part}`,
      `/${part}?q=${part}`,
    ]
    const method = n % 10 === 0 ? `METHOD${name}` : 'GET'
    const request = Object.assign(new IncomingMessage(socket), { method, url: paths[n % paths.length] })
    handler(request, new ServerResponse(request))
  }
  const text = await registry.metrics()
  for (const name of names) assert.ok(!text.includes(name) && !text.includes(encodeURIComponent(name)), name)
  const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map(([, route]) => route))
  assert.deepEqual([...routes].sort(), [
    '/studies/:study',
    '/v2/patients/:id/reports',
    '/wards/:ward/beds/:bed',
    'unmatched',
  ])
  const answered = [...text.matchAll(/duration_seconds_count\{[^}]*\} (\d+)/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  )
  assert.equal(answered, 10_000)
})

test('10,000 random words make no more series of what people do than there are', async () => {
  const registry = new Registry()
  const families = new Families(registry)
  const one = async (/** @type {any} */ word) => {
    await families.attempt(word, async () => undefined)
    families.sessionEnded(word)
    await families.notify(word, async () => undefined)
    await families.acknowledge(async () => ({ severity: word, createdAt: new Date(), acknowledgedAt: null }))
    await families.sign(word, async () => undefined)
    await families.auditWrite({ action: word, outcome: 'success' }, async () => undefined)
  }
  const series = async () => (await registry.metrics()).split('\n').filter((line) => /^\w/.test(line))
  await one('any')
  const { length } = await series()
  const words = Array.from({ length: 10_000 }, () => `doe^${randomBytes(4).toString('hex')}`)
  for (const word of words) await one(word)
  const after = await series()
  assert.equal(after.length, length)
  assert.ok(!after.join('\n').includes('doe'))
  assert.ok(after.includes('pacs_signatures_total{meaning="other",result="made"} 10001'))
})

test('an application with more routes than are told apart counts the rest as other', async () => {
  const { registry, counted } = createMetrics({ prefix: 'shop_', routes: 2 })
  const app = express()
  for (const path of ['/one', '/two', '/three', '/four'])
    app.get(path, (_request, response) => void response.send(path))
  const server = createServer(counted(app)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  for (const path of ['one', 'two', 'three', 'four', 'one'])
    await (await fetch(`http://127.0.0.1:${port}/${path}`)).text()
  server.close()
  server.closeAllConnections()
  const text = await registry.metrics()
  const counts = [...text.matchAll(/^shop_http_request_duration_seconds_count\{.*route="(.*?)".*\} (\d+)$/gm)]
  assert.deepEqual(
    counts.map(([, route, count]) => [route, Number(count)]),
    [
      ['/one', 2],
      ['/two', 1],
      ['other', 2],
    ],
  )
})

test('a request is in the bucket of its time, and one above all limits in the last alone', async () => {
  const registry = new Registry()
  const figures = new RequestFigures(registry, 'shop_', {
    limits: [0.1, 1],
    methodOf: (method) => method,
    routeOf: (route) => route,
  })
  for (const seconds of [0.05, 0.1, 0.5, 60]) figures.add('GET', '/', 200, seconds, 10, true)
  figures.add('GET', '/', 500, 0.5, 10, true)
  const text = await registry.metrics()
  const bucket = (/** @type {string} */ le, code = '200') =>
    sampleIn(text, `shop_http_request_duration_seconds_bucket{method="GET",route="/",code="${code}",le="${le}"}`)
  assert.deepEqual([bucket('0.1'), bucket('1'), bucket('+Inf')], [2, 3, 4])
  assert.deepEqual([bucket('0.1', '500'), bucket('1', '500')], [0, 1])
})

test('answers over one connection count with the bytes of each, and one that breaks off as aborted', async () => {
  const { registry, counted } = createMetrics({ prefix: 'shop_' })
  const app = express()
  app.get('/small', (_request, response) => void response.send('x'.repeat(100)))
  app.get('/cut', (_request, response) => void response.write('x', () => response.destroy()))
  app.get('/health', (_request, response) => void response.send('y'.repeat(1000)))
  const server = createServer(counted(app, (url) => url !== '/health')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const socket = connect(port, '127.0.0.1')
  let came = 0
  for (const path of ['health', 'small', 'health', 'small', 'small']) {
    socket.write(`GET /${path} HTTP/1.1\r\nHost: shop\r\n\r\n`)
    const { length } = (await once(socket, 'data'))[0]
    if (path === 'small') came += length
  }
  socket.resume().write('GET /cut HTTP/1.1\r\nHost: shop\r\n\r\n')
  await once(socket, 'close')
  server.close()
  const text = await registry.metrics()
  const series = (/** @type {string} */ name, /** @type {string} */ route) =>
    sampleIn(text, `shop_http_${name}{method="GET",route="${route}",code="200"}`)
  assert.deepEqual([series('response_bytes_total', '/small'), series('requests_aborted_total', '/small')], [came, 0])
  assert.equal(series('requests_aborted_total', '/cut'), 1)
})

test('probes are no traffic', async () => {
  await using api = await startApi()
  for (const path of ['/health/live', '/health/ready', '/api/version'])
    assert.equal((await fetch(api.url + path)).status, 200)
  const counted = [...(await scrape(api)).matchAll(/^pacs_http_request_duration_seconds_count\{.*route="(.*?)"/gm)]
  assert.deepEqual(
    counted.map(([, route]) => route),
    ['/api/version'],
  )
})

test('what people do is counted, and nobody is named', async () => {
  await using api = await startApi()
  const stranger = new Browser(api.url)
  await stranger.logIn('jane', 'a wrong one')
  const jane = new Browser(api.url)
  await jane.logIn('jane')
  const finding = { study: STUDY, severity: 'critical', finding: 'SENTINEL', recipient: 'jane' }
  const created = await jane.post('/api/notifications', finding)
  const { id } = /** @type {{ id: string }} */ (await created.json())
  assert.equal(await sample(api, 'pacs_notifications_open{severity="critical"}'), 1)
  await jane.post(`/api/notifications/${id}/acknowledge`)
  const report = `/api/studies/${STUDY}/report`
  await jane.send('PUT', report, { text: 'SENTINEL', base: 0 })
  await jane.post(`${report}/sign`, { version: 1, meaning: 'author', password: 'a wrong one' })
  await jane.post(`${report}/sign`, { version: 1, meaning: 'author', password: PASSWORD })
  await jane.get(report)
  await jane.post('/api/exports', { studies: [STUDY] })
  const auditor = await api.as('alan')
  await auditor.get('/api/audit/verification')

  const text = await scrape(api)
  const expected = {
    'pacs_auth_attempts_total{purpose="log-in",result="wrong"}': 1,
    'pacs_auth_attempts_total{purpose="log-in",result="success"}': 1,
    'pacs_auth_attempts_total{purpose="signature",result="wrong"}': 1,
    pacs_sessions_started_total: 1,
    pacs_sessions_active: 2,
    'pacs_notifications_created_total{severity="critical"}': 1,
    'pacs_notifications_open{severity="critical"}': 0,
    'pacs_notification_acknowledge_seconds_count{severity="critical"}': 1,
    'pacs_signatures_total{meaning="author",result="made"}': 1,
    'pacs_signatures_total{meaning="author",result="refused"}': 1,
    'pacs_signature_verifications_total{result="invalid"}': 0,
    pacs_exports_queued_total: 1,
    pacs_audit_write_failures_total: 0,
    'pacs_audit_entries_total{action="session.start",outcome="failure"}': 1,
    'pacs_audit_chain_valid{chain="auditlogs"}': 1,
    'pacs_build_info{version="1.2.3",commit="c0ffee"}': 1,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(sampleIn(text, name), value, name)
  assert.ok((sampleIn(text, 'pacs_signature_verifications_total{result="valid"}') ?? 0) >= 1)
  for (const secret of ['SENTINEL', 'jane', 'alan', STUDY, PASSWORD]) assert.ok(!text.includes(secret), secret)
})

test('a critical finding shows behind any number of urgent ones that wait longer', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const finding = { study: STUDY, finding: 'SENTINEL', recipient: 'jane' }
  for (let count = 0; count < 101; count++) await jane.post('/api/notifications', { ...finding, severity: 'urgent' })
  await jane.post('/api/notifications', { ...finding, severity: 'critical' })
  assert.equal(await sample(api, 'pacs_notifications_open{severity="critical"}'), 1)
  assert.equal(await sample(api, 'pacs_notifications_open{severity="urgent"}'), 100)
})

test('a report that was changed after it was signed counts as an invalid signature', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const report = `/api/studies/${STUDY}/report`
  await jane.send('PUT', report, { text: 'nothing found', base: 0 })
  await jane.post(`${report}/sign`, { version: 1, meaning: 'author', password: PASSWORD })
  const [kept] = api.db.documents('reports')
  Object.assign(kept ?? {}, { text: 'something found' })
  await jane.get(report)
  assert.equal(await sample(api, 'pacs_signature_verifications_total{result="invalid"}'), 1)
})

test('what the app depends on shows as up or down, and what cannot be asked is absent rather than 0', async () => {
  await using api = await startApi()
  assert.equal(await sample(api, 'pacs_dependency_up{dependency="mongodb"}'), 1)
  assert.equal(await sample(api, 'pacs_notifications_open{severity="urgent"}'), 0)
  await using ill = await startApi()
  ill.db.state = 'away'
  const jane = new Browser(ill.url)
  await jane.logIn('jane')
  const text = await scrape(ill)
  assert.equal(sampleIn(text, 'pacs_dependency_up{dependency="mongodb"}'), 0)
  assert.equal(sampleIn(text, 'pacs_dependency_up{dependency="redis"}'), 1)
  assert.equal(sampleIn(text, 'pacs_notifications_open{severity="urgent"}'), undefined)
})

test('an entry that the audit trail did not take is counted', async () => {
  await using api = await startApi()
  const jane = await api.as()
  api.db.state = 'away'
  await (await jane.get('/api/studies')).text()
  assert.equal(await sample(api, 'pacs_audit_write_failures_total'), 1)
})

test('a key counts as seen of late for its time, and is not kept longer', () => {
  let now = 0
  const seen = new RecentlySeen(100, () => now)
  seen.see('one')
  now = 60
  seen.see('two')
  seen.see('one')
  assert.equal(seen.size, 2)
  now = 150
  seen.see('three')
  assert.equal(seen.size, 3)
  now = 165
  assert.equal(seen.size, 1)
})

/** @typedef {Awaited<ReturnType<typeof startApi>>} Api */

/** @param {Api} api */
async function scrape(api) {
  return (await fetch(`${api.metricsUrl}/metrics`)).text()
}

/**
 * @param {Api} api
 * @param {string} name of the series, with its labels as they are written
 */
async function sample(api, name) {
  return sampleIn(await scrape(api), name)
}

/**
 * @param {string} text
 * @param {string} name
 */
function sampleIn(text, name) {
  const line = text.split('\n').find((line) => line.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length))
}
