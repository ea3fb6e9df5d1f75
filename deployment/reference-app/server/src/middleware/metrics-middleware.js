import { performance } from 'node:perf_hooks'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { atMost, oneOf } from '../metrics/bounded.js'
import { RequestFigures } from '../metrics/request-figures.js'
import { routePattern } from './route-pattern.js'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
/** Milliseconds that only grow. Taken once: the global `performance` is a getter, which costs an empty request 1 % of its time. */
const now = performance.now.bind(performance)
/** On a socket: the bytes written to it up to its last counted answer, so that each asks it once; undefined where others came since. */
const SENT = Symbol('sent')
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/**
 * Counts and times the requests of any Express application: `createServer(createMetrics().counted(app))`, and `registry.metrics()` on a
 * port that the outside does not reach. Requests are named by route pattern: an URL would hold study UIDs, without bound.
 *
 * It stands around the application, not in it: one more layer of Express costs more than all counting.
 * @param {{ prefix?: string, routes?: number }} [options] `routes`: patterns that are told apart, all others are `other`
 * @returns {{ registry: Registry, counted: (app: import('express').Application, isTraffic?: (url: string) => boolean) =>
 *   (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void }}
 *   `isTraffic`: what is counted; everything when left out
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
  const figures = new RequestFigures(registry, prefix, {
    limits: SECONDS,
    methodOf: oneOf(METHODS),
    routeOf: atMost(routes),
  })
  return {
    registry,
    counted(app, isTraffic = () => true) {
      return (incoming, outgoing) => {
        // What Express makes of them.
        const request = /** @type {import('express').Request} */ (incoming)
        const response = /** @type {import('express').Response} */ (outgoing)
        const socket = /** @type {import('node:net').Socket & { [SENT]?: number | undefined }} */ (request.socket)
        if (!isTraffic(request.url)) {
          socket[SENT] = undefined
          app(request, response)
          return
        }
        running += 1
        const started = now()
        socket[SENT] ??= socket.bytesWritten ?? 0
        // `close` comes once for every answer, also for one that the caller did not wait for.
        response.on('close', () => {
          running -= 1
          const before = socket[SENT] ?? 0
          // The socket may have gone before its bytes were counted.
          const written = socket.bytesWritten ?? before
          socket[SENT] = written
          figures.add(
            request.method,
            routePattern(request),
            response.statusCode,
            (now() - started) / 1000,
            Math.max(0, written - before),
            response.writableFinished,
          )
        })
        app(request, response)
      }
    },
  }
}
