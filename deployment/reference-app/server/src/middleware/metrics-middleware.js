import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { routePattern } from './route-pattern.js'

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * Counts and times requests by route pattern: an URL would hold study UIDs, without bound.
 * @returns {{ registry: Registry, middleware: import('express').RequestHandler }}
 */
export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const inFlight = new Gauge({
    name: 'pacs_http_requests_in_flight',
    help: 'Requests that are being answered; 0 means that this instance may be stopped',
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'pacs_http_request_duration_seconds',
    help: 'Time from the request to the end of its answer',
    labelNames: ['method', 'route', 'code'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
  return {
    registry,
    middleware(request, response, next) {
      inFlight.inc()
      const stop = duration.startTimer()
      // `close` comes once for every answer, also for one that the caller did not wait for.
      response.once('close', () => {
        inFlight.dec()
        const method = METHODS.has(request.method) ? request.method : 'other'
        stop({ method, route: routePattern(request), code: String(response.statusCode) })
      })
      next()
    },
  }
}
