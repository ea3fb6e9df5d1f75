import { pino } from 'pino'
import { startServer } from '../src/server.js'
import { ACCESS, startFakeOrthanc } from './fake-orthanc.js'

/**
 * The API on a free port in front of a fake Orthanc. Ends with the scope of `await using`.
 * @param {{ linger?: number, stopLimit?: number }} [options] milliseconds
 */
export async function startApi(options = {}) {
  const orthanc = await startFakeOrthanc()
  /** @type {string[]} */
  const logLines = []
  const server = await startServer(
    {
      port: 0,
      metricsPort: 0,
      logLevel: 'info',
      orthanc: { url: orthanc.url, ...ACCESS },
      release: { version: '1.2.3', commit: 'c0ffee', instance: 'test' },
    },
    { log: pino({ level: 'info' }, { write: (line) => logLines.push(line) }), linger: 50, ...options },
  )
  /** @type {Promise<boolean> | undefined} */
  let stopped
  const stop = () => {
    stopped ??= server.stop()
    return stopped
  }
  return {
    orthanc,
    logLines,
    url: `http://127.0.0.1:${server.port}`,
    metricsUrl: `http://127.0.0.1:${server.metricsPort}`,
    stop,
    async [Symbol.asyncDispose]() {
      orthanc.behave(undefined)
      orthanc.server.closeAllConnections()
      await stop()
      await orthanc[Symbol.asyncDispose]()
    },
  }
}

/**
 * @param {string} url
 * @param {unknown} body
 */
export function post(url, body) {
  return fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}
