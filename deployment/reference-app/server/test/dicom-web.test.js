import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { STUDY } from './fake-orthanc.js'
import { startApi } from './start.js'

const MULTIPART = { 'Content-Type': 'multipart/related; type="application/dicom"; boundary=x' }

test('DICOMweb is read by those who treat, and leads nowhere else in Orthanc', async () => {
  await using api = await startApi()
  const [jane, john, alan] = [await api.as('jane'), await api.as('john'), await api.as('alan')]
  for (const reader of [jane, john]) {
    const answer = await reader.get(`/api/dicom-web/studies/${STUDY}/instances?limit=5`)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'application/dicom+json')
    assert.equal(JSON.parse(await answer.text()).length, 2)
  }
  assert.ok(api.orthanc.asked.includes(`/dicom-web/studies/${STUDY}/instances?limit=5`))
  assert.equal((await alan.get('/api/dicom-web/studies')).status, 403)
  assert.equal((await fetch(`${api.url}/api/dicom-web/studies`)).status, 401)
  const before = api.orthanc.asked.length
  for (const path of ['servers', 'studies/..%2f..%2finstances', 'studies/%2e%2e/%2e%2e/system', 'studies//x', '']) {
    assert.equal((await jane.get(`/api/dicom-web/${path}`)).status, 404, path)
  }
  assert.equal(api.orthanc.asked.length, before)
  const actions = api.db.documents('auditlogs').map(({ user, action, target }) => [user, action, target].join(' '))
  assert.deepEqual(actions, [`jane study.view ${STUDY}`, `john study.view ${STUDY}`])
})

test('a radiologist stores, and what is sent arrives as it was', async () => {
  await using api = await startApi()
  const [jane, john] = [await api.as('jane'), await api.as('john')]
  /** @type {string[]} */
  const stored = []
  api.orthanc.behave(async (incoming, response) => {
    let text = ''
    for await (const chunk of incoming) text += chunk
    stored.push(`${incoming.url} ${incoming.headers['content-type']} ${text}`)
    // Of a body whose length is named Orthanc keeps the whole in memory.
    stored.push(`${incoming.headers['transfer-encoding']} ${incoming.headers['content-length']}`)
    response.writeHead(200, { 'Content-Type': 'application/dicom+json' }).end('{}')
  })
  const send = (/** @type {typeof jane} */ who, headers = MULTIPART) =>
    fetch(`${api.url}/api/dicom-web/studies`, {
      method: 'POST',
      headers: { cookie: who.cookie, 'x-csrf-token': who.csrfToken, ...headers },
      body: '--x the instance --x--',
    })
  assert.equal((await send(jane)).status, 200)
  const arrived = [`/dicom-web/studies ${MULTIPART['Content-Type']} --x the instance --x--`, 'chunked undefined']
  assert.deepEqual(stored, arrived)
  assert.equal((await send(john)).status, 403)
  assert.equal((await send(jane, { 'Content-Type': 'application/json' })).status, 415)
  assert.equal(stored.length, arrived.length)
  assert.deepEqual(
    api.db.documents('auditlogs').map(({ action, outcome }) => [action, outcome]),
    [['study.store', 'success']],
  )
})

test('an upload is written down as Orthanc answers it', async () => {
  await using api = await startApi()
  const jane = await api.as('jane')
  const headers = { cookie: jane.cookie, 'x-csrf-token': jane.csrfToken, ...MULTIPART }
  const send = async (/** @type {import('./fake-orthanc.js').Behaviour} */ behaviour) => {
    api.orthanc.behave(behaviour)
    const init = { method: 'POST', headers, body: '--x the instance --x--' }
    return (await fetch(`${api.url}/api/dicom-web/studies`, init)).status
  }
  for (const status of [200, 202, 409, 507]) {
    assert.equal(await send((_incoming, response) => void response.writeHead(status).end('{}')), status)
  }
  // What of it is stored nobody knows.
  assert.equal(await send((incoming) => void incoming.socket.destroy()), 503)
  assert.deepEqual(
    api.db.documents('auditlogs').map(({ action, target, outcome }) => [action, target, outcome].join(' ')),
    [
      'study.store studies success',
      'study.store studies (202) success',
      'study.store studies (409) failure',
      'study.store studies (507) failure',
      'study.store studies failure',
    ],
  )
})

test('what Orthanc did not show was not seen', async () => {
  await using api = await startApi()
  const jane = await api.as('jane')
  const read = async () => (await jane.get(`/api/dicom-web/studies/${STUDY}/instances`)).status
  for (const status of [404, 500]) {
    api.orthanc.behave((_incoming, response) => void response.writeHead(status).end())
    assert.equal(await read(), status)
  }
  assert.deepEqual(api.db.documents('auditlogs'), [])
  api.orthanc.behave(undefined)
  assert.equal(await read(), 200)
  assert.deepEqual(
    api.db.documents('auditlogs').map(({ action }) => action),
    ['study.view'],
  )
})

test('an upload that is cut half-way is cut for Orthanc too, and written down as a failure', async () => {
  await using api = await startApi()
  const jane = await api.as('jane')
  /** @type {Promise<string>} */
  const cut = new Promise((resolve) => {
    api.orthanc.behave((incoming) => {
      incoming.resume()
      incoming.once('error', (error) => resolve(error.message))
      incoming.once('end', () => resolve('whole'))
    })
  })
  const headers = { cookie: jane.cookie, 'x-csrf-token': jane.csrfToken, ...MULTIPART, 'Content-Length': '1000000' }
  const upload = request(`${api.url}/api/dicom-web/studies`, { method: 'POST', headers })
  upload.on('error', () => undefined)
  upload.write('x'.repeat(100_000))
  await once(upload, 'socket')
  setTimeout(() => upload.destroy(), 200)
  assert.equal(await cut, 'aborted')
  while (api.db.documents('auditlogs').length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.deepEqual(
    api.db.documents('auditlogs').map(({ action, outcome }) => [action, outcome]),
    [['study.store', 'failure']],
  )
  api.orthanc.behave(undefined)
  assert.equal((await jane.get('/api/dicom-web/studies')).status, 200)
})

test('an answer of Orthanc that breaks off ends that answer and nothing else', async () => {
  await using api = await startApi()
  const jane = await api.as('jane')
  api.orthanc.behave((_incoming, response) => {
    response.writeHead(200, { 'Content-Length': '1000000' })
    // Only a reset is an error of the request itself; an early end is one of the answer alone.
    response.write('x'.repeat(1000), () => void response.socket?.resetAndDestroy())
  })
  const read = async () => (await jane.get(`/api/dicom-web/studies/${STUDY}/instances`)).text()
  await assert.rejects(read())
  api.orthanc.behave(undefined)
  assert.match(await read(), /0020000D/)
})
