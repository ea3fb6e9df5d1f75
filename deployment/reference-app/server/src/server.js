import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { pino } from 'pino'
import { createApp } from './app.js'
import { createDrain } from './drain.js'
import { createMetrics } from './middleware/metrics-middleware.js'
import { openStores } from './stores/open.js'

/** Milliseconds in which keep-alive clients are told to leave before the doors close. */
const LINGER = 500
/** Milliseconds after which running requests are cut: below stop_grace_period (30 s) of the stack. */
const STOP_LIMIT = 25_000

/**
 * Starts the API and, on a port of its own, /metrics.
 * @param {import('./config.js').Config} config
 * @param {{ log?: import('pino').Logger, linger?: () => Promise<void>, stopLimit?: number, open?: typeof openStores }} [options]
 *   `linger` is waited for between the two halves of a stop; `stopLimit` in milliseconds
 */
export async function startServer(config, options = {}) {
  const {
    log = pino({ level: config.logLevel }),
    linger = lingerShortly,
    stopLimit = STOP_LIMIT,
    open = openStores,
  } = options
  let stopping = false
  const metrics = createMetrics()
  const { stores, close: closeStores } = open(config, log)
  const app = createApp({
    stores,
    users: config.users,
    sessionKey: config.sessionKey,
    release: config.release,
    log,
    registry: metrics.registry,
    isStopping: () => stopping,
  })
  // Probes are no traffic.
  const api = createServer(metrics.counted(app, (url) => !url.startsWith('/health')))
  // A study of some gigabytes may take longer than the five minutes that a body has by default. Headers keep their limit.
  api.requestTimeout = 0
  const drain = createDrain(api)
  // Longer than the proxy in front keeps an idle connection (Traefik: 90 s), so that the proxy is the one who closes it.
  api.keepAliveTimeout = 120_000
  const scrape = createMetricsServer(metrics.registry)
  const [port, metricsPort] = await Promise.all([listen(api, config.port), listen(scrape, config.metricsPort)])
  log.info({ port, metricsPort, ...config.release }, 'listening')

  /**
   * Not ready from now on; what runs is finished; then everything is closed.
   * @returns {Promise<boolean>} false when requests had to be cut at the limit
   */
  async function stop() {
    stopping = true
    log.info('stopping')
    await linger()
    const clean = await drain(stopLimit)
    if (!clean) log.error(`requests still ran after ${stopLimit} ms and were cut`)
    scrape.close()
    scrape.closeAllConnections()
    await closeStores()
    log.info({ clean }, 'stopped')
    return clean
  }

  return { port, metricsPort, stop }
}

function lingerShortly() {
  return setTimeout(LINGER)
}

/** @param {import('prom-client').Registry} registry */
function createMetricsServer(registry) {
  return createServer(async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    const text = await registry.metrics()
    response.writeHead(200, { 'Content-Type': registry.contentType }).end(text)
  })
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port 0 for any free one
 * @returns {Promise<number>} the port
 */
async function listen(server, port) {
  server.listen(port)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}
