import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../src/config.js'
import { Identity } from '../src/log-in/identity.js'
import { hashPassword } from '../src/log-in/password.js'
import { FakeKeyStore } from './fake-key-store.js'
import { PASSWORD, people } from './people.js'

/** As a users file holds them. */
const listed = people.map((person) => ({ ...person, N: 2 ** 14, r: 8 }))

/** @param {import('node:test').TestContext} t */
function fileWith(t, content = 'secret\n') {
  const directory = mkdtempSync(join(tmpdir(), 'pacs-server-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'secret')
  writeFileSync(file, content)
  return file
}

/** @param {import('node:test').TestContext} t */
function environment(t) {
  return {
    ORTHANC_URL: 'http://127.0.0.1:1',
    ORTHANC_USERNAME: 'backend',
    ORTHANC_PASSWORD_FILE: fileWith(t),
    MONGODB_URL: 'mongodb://127.0.0.1:1/pacs?directConnection=true',
    MONGODB_USERNAME: 'app',
    MONGODB_PASSWORD_FILE: fileWith(t),
    REDIS_URL: 'redis://127.0.0.1:1',
    REDIS_USERNAME: 'app',
    REDIS_PASSWORD_FILE: fileWith(t),
    USERS_FILE: fileWith(t, JSON.stringify(listed)),
    SESSION_KEY_FILE: fileWith(t, 'k'.repeat(32)),
  }
}

test('all that is wrong is said at once, one line each', () => {
  assert.throws(
    () => readConfig({ PORT: '70000', ORTHANC_URL: 'orthanc', MONGODB_URL: 'mongodb', LOG_LEVEL: 'loud' }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.equal(error.problems.length, 13)
      assert.match(error.message, /^PORT is no port$/m)
      assert.match(error.message, /^ORTHANC_URL is missing or no http\(s\) URL/m)
      assert.match(error.message, /^ORTHANC_USERNAME is missing$/m)
      assert.match(error.message, /^ORTHANC_PASSWORD_FILE is missing/m)
      assert.match(error.message, /^MONGODB_URL is missing or no URL like mongodb:/m)
      assert.match(error.message, /^REDIS_URL is missing or no URL like redis:/m)
      assert.match(error.message, /^USERS_FILE is missing/m)
      assert.match(error.message, /^SESSION_KEY_FILE is missing/m)
      assert.match(error.message, /^LOG_LEVEL is none of/m)
      return true
    },
  )
})

test('every secret file that is absent, empty or short is named', (t) => {
  const env = environment(t)
  const wrong = {
    ORTHANC_PASSWORD_FILE: '/nowhere/x',
    MONGODB_PASSWORD_FILE: fileWith(t, '\n'),
    USERS_FILE: '/nowhere/users.json',
  }
  assert.throws(
    () => readConfig({ ...env, ...wrong }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(error.problems, [
        'ORTHANC_PASSWORD_FILE names /nowhere/x, which cannot be read (ENOENT)',
        `MONGODB_PASSWORD_FILE names ${wrong.MONGODB_PASSWORD_FILE}, which is empty`,
        'USERS_FILE names /nowhere/users.json, which cannot be read (ENOENT)',
      ])
      return true
    },
  )
  assert.throws(() => readConfig({ ...env, SESSION_KEY_FILE: fileWith(t, 'short') }), /fewer than 32 characters/)
})

for (const [what, content, message] of /** @type {const} */ ([
  ['no JSON', '[{"hash":"sEcReT"', /USERS_FILE names \S+, which is not JSON$/],
  ['nobody', '[]', /which\s+holds no user/],
  ['a name twice', JSON.stringify([listed[0], listed[0]]), /names somebody twice/],
  ['a weak cost', JSON.stringify([{ ...listed[0], N: 1024 }]), /0\.N is below 16384/],
  [
    'a cost that scrypt does not take',
    JSON.stringify([{ ...listed[0], N: 2 ** 16, r: 1 }]),
    /0\.N is above what scrypt/,
  ],
  ['a cost that is no power of 2', JSON.stringify([{ ...listed[0], N: 20000 }]), /0\.N is no power of 2/],
  ['a salt too short', JSON.stringify([{ ...listed[0], salt: 'AAAA' }]), /0\.salt is shorter than 16 bytes/],
  ['an unknown role', JSON.stringify([{ ...listed[0], role: 'admin' }]), /0\.role/],
])) {
  test(`a users file with ${what} is refused`, (t) => {
    assert.throws(() => readConfig({ ...environment(t), USERS_FILE: fileWith(t, content) }), message)
  })
}

test('who is listed with a cost above the usual is let in', async (t) => {
  const hash = await hashPassword(PASSWORD, { N: 2 ** 15, r: 8, p: 1 })
  const file = fileWith(t, JSON.stringify([{ ...listed[0], ...hash }]))
  const { users } = readConfig({ ...environment(t), USERS_FILE: file })
  assert.equal((await new Identity(users, new FakeKeyStore()).prove('jane', PASSWORD)).name, 'jane')
})

test('the program starts while everything that it needs is away, and SIGTERM ends it with 0', async (t) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src/main.js')], {
    env: { PORT: '0', METRICS_PORT: '0', ...environment(t) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const line = await lineWith(child.stdout, 'listening')
  const { port } = JSON.parse(line)
  const answers = ['/health/live', '/health/ready', '/api/health'].map((path) =>
    fetch(`http://127.0.0.1:${port}${path}`),
  )
  const [live, ready, summary] = await Promise.all(answers)
  assert.equal(live?.status, 200)
  assert.equal(ready?.status, 503)
  assert.deepEqual(await summary?.json(), {
    status: 'degraded',
    dependencies: { mongodb: 'down', redis: 'down', orthanc: 'down' },
  })
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})

/**
 * @param {import('node:stream').Readable} output
 * @param {string} words
 * @returns {Promise<string>}
 */
async function lineWith(output, words) {
  for await (const line of createInterface(output)) if (line.includes(words)) return line
  throw new Error(`the output ended without ${words}`)
}

test('a wrong configuration ends the program with 1 and a line that says so', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src/main.js')], {
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 1)
  assert.match(said, /^configuration: ORTHANC_USERNAME is missing$/m)
  assert.doesNotMatch(said, /\n\s+at /)
})
