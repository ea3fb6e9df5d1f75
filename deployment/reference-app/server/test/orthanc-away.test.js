import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Orthanc } from '../src/orthanc.js'
import { OrthancUnavailable } from '../src/problems.js'
import { ACCESS, startFakeOrthanc } from './fake-orthanc.js'
import { startApi } from './start.js'

/** @type {[string, import('./fake-orthanc.js').Behaviour, RegExp][]} */
const troubles = [
  ['refuses the login', (_request, response) => void response.writeHead(401).end(), /refused the login \(401\)/],
  ['has no DICOMweb', (_request, response) => void response.writeHead(404).end(), /has no DICOMweb/],
  ['fails', (_request, response) => void response.writeHead(500).end(), /answered 500/],
  ['answers HTML', (_request, response) => void response.end('<html>'), /not JSON/],
  ['answers other JSON', (_request, response) => void response.end('{"a":1}'), /not DICOM JSON/],
  ['cuts every connection', (request) => void request.socket.destroy(), /no connection/],
]
for (const [what, behaviour, message] of troubles) {
  test(`when Orthanc ${what}, the API answers 503 and says so`, async () => {
    await using api = await startApi()
    const jane = await api.as()
    api.orthanc.behave(behaviour)
    const response = await jane.get('/api/studies')
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('retry-after'), '2')
    const { error } = /** @type {{ error: string }} */ (await response.json())
    assert.match(error, message)
    assert.doesNotMatch(error, /127\.0\.0\.1/)
  })
}

test('when Orthanc does not listen, the API says which way the connection failed', async () => {
  const orthanc = await startFakeOrthanc()
  const { url } = orthanc
  await orthanc[Symbol.asyncDispose]()
  await assert.rejects(new Orthanc({ url, ...ACCESS }).ping(1000), /no connection \(ECONNREFUSED\)/)
})

test('a call to an Orthanc that hangs ends at its time limit', async () => {
  await using orthanc = await startFakeOrthanc()
  orthanc.behave(() => {})
  const client = new Orthanc({ url: orthanc.url, ...ACCESS }, 100)
  await assert.rejects(client.find('studies', new URLSearchParams()), (error) => {
    assert.ok(error instanceof OrthancUnavailable)
    assert.match(error.message, /no answer within 100 ms/)
    return true
  })
})

test('a request that meets a connection just closed by Orthanc is sent again', async () => {
  await using orthanc = await startFakeOrthanc()
  let dropped = false
  orthanc.behave((request, response) => {
    if (dropped) return orthanc.answer(request, response)
    dropped = true
    request.socket.destroy()
  })
  assert.equal((await new Orthanc({ url: orthanc.url, ...ACCESS }).find('studies', new URLSearchParams())).length, 1)
})
