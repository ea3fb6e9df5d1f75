import express from 'express'
import { problemAnswer } from './middleware/problem-answer.js'
import { requestLog } from './middleware/request-log.js'
import { securityHeaders } from './middleware/security-headers.js'
import { RequestProblem } from './problems.js'
import { healthRoutes } from './routes/health.js'
import { studyRoutes } from './routes/studies.js'

/**
 * The API as one Express application. Health stands before metrics and log: probes are no traffic.
 * @param {{
 *   orthanc: import('./orthanc.js').Orthanc,
 *   release: import('./config.js').Config['release'],
 *   log: import('pino').Logger,
 *   metrics: import('express').RequestHandler,
 *   isStopping: () => boolean,
 * }} parts
 */
export function createApp({ orthanc, release, log, metrics, isStopping }) {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')

  app.use((_request, response, next) => {
    response.locals.log = log
    // Keep-alive clients leave with their next answer, and no request meets a closing connection.
    if (isStopping()) response.setHeader('Connection', 'close')
    next()
  })
  app.use(securityHeaders)
  app.use('/health', healthRoutes(orthanc, isStopping))
  app.use(metrics, requestLog(log))
  app.get('/api/version', (_request, response) => {
    response.json(release)
  })
  app.use('/api/studies', studyRoutes(orthanc))
  app.use(() => {
    throw new RequestProblem(404, 'there is nothing here')
  })
  app.use(problemAnswer)
  return app
}
