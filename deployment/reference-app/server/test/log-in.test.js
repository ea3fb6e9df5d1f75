import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { Identity } from '../src/log-in/identity.js'
import { isPassword } from '../src/log-in/password.js'
import { FakeKeyStore } from './fake-key-store.js'
import { PASSWORD, people } from './people.js'
import { Browser, startApi } from './start.js'

test('a log-in answers who that is and sets a cookie that only this host gets and no script reads', async () => {
  await using api = await startApi()
  const response = await new Browser(api.url).logIn('jane')
  assert.equal(response.status, 201)
  const [cookie = '', ...others] = response.headers.getSetCookie()
  assert.deepEqual(others, [])
  assert.match(cookie, /^__Host-pacs-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
  const { csrfToken, endsAt, ...who } = /** @type {Record<string, unknown>} */ (await response.json())
  assert.deepEqual(who, { user: 'jane', printedName: 'Dr. Jane Roe', role: 'radiologist' })
  assert.match(String(csrfToken), /^[\w-]{43}$/)
  assert.ok(Date.parse(String(endsAt)) > Date.now())
})

test('neither password nor cookie of a log-in is in the log', async () => {
  await using api = await startApi()
  const browser = new Browser(api.url)
  await browser.logIn('jane', 'mistyped-password')
  await browser.logIn('jane')
  const log = api.logLines.join('')
  for (const secret of ['mistyped-password', PASSWORD, browser.cookie.split('=')[1] ?? '', browser.csrfToken]) {
    assert.ok(secret.length > 10 && !log.includes(secret), `the log holds ${secret}`)
  }
})

test('a wrong password and an unknown name get the same answer', async () => {
  await using api = await startApi()
  const browser = new Browser(api.url)
  const answers = await Promise.all([browser.logIn('jane', 'wrong'), browser.logIn('nobody', PASSWORD)])
  const bodies = await Promise.all(answers.map((answer) => answer.text()))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [401, 401],
  )
  assert.equal(bodies[0], bodies[1])
  assert.equal(browser.cookie, '')
  const entries = api.db.documents('auditlogs').map(({ user, action, outcome }) => `${user} ${action} ${outcome}`)
  assert.deepEqual(entries.sort(), ['jane session.start failure', 'unknown session.start failure'])
})

test('after five wrong passwords at once even the right one waits, then it is let in', async () => {
  await using api = await startApi()
  const browser = new Browser(api.url)
  const guesses = await Promise.all(Array.from({ length: 8 }, (_one, index) => browser.logIn('jane', `guess ${index}`)))
  const statuses = guesses.map(({ status }) => status).sort()
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429])
  const locked = await browser.logIn('jane')
  assert.equal(locked.status, 429)
  assert.equal(locked.headers.get('retry-after'), '900')
  assert.equal((await new Browser(api.url).logIn('mary')).status, 201)
  api.keyStore.time += 901
  assert.equal((await browser.logIn('jane')).status, 201)
})

test('a log-in that succeeds forgets the failures before it', async () => {
  await using api = await startApi()
  const browser = new Browser(api.url)
  for (let round = 0; round < 2; round++) {
    for (let guess = 0; guess < 4; guess++) assert.equal((await browser.logIn('jane', 'wrong')).status, 401)
    assert.equal((await browser.logIn('jane')).status, 201)
  }
})

test('who is refused since too many log in at once has not given a wrong password', async () => {
  const identity = new Identity(new Map(people.map((person) => [person.name, person])), new FakeKeyStore())
  const others = Array.from({ length: 16 }, (_one, index) => identity.prove(`stranger ${index}`, 'wrong'))
  const refused = await Promise.allSettled(Array.from({ length: 6 }, () => identity.prove('jane', PASSWORD)))
  assert.deepEqual(
    refused.map((one) => one.status === 'rejected' && one.reason.status),
    Array(6).fill(503),
  )
  await Promise.allSettled(others)
  assert.equal((await identity.prove('jane', PASSWORD)).name, 'jane')
})

test('a log-in sent by the page of another site is refused', async () => {
  await using api = await startApi()
  const body = { name: 'jane', password: PASSWORD }
  const response = await new Browser(api.url).send('POST', '/api/session', body, { 'Sec-Fetch-Site': 'cross-site' })
  assert.equal(response.status, 403)
  const form = await new Browser(api.url).send('POST', '/api/session', JSON.stringify(body), {
    'Content-Type': 'text/plain',
  })
  assert.equal(form.status, 400)
})

test('without Redis or MongoDB nobody can log in, and the answer says why', async () => {
  await using api = await startApi()
  const browser = new Browser(api.url)
  api.keyStore.isAway = true
  const withoutRedis = await browser.logIn('jane')
  assert.equal(withoutRedis.status, 503)
  assert.match(await withoutRedis.text(), /nobody can log in now, who is logged in can go on: .*Redis/)
  api.keyStore.isAway = false
  api.db.state = 'hanging'
  const withoutDatabase = await browser.logIn('jane')
  assert.equal(withoutDatabase.status, 503)
  assert.match(await withoutDatabase.text(), /MongoDB\) is not available: no answer within 300 ms/)
  assert.equal(browser.cookie, '')
})

/** @param {string[]} args @param {string} input */
async function hashPasswordProgram(args, input) {
  const program = join(import.meta.dirname, '../src/hash-password.js')
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [out, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { out, said, code }
}

test('hash-password.js turns a password on standard input into an entry that proves it', async () => {
  const { out, code } = await hashPasswordProgram(['jane.roe', 'radiologist', 'Dr. Jane Roe'], `${PASSWORD}\n`)
  assert.equal(code, 0)
  const { name, printedName, role, ...known } = JSON.parse(out)
  assert.deepEqual({ name, printedName, role }, { name: 'jane.roe', printedName: 'Dr. Jane Roe', role: 'radiologist' })
  assert.equal(await isPassword(PASSWORD, known), true)
  assert.equal(await isPassword(`${PASSWORD}.`, known), false)
})

test('hash-password.js refuses a short password and a role that is none', async () => {
  const short = await hashPasswordProgram(['jane', 'physician', 'Jane'], 'short')
  assert.equal(short.code, 1)
  assert.equal(short.out, '')
  assert.match(short.said, /fewer than 12 characters/)
  assert.equal((await hashPasswordProgram(['jane', 'chief', 'Jane'], PASSWORD)).code, 2)
})
