import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { pino } from 'pino'
import { BEGINNING, nextEntry, verifyChain } from '../src/records/audit-chain.js'
import { AuditLog } from '../src/records/audit-log.js'
import { Database } from '../src/stores/database.js'
import { FakeDb } from './fake-database.js'
import { FakeKeyStore } from './fake-key-store.js'
import { STUDY } from './fake-orthanc.js'
import { people } from './people.js'
import { startApi } from './start.js'

const event = { user: 'jane', action: 'report.save', target: '1.2.3' }

/** A log with `count` entries. */
async function logOf(count = 0) {
  const db = new FakeDb()
  const log = new AuditLog(new Database(db), new FakeKeyStore())
  for (let entry = 0; entry < count; entry++) await log.append(event)
  return { db, log, entries: db.documents('auditlogs') }
}

test('each entry names the hash of the one before it', async () => {
  const { log, entries } = await logOf(3)
  assert.deepEqual(
    entries.map(({ seq, previousHash }) => [seq, previousHash]),
    [
      [1, BEGINNING],
      [2, entries[0]?.hash],
      [3, entries[1]?.hash],
    ],
  )
  assert.deepEqual(await log.verify(), { entries: 3, last: entries[2]?.hash, broken: null })
})

test('instances that write at once make one chain without a gap', async () => {
  const db = new FakeDb()
  const logs = Array.from({ length: 3 }, () => new AuditLog(new Database(db), new FakeKeyStore()))
  await Promise.all(logs.flatMap((log) => Array.from({ length: 20 }, () => log.append(event))))
  const { entries, broken } = await new AuditLog(new Database(db), new FakeKeyStore()).verify()
  assert.deepEqual({ entries, broken }, { entries: 60, broken: null })
})

for (const [
  what,
  spoil,
  seq,
  why,
] of /** @type {[string, (entries: Record<string, unknown>[]) => void, number, RegExp][]} */ ([
  ['changed', (entries) => Object.assign(entries[1] ?? {}, { user: 'mary' }), 2, /changed after it was written/],
  ['moved in time', (entries) => Object.assign(entries[1] ?? {}, { at: new Date(0) }), 2, /changed/],
  ['removed', (entries) => entries.splice(1, 1), 2, /entry 2 is missing, 3 follows/],
  ['removed at the beginning', (entries) => entries.splice(0, 1), 1, /entry 1 is missing/],
  ['of another shape', (entries) => Object.assign(entries[2] ?? {}, { outcome: 'unclear' }), 3, /shape/],
  [
    'rewritten with its hash, but not those after it',
    (entries) => Object.assign(entries[1] ?? {}, { hash: 'f'.repeat(64) }),
    2,
    /changed/,
  ],
])) {
  test(`an entry that was ${what} breaks the chain there`, async () => {
    const { log, entries } = await logOf(4)
    spoil(entries)
    const { broken } = await log.verify()
    assert.equal(broken?.seq, seq)
    assert.match(broken?.why ?? '', why)
  })
}

test('an entry whose content was swapped for that of a valid chain does not follow', async () => {
  const { entries } = await logOf(2)
  const { entries: others } = await logOf(2)
  const { broken } = await verifyChain(
    (async function* () {
      yield entries[0]
      yield { ...others[1], previousHash: 'e'.repeat(64) }
    })(),
  )
  assert.equal(broken?.seq, 2)
  assert.match(broken?.why ?? '', /does not follow/)
})

test('a long chain is verified beside other work', async () => {
  /** @type {import('../src/records/audit-chain.js').AuditEntry | null} */
  let last = null
  async function* entries() {
    for (let seq = 1; seq <= 5000; seq++) {
      last = nextEntry(last, { ...event, at: new Date(0), outcome: 'success' })
      yield last
    }
  }
  let turns = 0
  let timer = setImmediate(function turn() {
    turns += 1
    timer = setImmediate(turn)
  })
  const { broken } = await verifyChain(entries())
  clearImmediate(timer)
  assert.equal(broken, null)
  assert.ok(turns >= 4, `${turns} turns`)
})

test('looking at a study is written down once in ten minutes for each person', async () => {
  await using api = await startApi()
  const [jane, mary] = [await api.as('jane'), await api.as('mary')]
  for (const browser of [jane, jane, mary]) await (await browser.get(`/api/studies/${STUDY}/rendered`)).arrayBuffer()
  const views = () => api.db.documents('auditlogs').filter(({ action }) => action === 'study.view')
  assert.deepEqual(
    views().map(({ user, target }) => `${user} ${target}`),
    [`jane ${STUDY}`, `mary ${STUDY}`],
  )
  api.keyStore.time += 601
  await (await jane.get(`/api/studies/${STUDY}/rendered`)).arrayBuffer()
  assert.equal(views().length, 3)
})

test('images are shown while MongoDB is away, and the log has what the trail misses', async () => {
  await using api = await startApi()
  const jane = await api.as()
  api.db.state = 'away'
  assert.equal((await jane.get(`/api/studies/${STUDY}/rendered`)).status, 200)
  const missed = api.logLines
    .map((line) => JSON.parse(line))
    .find(({ msg }) => msg === 'an audit entry was not written')
  assert.equal(missed?.user, 'jane')
  assert.equal(missed?.action, 'study.view')
})

test('views wait for a database that hangs once and together, then for two seconds not at all; what was done is tried', async () => {
  const db = new FakeDb()
  const keyStore = new FakeKeyStore()
  let asked = 0
  const counted = {
    command: () => db.command(),
    collection: (/** @type {string} */ name) => {
      asked += 1
      return db.collection(name)
    },
  }
  const log = new AuditLog(new Database(counted, 50), keyStore, undefined, () => keyStore.time * 1000)
  const missed = mock.fn()
  const [jane] = people
  const session = {
    id: '',
    hash: 'a',
    user: /** @type {import('../src/log-in/users.js').User} */ (jane),
    endsAt: new Date(),
  }
  const view = (/** @type {string} */ target) =>
    log.viewed(session, { action: 'study.view', target }, pino({}, { write: missed }))
  const views = () => Promise.all(Array.from({ length: 12 }, (_one, index) => view(`1.2.${index}`)))
  db.state = 'hanging'
  await views()
  await views()
  assert.deepEqual([asked, missed.mock.callCount()], [1, 24])
  db.state = 'here'
  await log.around(event, async () => undefined)
  await view('1.2.0')
  assert.deepEqual(
    db.documents('auditlogs').map(({ action }) => action),
    ['report.save'],
  )
  keyStore.time += 2
  await view('1.2.0')
  assert.equal(db.documents('auditlogs').at(-1)?.action, 'study.view')
})

test('only an auditor reads and verifies the trail', async () => {
  await using api = await startApi()
  const [jane, alan] = [await api.as('jane'), await api.as('alan')]
  for (const browser of [jane, alan]) await (await browser.get('/api/studies')).text()
  assert.equal((await jane.get('/api/audit')).status, 403)
  assert.equal((await jane.get('/api/audit/verification')).status, 403)
  const { entries } = /** @type {{ entries: { user: string, action: string }[] }} */ (
    await (await alan.get('/api/audit')).json()
  )
  assert.deepEqual(
    entries.map(({ user, action }) => `${user} ${action}`),
    ['alan worklist.view', 'jane worklist.view'],
  )
  const verified = /** @type {{ entries: number, broken: unknown }} */ (
    await (await alan.get('/api/audit/verification')).json()
  )
  assert.deepEqual([verified.entries, verified.broken], [2, null])
})
