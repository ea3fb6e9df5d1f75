import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { FakeDb } from './fake-database.js'
import { STUDY } from './fake-orthanc.js'
import { startApi } from './start.js'

/** @param {Response} response @returns {Promise<Record<string, any>>} */
const read = async (response) => JSON.parse(await response.text())

test('studies that were ordered are fetched as one ZIP', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const ordered = await jane.post('/api/exports', { studies: [STUDY] })
  assert.equal(ordered.status, 201)
  const { id, state } = await read(ordered)
  assert.equal(state, 'queued')
  const archive = await jane.get(`/api/exports/${id}/archive`)
  assert.equal(archive.headers.get('content-type'), 'application/zip')
  assert.match(archive.headers.get('content-disposition') ?? '', /^attachment; filename="studies-[0-9a-f]{24}\.zip"$/)
  assert.equal(await archive.text(), 'PK of orthanc-1')
  const { exports } = await read(await jane.get('/api/exports'))
  assert.deepEqual([exports.length, exports[0].state], [1, 'done'])
  assert.deepEqual(
    api.db.documents('auditlogs').map(({ action }) => action),
    ['export.create', 'export.download'],
  )
})

test('an export belongs to the one who ordered it, and ends after a day', async () => {
  await using api = await startApi()
  const [jane, mary] = [await api.as('jane'), await api.as('mary')]
  const { id } = await read(await jane.post('/api/exports', { studies: [STUDY] }))
  assert.equal((await mary.get(`/api/exports/${id}/archive`)).status, 404)
  assert.deepEqual((await read(await mary.get('/api/exports'))).exports, [])
  Object.assign(api.db.documents('exportsessions')[0] ?? {}, { expiresAt: new Date(Date.now() - 1) })
  assert.equal((await jane.get(`/api/exports/${id}/archive`)).status, 404)
})

test('an export that failed says so and can be fetched again', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const { id } = await read(await jane.post('/api/exports', { studies: [STUDY] }))
  api.orthanc.behave((_request, response) => void response.writeHead(500).end())
  assert.equal((await jane.get(`/api/exports/${id}/archive`)).status, 503)
  assert.equal((await read(await jane.get('/api/exports'))).exports[0].state, 'failed')
  api.orthanc.behave(undefined)
  assert.equal((await jane.get(`/api/exports/${id}/archive`)).status, 200)
  assert.deepEqual(
    api.db.documents('auditlogs').map(({ action, outcome }) => [action, outcome]),
    [
      ['export.create', 'success'],
      ['export.download', 'failure'],
      ['export.download', 'success'],
    ],
  )
})

test('an archive that breaks off is not taken for a whole one', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const { id } = await read(await jane.post('/api/exports', { studies: [STUDY] }))
  api.orthanc.behave((request, response) => {
    if (request.url !== '/tools/create-archive') return api.orthanc.answer(request, response)
    response.writeHead(200, { 'Content-Type': 'application/zip' }).write('PK', () => response.destroy())
  })
  const archive = await jane.get(`/api/exports/${id}/archive`)
  await assert.rejects(archive.text())
  assert.equal((await read(await jane.get('/api/exports'))).exports[0].state, 'failed')
})

test('an archive that breaks off while its entry is written fails alone', async () => {
  const db = new FakeDb()
  await using api = await startApi({ db })
  const jane = await api.as()
  const { id } = await read(await jane.post('/api/exports', { studies: [STUDY] }))
  const writing = Promise.withResolvers()
  const broken = Promise.withResolvers()
  // The test and the API are one process: it is told when the API's own reader of the archive has heard of the end.
  const heard = (/** @type {any} */ { request }) => {
    if (request.origin === api.orthanc.url && request.path === '/tools/create-archive') setImmediate(broken.resolve)
  }
  subscribe('undici:request:error', heard)
  const entries = db.collection('auditlogs')
  const held = {
    ...entries,
    async insertOne(/** @type {Record<string, unknown>} */ entry) {
      writing.resolve(undefined)
      await broken.promise
      return entries.insertOne(entry)
    },
  }
  db.collection = (name) => (name === 'auditlogs' ? held : FakeDb.prototype.collection.call(db, name))
  api.orthanc.behave(async (request, response) => {
    if (request.url !== '/tools/create-archive') return api.orthanc.answer(request, response)
    response.writeHead(200, { 'Content-Type': 'application/zip' }).write('PK')
    await writing.promise
    response.destroy()
  })
  await assert.rejects(async () => {
    const archive = await jane.get(`/api/exports/${id}/archive`)
    assert.equal(archive.status, 200)
    await archive.text()
  })
  unsubscribe('undici:request:error', heard)
  assert.equal((await read(await jane.get('/api/exports'))).exports[0].state, 'failed')
})

test('a study that Orthanc does not have is no part of an archive', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const { id } = await read(await jane.post('/api/exports', { studies: [STUDY, '9.9'] }))
  const response = await jane.get(`/api/exports/${id}/archive`)
  assert.equal(response.status, 404)
  assert.match((await read(response)).error, /does not have all of these studies/)
})
