import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JPEG, STUDY } from './fake-orthanc.js'
import { startApi } from './start.js'

test('the worklist shows studies in plain words', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const response = await jane.get('/api/studies?limit=10')
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.deepEqual(await response.json(), {
    studies: [
      {
        studyInstanceUid: STUDY,
        patientName: 'DOE, JANE',
        patientId: 'P1',
        date: '2026-11-24',
        description: 'Chest',
        accessionNumber: '',
        modalities: ['CT'],
        series: 1,
        instances: 2,
      },
    ],
  })
})

test('a search turns its terms into one QIDO query', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const body = { patientName: 'DOE', modality: 'CT', from: '2026-01-02', limit: 5 }
  const response = await jane.post('/api/studies/search', body)
  assert.equal(response.status, 200)
  const query = new URL(api.orthanc.asked.at(-1) ?? '', 'http://orthanc').searchParams
  assert.equal(query.get('PatientName'), '*DOE*')
  assert.equal(query.get('ModalitiesInStudy'), 'CT')
  assert.equal(query.get('StudyDate'), '20260102-')
  assert.equal(query.get('limit'), '5')
  assert.ok(query.getAll('includefield').includes('StudyDescription'))
})

test('a search that finds nothing answers an empty list', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const response = await jane.post('/api/studies/search', { patientId: 'nobody' })
  assert.deepEqual(await response.json(), { studies: [] })
})

for (const [what, body, message] of /** @type {const} */ ([
  ['an unknown field', { patient: 'x' }, /patient/],
  ['a limit that is too high', { limit: 1000 }, /limit: is above 200/],
  ['a backslash, which separates values in DICOM', { patientId: 'a\\b' }, /patientId: has a character/],
  ['a lower-case modality', { modality: 'ct' }, /modality: is no modality/],
  ['a date that does not exist', { from: '2026-02-30' }, /from: is no date/],
  ['an end before the start', { from: '2026-02-02', to: '2026-01-01' }, /2026-02-02 is after 2026-01-01/],
  ['a body that is no object', '[]', /must be a JSON object/],
  ['a body that is cut', '{"limit":', /not valid JSON/],
  ['a body that is too large', { patientId: 'x'.repeat(20_000) }, /larger than 16 KiB/],
])) {
  test(`a search with ${what} is refused in one line and never reaches Orthanc`, async () => {
    await using api = await startApi()
    const jane = await api.as()
    const response = await jane.post('/api/studies/search', body)
    assert.ok([400, 413].includes(response.status), `status ${response.status}`)
    const { error } = /** @type {{ error: string }} */ (await response.json())
    assert.match(error, message)
    assert.doesNotMatch(error, /\n/)
    assert.deepEqual(api.orthanc.asked, [])
  })
}

test('an image is the first instance that has pixels', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const response = await jane.get(`/api/studies/${STUDY}/rendered`)
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'image/jpeg')
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), JPEG)
})

test('a study that is not there has no image', async () => {
  await using api = await startApi()
  const jane = await api.as()
  assert.equal((await jane.get('/api/studies/9.9.9/rendered')).status, 404)
})

for (const study of ['..%2f..%2fsystem', '1.2.x', '1'.repeat(65), '%E0%A4%A']) {
  test(`a study named ${study.slice(0, 12)} is refused and never reaches Orthanc`, async () => {
    await using api = await startApi()
    const jane = await api.as()
    assert.equal((await jane.get(`/api/studies/${study}/rendered`)).status, 400)
    assert.deepEqual(api.orthanc.asked, [])
  })
}

test('an unknown path answers 404 as JSON', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const response = await jane.get('/api/nothing')
  assert.equal(response.status, 404)
  assert.deepEqual(await response.json(), { error: 'there is nothing here' })
})
