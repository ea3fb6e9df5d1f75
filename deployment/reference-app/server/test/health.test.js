import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApi } from './start.js'

test('an instance is ready while Orthanc answers, and live in any case', async () => {
  await using api = await startApi()
  assert.equal((await fetch(`${api.url}/health/ready`)).status, 200)
  api.orthanc.behave((_request, response) => void response.writeHead(500).end())
  const response = await fetch(`${api.url}/health/ready`)
  assert.equal(response.status, 503)
  assert.match(await response.text(), /answered 500/)
  assert.equal((await fetch(`${api.url}/health/live`)).status, 200)
})

test('the version names release and instance', async () => {
  await using api = await startApi()
  const response = await fetch(`${api.url}/api/version`)
  assert.deepEqual(await response.json(), { version: '1.2.3', commit: 'c0ffee', instance: 'test' })
})
