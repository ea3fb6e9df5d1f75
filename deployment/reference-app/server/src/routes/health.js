import { Router } from 'express'
import { RequestProblem } from '../problems.js'

const READY_LIMIT = 2000

/**
 * `/live`: this process answers. `/ready`: it can serve, so Orthanc answers it within 2 s, and it is not stopping.
 * @param {import('../orthanc.js').Orthanc} orthanc
 * @param {() => boolean} isStopping
 */
export function healthRoutes(orthanc, isStopping) {
  const router = Router()
  router.get('/live', (_request, response) => {
    response.json({ status: 'live' })
  })
  router.get('/ready', async (_request, response) => {
    if (isStopping()) throw new RequestProblem(503, 'this instance is stopping')
    await orthanc.ping(READY_LIMIT)
    response.json({ status: 'ready' })
  })
  return router
}
