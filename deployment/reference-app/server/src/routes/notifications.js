import { json, Router } from 'express'
import { z } from 'zod'
import { sessionOf } from '../middleware/log-in-required.js'
import { jsonBody, parse } from '../parse.js'
import { RequestProblem } from '../problems.js'
import { readId } from '../records/id.js'
import { uid } from '../study.js'

const listQuery = z.strictObject({ state: z.enum(['open', 'acknowledged']).default('open') })
const notification = jsonBody({
  study: uid,
  severity: z.enum(['critical', 'urgent']),
  finding: z.string().trim().min(1, 'is empty').max(2000, 'is longer than 2000 characters'),
  recipient: z.string(),
})

/**
 * Critical findings: tell somebody, and see that he knows.
 * @param {{
 *   notifications: import('../records/notifications.js').Notifications,
 *   users: import('../log-in/users.js').Users,
 *   audit: import('../records/audit-log.js').AuditLog,
 *   families: import('../metrics/families.js').Families,
 * }} parts
 */
export function notificationRoutes({ notifications, users, audit, families }) {
  const router = Router()

  router.get('/', async (request, response) => {
    const found = await notifications.list(parse(listQuery, request.query).state)
    const view = { action: 'notifications.view', target: 'notifications' }
    await audit.viewed(sessionOf(response), view, response.locals.log)
    response.json({ notifications: found })
  })

  router.post('/', json({ limit: '16kb' }), async (request, response) => {
    const { study, severity, finding, recipient } = parse(notification, request.body)
    if (!users.has(recipient)) throw new RequestProblem(400, 'recipient: is nobody who can log in')
    const createdBy = sessionOf(response).user.name
    const event = { user: createdBy, action: 'notification.create', target: study }
    const create = () => notifications.create({ study, severity, finding, recipient, createdBy })
    const created = await families.notify(severity, () => audit.around(event, create))
    response.status(201).json(created)
  })

  router.post('/:id/acknowledge', async (request, response) => {
    const id = readId(request.params.id)
    const user = sessionOf(response).user.name
    const event = { user, action: 'notification.acknowledge', target: id.toHexString() }
    response.json(await families.acknowledge(() => audit.around(event, () => notifications.acknowledge(id, user))))
  })

  return router
}
