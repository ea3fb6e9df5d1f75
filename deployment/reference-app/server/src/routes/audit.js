import { Router } from 'express'
import { requireRole, sessionOf } from '../middleware/log-in-required.js'

/**
 * The audit trail, for auditors: its newest entries, and whether the chain is whole.
 * @param {import('../records/audit-log.js').AuditLog} audit
 * @param {import('../metrics/families.js').Families} families
 */
export function auditRoutes(audit, families) {
  const router = Router()
  router.use((_request, response, next) => {
    requireRole(response, 'auditor')
    next()
  })
  router.get('/', async (_request, response) => {
    response.json({ entries: await audit.newest() })
  })
  router.get('/verification', async (_request, response) => {
    const result = await audit.verify()
    families.auditVerified(result.broken === null)
    await audit.append({
      user: sessionOf(response).user.name,
      action: 'audit.verify',
      target: `entry ${result.entries}`,
    })
    response.json(result)
  })
  return router
}
