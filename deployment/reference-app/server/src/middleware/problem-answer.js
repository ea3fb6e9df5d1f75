import { z } from 'zod'
import { RequestProblem } from '../problems.js'

// What express.json() throws: https://github.com/expressjs/body-parser#errors
const bodyError = z.object({
  type: z.string(),
  status: z.number().int().min(400).max(499),
  limit: z.number().optional(),
})

/**
 * Turns what a route threw into one JSON line. What is no fault of the request is logged; its text stays inside.
 * @type {import('express').ErrorRequestHandler}
 */
export const problemAnswer = (error, _request, response, next) => {
  if (response.headersSent) return next(error)
  const problem = asProblem(error)
  if (problem.status >= 500)
    response.locals.log.error({ problem: problem.message, stack: stackOf(error) }, 'request failed')
  if (problem.retryAfter !== undefined) response.set('Retry-After', String(problem.retryAfter))
  response.status(problem.status).json({ error: problem.message })
}

/** @param {unknown} error */
function asProblem(error) {
  if (error instanceof RequestProblem) return error
  if (error instanceof URIError) return new RequestProblem(400, 'the path is not valid')
  const body = bodyError.safeParse(error)
  if (body.success) return new RequestProblem(body.data.status, bodyProblem(body.data))
  return new RequestProblem(500, 'something went wrong here; the log names it by the X-Request-Id of this answer')
}

/** @param {z.infer<typeof bodyError>} error */
function bodyProblem({ type, limit = 0 }) {
  if (type === 'entity.parse.failed') return 'the body is not valid JSON'
  if (type === 'entity.too.large') return `the body is larger than ${limit / 1024} KiB`
  return 'the body cannot be read'
}

/** @param {unknown} error */
function stackOf(error) {
  return error instanceof Error && !(error instanceof RequestProblem) ? error.stack : undefined
}
