import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashOf, newSessionId } from '../src/sessions/cookie.js'
import { SessionHistory } from '../src/sessions/history.js'
import { ABSOLUTE, IDLE, Sessions } from '../src/sessions/sessions.js'
import { Database } from '../src/stores/database.js'
import { FakeDb } from './fake-database.js'
import { FakeKeyStore } from './fake-key-store.js'
import { people } from './people.js'
import { Browser, startApi } from './start.js'

const users = new Map(people.map((person) => [person.name, person]))
const jane = /** @type {import('../src/log-in/users.js').User} */ (users.get('jane'))

/** Sessions over stores in memory, and one clock for all of them. */
function desk() {
  const db = new FakeDb()
  const keyStore = new FakeKeyStore()
  const history = new SessionHistory(new Database(db))
  const sessions = new Sessions(keyStore, history, users, () => keyStore.time * 1000)
  return { db, keyStore, sessions, records: () => db.documents('sessions') }
}

const notLoggedIn = { status: 401 }

test('a session ends after half an hour without a request, and not before', async () => {
  const { keyStore, sessions } = desk()
  const { id } = await sessions.begin(jane)
  for (let request = 0; request < 5; request++) {
    keyStore.time += IDLE - 1
    assert.equal((await sessions.resume(id)).user.name, 'jane')
  }
  keyStore.time += IDLE
  await assert.rejects(sessions.resume(id), notLoggedIn)
})

test('what a page asks by itself is answered, and the session ends as if it had not been asked', async () => {
  const { keyStore, sessions, records } = desk()
  const { id } = await sessions.begin(jane)
  keyStore.time += IDLE - 120
  assert.equal((await sessions.resume(id, false)).user.name, 'jane')
  keyStore.entries.clear()
  assert.equal((await sessions.resume(id, false)).user.name, 'jane')
  keyStore.isAway = true
  assert.equal((await sessions.resume(id, false)).user.name, 'jane')
  keyStore.isAway = false
  assert.equal(keyStore.entries.size, 0)
  assert.deepEqual(records()[0]?.lastSeenAt, new Date(0))
  keyStore.time += 120
  await assert.rejects(sessions.resume(id, false), notLoggedIn)
  await assert.rejects(sessions.resume(id), notLoggedIn)
})

test('a session ends after twelve hours even if it is used all the time', async () => {
  const { keyStore, sessions } = desk()
  const { id } = await sessions.begin(jane)
  while (keyStore.time < ABSOLUTE - 1000) {
    keyStore.time += 1000
    await sessions.resume(id)
  }
  keyStore.time += 1000
  await assert.rejects(sessions.resume(id), notLoggedIn)
})

test('the history has begin, last use and end of every session, and no id that a cookie could be made of', async () => {
  const { keyStore, sessions, records } = desk()
  keyStore.time = 1000
  const { id, hash } = await sessions.begin(jane)
  keyStore.time += 120
  await sessions.resume(id)
  keyStore.time += 1
  await sessions.end(hash, 'logout')
  const [{ _id, ...record } = {}] = records()
  assert.deepEqual(record, {
    session: hashOf(id),
    user: 'jane',
    role: 'radiologist',
    createdAt: new Date(1_000_000),
    lastSeenAt: new Date(1_120_000),
    endedAt: new Date(1_121_000),
    endReason: 'logout',
  })
  assert.ok(!JSON.stringify([records(), [...keyStore.entries]]).includes(id))
})

test('a session that ran out unseen is closed in the history at the next log-in', async () => {
  const { keyStore, sessions, records } = desk()
  await sessions.begin(jane)
  keyStore.time += IDLE + 1
  const next = await sessions.begin(jane)
  const [old, young] = records()
  assert.equal(old?.endReason, 'expired')
  assert.equal(young?.session, next.hash)
  assert.equal(young?.endedAt, null)
})

test('while Redis is away the history tells who is logged in, with the same limits', async () => {
  const { keyStore, sessions } = desk()
  const { id } = await sessions.begin(jane)
  keyStore.isAway = true
  for (let request = 0; request < 3; request++) {
    keyStore.time += IDLE - 60
    assert.equal((await sessions.resume(id)).user.name, 'jane')
  }
  await assert.rejects(sessions.resume(newSessionId()), notLoggedIn)
  keyStore.time += IDLE
  await assert.rejects(sessions.resume(id), notLoggedIn)
})

test('who went on while Redis was away, or whose key it lost, stays logged in after its return, with the same limits', async () => {
  const { keyStore, sessions } = desk()
  const { id, hash } = await sessions.begin(jane)
  keyStore.isAway = true
  for (let request = 0; request < 2; request++) {
    keyStore.time += IDLE - 60
    await sessions.resume(id)
  }
  keyStore.isAway = false
  assert.equal((await sessions.resume(id)).user.name, 'jane')
  assert.equal(keyStore.entries.get(`session:${hash}`)?.until, keyStore.time + IDLE)
  keyStore.entries.clear()
  assert.equal((await sessions.resume(id)).user.name, 'jane')
  await sessions.end(hash, 'logout')
  await assert.rejects(sessions.resume(id), notLoggedIn)
})

test('who logs out while Redis gets the session back is logged out', async () => {
  const { db, keyStore, sessions } = desk()
  const { id, hash } = await sessions.begin(jane)
  keyStore.entries.clear()
  const find = SessionHistory.prototype.find
  const history = new SessionHistory(new Database(db))
  history.find = async (session) => {
    const found = await find.call(history, session)
    await sessions.end(hash, 'logout')
    return found
  }
  await assert.rejects(new Sessions(keyStore, history, users, () => 0).resume(id), notLoggedIn)
  assert.equal(keyStore.entries.size, 0)
})

test('of many cookies that mean nothing few are looked up at once, and none waits', async () => {
  const { db, keyStore } = desk()
  let asked = 0
  const history = new SessionHistory(new Database(db))
  history.find = async () => {
    asked += 1
    return null
  }
  const sessions = new Sessions(keyStore, history, users)
  const answers = await Promise.allSettled(Array.from({ length: 50 }, () => sessions.resume(newSessionId())))
  assert.ok(answers.every((one) => one.status === 'rejected' && one.reason.status === 401))
  assert.equal(asked, 10)
})

for (const [who, isUse] of /** @type {const} */ ([
  ['its user', true],
  ['a page that asks by itself', false],
])) {
  test(`a log-out that Redis could not be told of counts all the same, for ${who}`, async () => {
    const { keyStore, sessions } = desk()
    const { id, hash } = await sessions.begin(jane)
    keyStore.isAway = true
    await assert.rejects(sessions.end(hash, 'logout'), { status: 503 })
    await assert.rejects(sessions.resume(id), notLoggedIn)
    keyStore.isAway = false
    keyStore.time += 61
    await assert.rejects(sessions.resume(id, isUse), notLoggedIn)
    assert.equal(keyStore.entries.size, 0)
  })
}

test('without MongoDB who is logged in stays so; without both stores nobody can tell', async () => {
  const { db, keyStore, sessions } = desk()
  const { id } = await sessions.begin(jane)
  db.state = 'away'
  keyStore.time += 120
  assert.equal((await sessions.resume(id)).user.name, 'jane')
  keyStore.isAway = true
  await assert.rejects(sessions.resume(id), { status: 503 })
  keyStore.isAway = false
  keyStore.entries.clear()
  await assert.rejects(sessions.resume(id), notLoggedIn)
})

test('who was taken out of the users file is logged in no more', async () => {
  const { db, keyStore, sessions } = desk()
  const { id } = await sessions.begin(jane)
  const without = new Sessions(keyStore, new SessionHistory(new Database(db)), new Map(), () => 0)
  await assert.rejects(without.resume(id), notLoggedIn)
})

test('nothing but version, health and log-in is answered without a session', async () => {
  await using api = await startApi()
  const stranger = new Browser(api.url)
  for (const path of [
    'session',
    'session/history',
    'users',
    'studies',
    'studies/1.2/rendered',
    'studies/1.2/report',
    'notifications',
    'exports',
    'audit',
    'nothing',
  ]) {
    assert.equal((await stranger.get(`/api/${path}`)).status, 401, path)
  }
  assert.equal((await stranger.post('/api/studies/search', {})).status, 401)
  assert.deepEqual(api.orthanc.asked, [])
  const forged = new Browser(api.url)
  forged.cookie = `__Host-pacs-session=${newSessionId()}`
  assert.equal((await forged.get('/api/studies')).status, 401)
})

test('two instances share one session', async () => {
  await using one = await startApi()
  await using two = await startApi({ db: one.db, keyStore: one.keyStore })
  const browser = await one.as('john')
  const response = await fetch(`${two.url}/api/session`, { headers: { cookie: browser.cookie } })
  assert.equal(response.status, 200)
  const { user, csrfToken } = /** @type {Record<string, string>} */ (await response.json())
  assert.deepEqual({ user, csrfToken }, { user: 'john', csrfToken: browser.csrfToken })
})

test('every change needs the token of its own session', async () => {
  await using api = await startApi()
  const [browser, other] = [await api.as('jane'), await api.as('mary')]
  const search = (/** @type {string} */ token) =>
    browser.send('POST', '/api/studies/search', {}, { 'X-Csrf-Token': token }).then(({ status }) => status)
  assert.equal(await search(browser.csrfToken), 200)
  assert.equal(await search(''), 403)
  assert.equal(await search(other.csrfToken), 403)
  assert.equal(await search(`${browser.csrfToken}x`), 403)
  assert.equal((await browser.send('DELETE', '/api/session', '', { 'X-Csrf-Token': '' })).status, 403)
  assert.equal((await browser.get('/api/session')).status, 200)
})

test('a log-out ends the session and the cookie', async () => {
  await using api = await startApi()
  const browser = await api.as()
  const response = await browser.send('DELETE', '/api/session', '')
  assert.equal(response.status, 204)
  assert.match(response.headers.getSetCookie()[0] ?? '', /^__Host-pacs-session=; .*Max-Age=0/)
  assert.equal((await browser.get('/api/session')).status, 401)
})

test('a second log-in of the same browser replaces its first session', async () => {
  await using api = await startApi()
  const browser = await api.as('jane')
  const { cookie } = browser
  await browser.logIn('mary')
  assert.notEqual(browser.cookie, cookie)
  assert.equal((await browser.get('/api/session', { headers: { cookie } })).status, 401)
  const { sessions } = /** @type {{ sessions: unknown[] }} */ (await (await browser.get('/api/session/history')).json())
  assert.equal(sessions.length, 1)
  assert.equal(api.db.documents('sessions')[0]?.endReason, 'replaced')
})
