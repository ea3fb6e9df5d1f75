import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { atMost, oneOf } from '../metrics/bounded.js'
import { RequestFigures } from '../metrics/request-figures.js'
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
  let running = 0
  new Gauge({
    name: `${prefix}http_requests_in_flight`,
    help: 'Requests that are being answered; 0 means that this instance may be stopped',
    registers: [registry],
    collect() {
      this.set(running)
    },
  })
  const figures = new RequestFigures(registry, prefix, SECONDS)
  const methodOf = oneOf(METHODS)
  const routeOf = atMost(routes)
  return {
    registry,
    middleware(request, response, next) {
      running += 1
      const started = performance.now()
      const { socket } = request
      const sent = socket.bytesWritten ?? 0
      // `close` comes once for every answer, also for one that the caller did not wait for.
      response.on('close', () => {
        running -= 1
        figures.add(
          methodOf(request.method),
          routeOf(routePattern(request)),
          response.statusCode,
          (performance.now() - started) / 1000,
          // The socket may have gone before its bytes were counted.
          Math.max(0, (socket.bytesWritten ?? sent) - sent),
          response.writableFinished,
        )
      })
      next()
    },
  }
}
