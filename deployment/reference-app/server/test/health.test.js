import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dependencies } from '../src/dependencies.js'
import { startApi } from './start.js'

test('an instance is ready while MongoDB and Redis answer, and live in any case', async () => {
  await using api = await startApi()
  const ready = () => fetch(`${api.url}/health/ready`)
  assert.equal((await ready()).status, 200)
  api.orthanc.behave((_request, response) => void response.writeHead(500).end())
  assert.equal((await ready()).status, 200)
  api.db.state = 'away'
  const withoutDatabase = await ready()
  assert.equal(withoutDatabase.status, 503)
  assert.match(await withoutDatabase.text(), /MongoDB/)
  api.db.state = 'here'
  api.keyStore.isAway = true
  const withoutKeyStore = await ready()
  assert.equal(withoutKeyStore.status, 503)
  assert.match(await withoutKeyStore.text(), /Redis/)
  assert.equal((await fetch(`${api.url}/health/live`)).status, 200)
})

test('the public summary names what is away, without a log-in', async () => {
  await using api = await startApi()
  const response = await fetch(`${api.url}/api/health`)
  assert.equal(response.status, 200)
  const up = { mongodb: 'up', redis: 'up', orthanc: 'up' }
  assert.deepEqual(await response.json(), { status: 'complete', dependencies: up })

  await using ill = await startApi()
  ill.orthanc.behave((_request, response) => void response.writeHead(500).end())
  const summary = await fetch(`${ill.url}/api/health`)
  assert.equal(summary.status, 503)
  assert.deepEqual(await summary.json(), { status: 'degraded', dependencies: { ...up, orthanc: 'down' } })
})

test('however many ask, each dependency is asked once a second', async () => {
  let now = 0
  let asked = 0
  const part = { ping: async () => void asked++ }
  const dependencies = new Dependencies({ mongodb: part, redis: part, orthanc: part }, () => now)
  await Promise.all(Array.from({ length: 20 }, () => dependencies.state()))
  assert.equal(asked, 3)
  now = 1001
  await Promise.all(Array.from({ length: 20 }, () => dependencies.state()))
  assert.equal(asked, 6)
})

test('the version names release and instance', async () => {
  await using api = await startApi()
  const response = await fetch(`${api.url}/api/version`)
  assert.deepEqual(await response.json(), { version: '1.2.3', commit: 'c0ffee', instance: 'test' })
})
