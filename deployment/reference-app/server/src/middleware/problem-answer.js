import { z } from 'zod'
import { RequestProblem } from '../problems.js'

// What express.json() throws: https://github.com/expressjs/body-parser#errors
const bodyError = z.object({ type: z.string(), status: z.number().int().min(400).max(499) })

/** @type {Record<string, string>} */
const BODY_PROBLEMS = {
  'entity.parse.failed': 'the body is not valid JSON',
  'entity.too.large': 'the body is larger than 16 KiB',
}

/**
 * Turns what a route threw into one JSON line. What is no fault of the request is logged; its text stays inside.
 * @type {import('express').ErrorRequestHandler}
 */
export const problemAnswer = (error, _request, response, next) => {
  if (response.headersSent) return next(error)
  const problem = asProblem(error)
  if (problem.status >= 500)
    response.locals.log.error({ problem: problem.message, stack: stackOf(error) }, 'request failed')
  if (problem.status === 503) response.set('Retry-After', '2')
  response.status(problem.status).json({ error: problem.message })
}

/** @param {unknown} error */
function asProblem(error) {
  if (error instanceof RequestProblem) return error
  if (error instanceof URIError) return new RequestProblem(400, 'the path is not valid')
  const body = bodyError.safeParse(error)
  if (body.success)
    return new RequestProblem(body.data.status, BODY_PROBLEMS[body.data.type] ?? 'the body cannot be read')
  return new RequestProblem(500, 'something went wrong here; the log names it by the X-Request-Id of this answer')
}

/** @param {unknown} error */
function stackOf(error) {
  return error instanceof Error && !(error instanceof RequestProblem) ? error.stack : undefined
}
