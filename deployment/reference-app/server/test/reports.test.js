import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDb } from './fake-database.js'
import { STUDY } from './fake-orthanc.js'
import { PASSWORD } from './people.js'
import { startApi } from './start.js'

const REPORT = `/api/studies/${STUDY}/report`

/** @param {Response} response @returns {Promise<Record<string, any>>} */
const read = async (response) => JSON.parse(await response.text())

/**
 * @param {import('./start.js').Browser} browser
 * @param {string} text
 */
const save = (browser, text, base = 0) => browser.send('PUT', REPORT, { text, base })

/** @param {import('./start.js').Browser} browser */
const sign = (browser, meaning = 'author', version = 1, password = PASSWORD) =>
  browser.post(`${REPORT}/sign`, { meaning, version, password })

test('saving makes a new version and keeps the one before', async () => {
  await using api = await startApi()
  const [jane, john] = [await api.as('jane'), await api.as('john')]
  assert.deepEqual(await read(await john.get(REPORT)), { versions: [] })
  await save(jane, 'No fracture.')
  await save(jane, 'A fracture.', 1)
  const { versions } = await read(await john.get(REPORT))
  assert.deepEqual(
    versions.map((/** @type {Record<string, unknown>} */ { version, text, author, state }) => [
      version,
      text,
      author,
      state,
    ]),
    [
      [2, 'A fracture.', 'jane', 'draft'],
      [1, 'No fracture.', 'jane', 'draft'],
    ],
  )
})

test('of two who save at once, or from an old version, one is told', async () => {
  await using api = await startApi()
  const [jane, mary] = [await api.as('jane'), await api.as('mary')]
  const answers = await Promise.all([save(jane, 'One.'), save(mary, 'Two.')])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
  const late = await save(jane, 'Three.', 0)
  assert.equal(late.status, 409)
  assert.match((await read(late)).error, /version 1 of this report is newer than version 0/)
  assert.equal(api.db.documents('reports').length, 1)
})

test('who saves again, since the answer was lost, is told that it is saved; the trail shows both', async () => {
  await using api = await startApi()
  const [jane, mary] = [await api.as('jane'), await api.as('mary')]
  await save(jane, 'One.')
  const again = await save(jane, 'One.')
  assert.equal(again.status, 200)
  assert.equal((await read(again)).versions.length, 1)
  assert.equal((await save(mary, 'One.')).status, 409)
  const trail = api.db.documents('auditlogs').filter(({ action }) => action === 'report.save')
  assert.deepEqual(
    trail.map(({ user, outcome }) => [user, outcome]),
    [
      ['jane', 'success'],
      ['jane', 'success'],
      ['mary', 'failure'],
    ],
  )
})

test('a signature shows printed name, time, meaning and the hash of the record that it is bound to', async () => {
  await using api = await startApi()
  const [jane, mary] = [await api.as('jane'), await api.as('mary')]
  await save(jane, 'A fracture.')
  assert.equal((await sign(jane)).status, 200)
  const signed = await sign(mary, 'reviewer')
  const [version] = (await read(signed)).versions
  assert.equal(version.state, 'signed')
  assert.deepEqual(
    version.signatures.map((/** @type {Record<string, unknown>} */ { signedAt, ...rest }) => rest),
    [
      { signer: 'jane', printedName: 'Dr. Jane Roe', meaning: 'author' },
      { signer: 'mary', printedName: 'Dr. Mary Poe', meaning: 'reviewer' },
    ].map((signer) => ({ ...signer, recordId: version.id, recordVersion: 1, recordHash: version.hash, problem: null })),
  )
  assert.ok(Math.abs(Date.parse(version.signatures[0].signedAt) - Date.now()) < 60_000)
  const trail = api.db.documents('auditlogs').find(({ action }) => action === 'report.sign')
  assert.ok(String(trail?.target).includes(version.hash))
})

for (const [
  what,
  spoil,
  problem,
] of /** @type {[string, (db: import('./fake-database.js').FakeDb) => void, RegExp][]} */ ([
  [
    'text',
    (db) => Object.assign(db.documents('reports')[0] ?? {}, { text: 'No fracture.' }),
    /changed after it was signed/,
  ],
  [
    'author',
    (db) => Object.assign(db.documents('reports')[0] ?? {}, { author: 'mary' }),
    /changed after it was signed/,
  ],
  ['study', (db) => moveToOtherStudy(db), /changed after it was signed/],
  ['state', (db) => Object.assign(db.documents('reports')[0] ?? {}, { state: 'draft' }), /not marked as signed/],
  [
    'version',
    (db) => Object.assign(db.documents('digitalsignatures')[0] ?? {}, { recordVersion: 7 }),
    /made for version 7/,
  ],
])) {
  test(`a signed report whose ${what} was changed in the database is shown as broken`, async () => {
    await using api = await startApi()
    const jane = await api.as()
    await save(jane, 'A fracture.')
    await sign(jane)
    spoil(api.db)
    const { versions } = await read(await jane.get(what === 'study' ? '/api/studies/9.9/report' : REPORT))
    assert.match(versions[0].signatures[0].problem, problem)
  })
}

/** @param {import('./fake-database.js').FakeDb} db */
function moveToOtherStudy(db) {
  Object.assign(db.documents('reports')[0] ?? {}, { study: '9.9' })
}

test('a signature needs the password again, and wrong ones lock the name', async () => {
  await using api = await startApi()
  const jane = await api.as()
  await save(jane, 'A fracture.')
  for (let guess = 0; guess < 5; guess++) assert.equal((await sign(jane, 'author', 1, 'wrong')).status, 401)
  assert.equal((await sign(jane)).status, 429)
  assert.equal(api.db.documents('digitalsignatures').length, 0)
  assert.equal((await read(await jane.get(REPORT))).versions[0].state, 'draft')
  const failures = api.db
    .documents('auditlogs')
    .filter(({ action, outcome }) => `${action} ${outcome}` === 'report.sign failure')
  assert.ok(failures.length >= 5)
})

test('nobody signs for another author, an old version, or what is not there', async () => {
  await using api = await startApi()
  const [jane, mary] = [await api.as('jane'), await api.as('mary')]
  assert.equal((await sign(jane)).status, 404)
  await save(jane, 'A fracture.')
  assert.match((await read(await sign(mary, 'author'))).error, /only jane can sign/)
  await save(jane, 'Two fractures.', 1)
  assert.equal((await sign(jane, 'author', 1)).status, 409)
  assert.equal((await sign(jane, 'author', 2)).status, 200)
})

test('a signature whose audit entry was lost is completed by signing again, and stays one', async () => {
  await using api = await startApi()
  const jane = await api.as()
  await save(jane, 'A fracture.')
  const signatures = api.db.collection('digitalsignatures')
  api.db.collection = (name) => {
    if (name !== 'digitalsignatures') return FakeDb.prototype.collection.call(api.db, name)
    const insertOne = async (/** @type {Record<string, unknown>} */ document) => {
      const inserted = await signatures.insertOne(document)
      api.db.state = 'away'
      return inserted
    }
    return { ...signatures, insertOne }
  }
  assert.equal((await sign(jane)).status, 503)
  api.db.state = 'here'
  const [version] = (await read(await sign(jane))).versions
  const [{ signedAt } = {}, ...others] = api.db.documents('digitalsignatures')
  assert.deepEqual(others, [])
  const entries = api.db.documents('auditlogs').filter(({ action }) => action === 'report.sign')
  const time = signedAt instanceof Date && signedAt.toISOString()
  assert.deepEqual(
    entries.map(({ outcome, target }) => [outcome, target]),
    [['success', `${STUDY} version 1 as author: ${version.id} ${version.hash} ${time}`]],
  )
})

test('what was changed after it was signed is not signed again', async () => {
  await using api = await startApi()
  const jane = await api.as()
  await save(jane, 'A fracture.')
  await sign(jane)
  Object.assign(api.db.documents('reports')[0] ?? {}, { text: 'No fracture.' })
  assert.match(
    (await read(await sign(jane))).error,
    /Dr. Jane Roe has signed this version as author already, with another content/,
  )
  assert.equal(api.db.documents('digitalsignatures').length, 1)
})

test('a signed version stays; what is written later is a new draft', async () => {
  await using api = await startApi()
  const jane = await api.as()
  await save(jane, 'A fracture.')
  await sign(jane)
  await save(jane, 'A fracture. Addendum: healed.', 1)
  const { versions } = await read(await jane.get(REPORT))
  assert.deepEqual(
    versions.map((/** @type {Record<string, any>} */ { state, signatures }) => [state, signatures.length]),
    [
      ['draft', 0],
      ['signed', 1],
    ],
  )
  assert.equal(versions[1].signatures[0].problem, null)
})

test('a signing that was cut off after the state is completed by signing again', async () => {
  await using api = await startApi()
  const jane = await api.as()
  await save(jane, 'A fracture.')
  Object.assign(api.db.documents('reports')[0] ?? {}, { state: 'signed' })
  const [before] = (await read(await jane.get(REPORT))).versions
  assert.deepEqual([before.state, before.signatures], ['signed', []])
  const [after] = (await read(await sign(jane))).versions
  assert.equal(after.signatures[0].problem, null)
})

test('who is no radiologist neither writes nor signs', async () => {
  await using api = await startApi()
  const john = await api.as('john')
  assert.equal((await save(john, 'A fracture.')).status, 403)
  assert.equal((await sign(john)).status, 403)
})

test('reports are read and written while Orthanc is away', async () => {
  await using api = await startApi()
  const jane = await api.as()
  api.orthanc.behave((request) => void request.socket.destroy())
  assert.equal((await save(jane, 'A fracture.')).status, 200)
  assert.equal((await sign(jane)).status, 200)
})
