import { randomUUID } from 'node:crypto'
import { routePattern } from './route-pattern.js'

/**
 * One line for each request: id, method, route pattern, status, duration. No path, query, header or body: they identify patients.
 * The id is the caller's `X-Request-Id` when that is plain, and goes back in the answer.
 * @param {import('pino').Logger} log
 * @returns {import('express').RequestHandler}
 */
export function requestLog(log) {
  return (request, response, next) => {
    const asked = request.get('x-request-id')
    const id = asked !== undefined && /^[\w-]{8,64}$/.test(asked) ? asked : randomUUID()
    response.setHeader('X-Request-Id', id)
    response.locals.log = log.child({ request: id })
    const started = performance.now()
    response.once('close', () => {
      response.locals.log.info(
        {
          method: request.method,
          route: routePattern(request),
          status: response.statusCode,
          ms: Math.round(performance.now() - started),
          complete: response.writableFinished,
        },
        'request',
      )
    })
    next()
  }
}
