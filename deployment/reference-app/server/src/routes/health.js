import { Router } from 'express'
import { RequestProblem } from '../problems.js'

/**
 * `/live`: this process answers, whatever is away. `/ready`: it can serve, and it is not stopping.
 * Ready means that MongoDB and Redis answer: without one of them nobody can log in, so an instance that cannot reach them, for
 * example by a wrong password, must get no traffic. Orthanc is not part of it: notifications and reports go on without it, and a
 * rollback must be possible while it is away.
 * @param {import('../dependencies.js').Dependencies} dependencies
 * @param {() => boolean} isStopping
 */
export function healthRoutes(dependencies, isStopping) {
  const router = Router()
  router.get('/live', (_request, response) => {
    response.json({ status: 'live' })
  })
  router.get('/ready', async (_request, response) => {
    if (isStopping()) throw new RequestProblem(503, 'this instance is stopping')
    await dependencies.require('mongodb', 'redis')
    response.json({ status: 'ready' })
  })
  return router
}

/**
 * What the page and the checks of a deploy may know without a log-in: 200 when everything answers, else 503 and what does not.
 * @param {import('../dependencies.js').Dependencies} dependencies
 * @returns {import('express').RequestHandler}
 */
export function healthSummary(dependencies) {
  return async (_request, response) => {
    const state = await dependencies.state()
    const isComplete = Object.values(state).every((one) => one === 'up')
    response.status(isComplete ? 200 : 503).json({ status: isComplete ? 'complete' : 'degraded', dependencies: state })
  }
}
