import express, { Router } from 'express'
import { Dependencies } from './dependencies.js'
import { Identity } from './log-in/identity.js'
import { Families } from './metrics/families.js'
import { watchParts } from './metrics/watch.js'
import { logInRequired } from './middleware/log-in-required.js'
import { problemAnswer } from './middleware/problem-answer.js'
import { requestLog } from './middleware/request-log.js'
import { RequestProblem } from './problems.js'
import { AuditLog } from './records/audit-log.js'
import { Exports } from './records/exports.js'
import { Notifications } from './records/notifications.js'
import { Reports } from './records/reports.js'
import { Signatures } from './records/signatures.js'
import { auditRoutes } from './routes/audit.js'
import { dicomWebRoutes } from './routes/dicom-web.js'
import { exportRoutes } from './routes/exports.js'
import { healthRoutes, healthSummary } from './routes/health.js'
import { notificationRoutes } from './routes/notifications.js'
import { reportRoutes } from './routes/reports.js'
import { sessionRoutes } from './routes/session.js'
import { studyRoutes } from './routes/studies.js'
import { CsrfTokens } from './sessions/cookie.js'
import { SessionHistory } from './sessions/history.js'
import { Sessions } from './sessions/sessions.js'
import { Worklist } from './worklist.js'

/**
 * @typedef {{
 *   orthanc: import('./orthanc.js').Orthanc,
 *   database: import('./stores/database.js').Database,
 *   keyStore: import('./stores/key-store.js').KeyStore,
 * }} Stores
 */

/**
 * The API as one Express application. Health stands before the log: probes are no traffic.
 * @param {{
 *   stores: Stores,
 *   users: import('./log-in/users.js').Users,
 *   sessionKey: string,
 *   release: import('./config.js').Config['release'],
 *   log: import('pino').Logger,
 *   registry: import('prom-client').Registry,
 *   isStopping: () => boolean,
 * }} parts
 */
export function createApp({ stores, users, sessionKey, release, log, registry, isStopping }) {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  const { orthanc, database, keyStore } = stores
  const dependencies = new Dependencies({ mongodb: database, redis: keyStore, orthanc })
  const notifications = new Notifications(database)
  const families = new Families(registry)
  watchParts(registry, { release, dependencies, notifications })

  app.use((_request, response, next) => {
    response.locals.log = log
    // The security headers are the edge's. This one is the API's own: what it answers is not kept.
    response.setHeader('Cache-Control', 'no-store')
    // Keep-alive clients leave with their next answer, and no request meets a closing connection.
    if (isStopping()) response.setHeader('Connection', 'close')
    next()
  })
  app.use('/health', healthRoutes(dependencies, isStopping))
  app.use(requestLog(log))
  app.get('/api/version', (_request, response) => {
    response.json(release)
  })
  app.get('/api/health', healthSummary(dependencies))
  app.use('/api', apiRoutes({ stores, users, sessionKey, notifications, families }))
  app.use(() => {
    throw new RequestProblem(404, 'there is nothing here')
  })
  app.use(problemAnswer)
  return app
}

/**
 * Everything that somebody must be logged in for, and logging in.
 * @param {{
 *   stores: Stores,
 *   users: import('./log-in/users.js').Users,
 *   sessionKey: string,
 *   notifications: Notifications,
 *   families: Families,
 * }} parts
 */
function apiRoutes({ stores, users, sessionKey, notifications, families }) {
  const { orthanc, database, keyStore } = stores
  const history = new SessionHistory(database)
  const sessions = new Sessions(keyStore, history, users)
  const identity = new Identity(users, keyStore)
  const audit = new AuditLog(database, keyStore, families)
  const csrf = new CsrfTokens(sessionKey)
  const required = logInRequired(sessions, csrf, families)
  const reports = new Reports(database, new Signatures(database))

  const router = Router()
  router.use('/session', sessionRoutes({ identity, users, sessions, history, csrf, audit, families, required }))
  router.use(required)
  router.get('/users', (_request, response) => {
    const people = [...users.values()].map(({ name, printedName, role }) => ({ name, printedName, role }))
    response.json({ users: people })
  })
  router.use('/studies', studyRoutes({ orthanc, worklist: new Worklist(orthanc, keyStore), audit }))
  router.use('/studies', reportRoutes({ reports, identity, audit, families }))
  router.use('/notifications', notificationRoutes({ notifications, users, audit, families }))
  router.use('/exports', exportRoutes({ exports: new Exports(database), orthanc, audit, families }))
  router.use('/audit', auditRoutes(audit, families))
  router.use('/dicom-web', dicomWebRoutes({ orthanc, audit }))
  return router
}
