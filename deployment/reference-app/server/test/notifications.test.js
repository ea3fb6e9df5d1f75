import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STUDY } from './fake-orthanc.js'
import { startApi } from './start.js'

const finding = { study: STUDY, severity: 'critical', finding: 'Tension pneumothorax', recipient: 'john' }

/** @param {Response} response @returns {Promise<Record<string, any>>} */
const read = async (response) => JSON.parse(await response.text())

test('a critical finding is open until its first acknowledgement, which stays', async () => {
  await using api = await startApi()
  const [jane, john, mary] = [await api.as('jane'), await api.as('john'), await api.as('mary')]
  const created = await jane.post('/api/notifications', finding)
  assert.equal(created.status, 201)
  const { id } = await read(created)
  assert.equal((await read(await john.get('/api/notifications'))).notifications[0].id, id)

  const answers = await Promise.all([john, mary].map((one) => one.post(`/api/notifications/${id}/acknowledge`)))
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
  assert.match(
    (await read(answers.find(({ status }) => status === 409) ?? Response.error())).error,
    /has acknowledged it already/,
  )
  assert.deepEqual((await read(await jane.get('/api/notifications'))).notifications, [])
  const { notifications } = await read(await jane.get('/api/notifications?state=acknowledged'))
  assert.equal(notifications.length, 1)
  assert.ok(['john', 'mary'].includes(notifications[0].acknowledgedBy))
  assert.ok(Date.parse(notifications[0].acknowledgedAt) >= Date.parse(notifications[0].createdAt))
  const trail = api.db.documents('auditlogs').map(({ action, outcome }) => `${action} ${outcome}`)
  assert.equal(trail.filter((entry) => entry === 'notification.acknowledge success').length, 1)
  assert.equal(trail.filter((entry) => entry === 'notification.acknowledge failure').length, 1)
})

test('who acknowledges again is answered as the first time', async () => {
  await using api = await startApi()
  const john = await api.as('john')
  const { id } = await read(await john.post('/api/notifications', finding))
  const [first, second] = [
    await read(await john.post(`/api/notifications/${id}/acknowledge`)),
    await read(await john.post(`/api/notifications/${id}/acknowledge`)),
  ]
  assert.equal(second.acknowledgedBy, 'john')
  assert.deepEqual(second, first)
})

test('of many open findings the critical come first, and of each severity what waits longest', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const tell = (/** @type {object} */ change) => jane.post('/api/notifications', { ...finding, ...change })
  for (let nth = 1; nth <= 101; nth++) await tell({ severity: 'urgent', finding: `urgent ${nth}` })
  await tell({ finding: 'critical 1' })
  await tell({ finding: 'critical 2' })
  const open = async () =>
    (await read(await jane.get('/api/notifications'))).notifications.map(
      (/** @type {{ finding: string }} */ one) => one.finding,
    )
  assert.deepEqual((await open()).slice(0, 4), ['critical 1', 'critical 2', 'urgent 1', 'urgent 2'])
})

test('a page that looks for findings by itself keeps no session alive', async () => {
  await using api = await startApi()
  const jane = await api.as()
  const ends = () =>
    [...api.keyStore.entries].filter(([key]) => key.startsWith('session:')).map(([, { until }]) => until)
  api.keyStore.time += 60
  const before = ends()
  assert.equal((await jane.get('/api/notifications', { headers: { 'x-unattended': '1' } })).status, 200)
  assert.deepEqual(ends(), before)
  assert.equal((await jane.get('/api/notifications')).status, 200)
  assert.notDeepEqual(ends(), before)
})

test('notifications go on while Orthanc is away', async () => {
  await using api = await startApi()
  const jane = await api.as()
  api.orthanc.behave((request) => void request.socket.destroy())
  const { id } = await read(await jane.post('/api/notifications', finding))
  assert.equal((await jane.post(`/api/notifications/${id}/acknowledge`)).status, 200)
})

for (const [what, change, message] of /** @type {const} */ ([
  ['a study that is no UID', { study: 'x' }, /study: is no DICOM UID/],
  ['no finding', { finding: ' ' }, /finding: is empty/],
  ['an unknown severity', { severity: 'mild' }, /severity/],
  ['a recipient whom nobody knows', { recipient: 'nobody' }, /recipient: is nobody who can log in/],
])) {
  test(`a notification with ${what} is refused`, async () => {
    await using api = await startApi()
    const response = await (await api.as()).post('/api/notifications', { ...finding, ...change })
    assert.equal(response.status, 400)
    assert.match((await read(response)).error, message)
    assert.equal(api.db.documents('criticalnotifications').length, 0)
  })
}

test('what is not there cannot be acknowledged', async () => {
  await using api = await startApi()
  const jane = await api.as()
  assert.equal((await jane.post(`/api/notifications/${'0'.repeat(24)}/acknowledge`)).status, 404)
  assert.equal((await jane.post('/api/notifications/x/acknowledge')).status, 400)
})

test('a notification that cannot be kept is not promised', async () => {
  await using api = await startApi()
  const jane = await api.as()
  api.db.state = 'away'
  const response = await jane.post('/api/notifications', finding)
  assert.equal(response.status, 503)
  const { error } = await read(response)
  assert.match(error, /MongoDB\) is not available/)
  assert.doesNotMatch(error, /10\.0\.0\.9/)
})
