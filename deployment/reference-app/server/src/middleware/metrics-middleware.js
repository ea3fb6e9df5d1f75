import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { atMost, oneOf } from '../metrics/bounded.js'
import { routePattern } from './route-pattern.js'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/**
 * Counts and times the requests of any Express application: `app.use(createMetrics().middleware)` before its routes, and
 * `registry.metrics()` on a port that the outside does not reach. Requests are named by route pattern: an URL would hold study UIDs,
 * without bound.
 * @param {{ prefix?: string, routes?: number }} [options] `routes`: patterns that are told apart, all others are `other`
 * @returns {{ registry: Registry, middleware: import('express').RequestHandler }}
 */
export function createMetrics({ prefix = 'pacs_', routes = 200 } = {}) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const inFlight = new Gauge({
    name: `${prefix}http_requests_in_flight`,
    help: 'Requests that are being answered; 0 means that this instance may be stopped',
    registers: [registry],
  })
  const duration = new Histogram({
    name: `${prefix}http_request_duration_seconds`,
    help: 'Time from the request to the end of its answer',
    labelNames: ['method', 'route', 'code'],
    buckets: SECONDS,
    registers: [registry],
  })
  const bytes = new Counter({
    name: `${prefix}http_response_bytes_total`,
    help: 'Bytes of answers, with their headers, by route pattern',
    labelNames: ['route'],
    registers: [registry],
  })
  const aborted = new Counter({
    name: `${prefix}http_requests_aborted_total`,
    help: 'Requests whose caller left, or whose answer broke off, before it was complete',
    labelNames: ['route'],
    registers: [registry],
  })
  const methodOf = oneOf(METHODS)
  const routeOf = atMost(routes)
  return {
    registry,
    middleware(request, response, next) {
      inFlight.inc()
      const started = performance.now()
      // Undefined when the socket has just gone.
      const { socket } = request
      const sent = socket.bytesWritten ?? 0
      // `close` comes once for every answer, also for one that the caller did not wait for.
      response.once('close', () => {
        inFlight.dec()
        const route = routeOf(routePattern(request))
        const labels = { method: methodOf(request.method), route, code: String(response.statusCode) }
        duration.observe(labels, (performance.now() - started) / 1000)
        bytes.inc({ route }, Math.max(0, (socket.bytesWritten ?? sent) - sent))
        if (!response.writableFinished) aborted.inc({ route })
      })
      next()
    },
  }
}
