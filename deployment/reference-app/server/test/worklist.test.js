import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApi } from './start.js'

test('the same question is asked of Orthanc once in five seconds, whoever asks', async () => {
  await using api = await startApi()
  const [jane, john] = [await api.as('jane'), await api.as('john')]
  const list = async (/** @type {import('./start.js').Browser} */ browser, path = '/api/studies') =>
    (await browser.get(path)).text()
  const first = await list(jane)
  assert.equal(await list(john), first)
  assert.equal(api.orthanc.asked.length, 1)
  await list(jane, '/api/studies?limit=3')
  assert.equal(api.orthanc.asked.length, 2)
  api.keyStore.time += 6
  await list(jane)
  assert.equal(api.orthanc.asked.length, 3)
})

test('without Redis the worklist comes from Orthanc each time, for who was logged in before', async () => {
  await using api = await startApi()
  const jane = await api.as()
  api.keyStore.isAway = true
  for (let round = 1; round <= 2; round++) {
    const response = await jane.get('/api/studies')
    assert.equal(response.status, 200)
    assert.match(await response.text(), /DOE/)
    assert.equal(api.orthanc.asked.length, round)
  }
})

test('no key of the cache holds what was searched for', async () => {
  await using api = await startApi()
  const jane = await api.as()
  await (await jane.post('/api/studies/search', { patientName: 'SENTINEL' })).text()
  assert.ok([...api.keyStore.entries.keys()].some((key) => key.startsWith('studies:')))
  assert.ok(![...api.keyStore.entries.keys()].join().includes('SENTINEL'))
})
