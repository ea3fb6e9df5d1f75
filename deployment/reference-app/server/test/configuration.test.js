import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../src/config.js'
import { ACCESS, startFakeOrthanc } from './fake-orthanc.js'

/** @param {import('node:test').TestContext} t */
function passwordFile(t, content = `${ACCESS.password}\n`) {
  const directory = mkdtempSync(join(tmpdir(), 'pacs-server-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'password')
  writeFileSync(file, content)
  return file
}

test('all that is wrong is said at once, one line each', () => {
  assert.throws(
    () => readConfig({ PORT: '70000', ORTHANC_URL: 'orthanc', LOG_LEVEL: 'loud' }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.equal(error.problems.length, 5)
      assert.match(error.message, /^PORT is no port$/m)
      assert.match(error.message, /^ORTHANC_URL is missing or no http\(s\) URL/m)
      assert.match(error.message, /^ORTHANC_USERNAME is missing$/m)
      assert.match(error.message, /^ORTHANC_PASSWORD_FILE is missing/m)
      assert.match(error.message, /^LOG_LEVEL is none of/m)
      return true
    },
  )
})

test('a secret file that is absent or empty is named', (t) => {
  const env = { ORTHANC_URL: 'http://orthanc:8042', ORTHANC_USERNAME: 'backend' }
  assert.throws(() => readConfig({ ...env, ORTHANC_PASSWORD_FILE: '/nowhere/x' }), /\/nowhere\/x, which cannot be read/)
  assert.throws(() => readConfig({ ...env, ORTHANC_PASSWORD_FILE: passwordFile(t, '\n') }), /which is empty/)
})

test('the program starts from its environment and SIGTERM ends it with 0', async (t) => {
  await using orthanc = await startFakeOrthanc()
  const child = spawn(process.execPath, [join(import.meta.dirname, '../src/main.js')], {
    env: {
      PORT: '0',
      METRICS_PORT: '0',
      ORTHANC_URL: orthanc.url,
      ORTHANC_USERNAME: ACCESS.username,
      ORTHANC_PASSWORD_FILE: passwordFile(t),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  const { port } = JSON.parse(String(line))
  assert.equal((await fetch(`http://127.0.0.1:${port}/health/ready`)).status, 200)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})

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
