import { pino } from 'pino'
import { Orthanc } from '../src/orthanc.js'
import { startServer } from '../src/server.js'
import { CsrfTokens } from '../src/sessions/cookie.js'
import { SessionHistory } from '../src/sessions/history.js'
import { Sessions } from '../src/sessions/sessions.js'
import { Database } from '../src/stores/database.js'
import { FakeDb } from './fake-database.js'
import { FakeKeyStore } from './fake-key-store.js'
import { ACCESS, startFakeOrthanc } from './fake-orthanc.js'
import { PASSWORD, people } from './people.js'

const SESSION_KEY = 'k'.repeat(32)
const users = new Map(people.map((person) => [person.name, person]))

/**
 * The API on a free port in front of a fake Orthanc, and of a database and a key store in memory. Ends with `await using`.
 * @param {{ linger?: () => Promise<void>, stopLimit?: number, db?: FakeDb, keyStore?: FakeKeyStore }} [options] what a
 *   stop waits for, milliseconds, stores to share
 */
export async function startApi({ db = new FakeDb(), keyStore = new FakeKeyStore(), ...options } = {}) {
  const orthanc = await startFakeOrthanc()
  /** @type {string[]} */
  const logLines = []
  const unused = { url: 'unused:', username: '', password: '' }
  const server = await startServer(
    {
      port: 0,
      metricsPort: 0,
      logLevel: 'info',
      orthanc: { url: orthanc.url, ...ACCESS },
      mongodb: unused,
      redis: unused,
      users,
      sessionKey: SESSION_KEY,
      release: { version: '1.2.3', commit: 'c0ffee', instance: 'test' },
    },
    {
      log: pino({ level: 'info' }, { write: (line) => logLines.push(line) }),
      linger: async () => undefined,
      open: (config) => ({
        stores: { orthanc: new Orthanc(config.orthanc), database: new Database(db, 300), keyStore },
        close: async () => undefined,
      }),
      ...options,
    },
  )
  /** @type {Promise<boolean> | undefined} */
  let stopped
  const stop = () => {
    stopped ??= server.stop()
    return stopped
  }
  const url = `http://127.0.0.1:${server.port}`
  return {
    orthanc,
    db,
    keyStore,
    logLines,
    url,
    metricsUrl: `http://127.0.0.1:${server.metricsPort}`,
    stop,
    /** A browser in which `name` is logged in: without the password, whose proof takes its time. */
    async as(name = 'jane') {
      const user = users.get(name)
      if (user === undefined) throw new Error(`nobody is called ${name}`)
      const { id } = await new Sessions(keyStore, new SessionHistory(new Database(db)), users).begin(user)
      return new Browser(url, `__Host-pacs-session=${id}`, new CsrfTokens(SESSION_KEY).of(id))
    },
    async [Symbol.asyncDispose]() {
      orthanc.behave(undefined)
      orthanc.server.closeAllConnections()
      await stop()
      await orthanc[Symbol.asyncDispose]()
    },
  }
}

/** What a browser and the page in it keep: the cookie and the token. */
export class Browser {
  #url
  cookie
  csrfToken

  /** @param {string} url of the API */
  constructor(url, cookie = '', csrfToken = '') {
    this.#url = url
    this.cookie = cookie
    this.csrfToken = csrfToken
  }

  /** @param {string} name */
  async logIn(name, password = PASSWORD) {
    const response = await this.send('POST', '/api/session', { name, password })
    const [cookie] = response.headers.getSetCookie()
    if (cookie) this.cookie = cookie.split(';', 1)[0] ?? ''
    if (response.ok) {
      const { csrfToken } = /** @type {{ csrfToken: string }} */ (await response.clone().json())
      this.csrfToken = csrfToken
    }
    return response
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   */
  get(path, init = {}) {
    return fetch(this.#url + path, { ...init, headers: { cookie: this.cookie, ...init.headers } })
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body] sent as it is when it is a string
   * @param {Record<string, string>} [headers]
   */
  send(method, path, body = {}, headers = {}) {
    return fetch(this.#url + path, {
      method,
      headers: {
        'Content-Type': 'application/json',
        'X-Csrf-Token': this.csrfToken,
        cookie: this.cookie,
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  }

  /** @param {string} path @param {unknown} [body] */
  post(path, body) {
    return this.send('POST', path, body)
  }
}
