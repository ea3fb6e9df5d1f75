import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { json, Router } from 'express'
import { z } from 'zod'
import { sessionOf } from '../middleware/log-in-required.js'
import { jsonBody, parse } from '../parse.js'
import { RequestProblem } from '../problems.js'
import { readId } from '../records/id.js'
import { uid } from '../study.js'

const order = jsonBody({ studies: z.array(uid).min(1, 'is empty').max(20, 'has more than 20 studies') })

/**
 * Studies to take away: ordered, listed, and fetched as one ZIP.
 * @param {{
 *   exports: import('../records/exports.js').Exports,
 *   orthanc: import('../orthanc.js').Orthanc,
 *   audit: import('../records/audit-log.js').AuditLog,
 *   families: import('../metrics/families.js').Families,
 * }} parts
 */
export function exportRoutes({ exports, orthanc, audit, families }) {
  const router = Router()

  router.get('/', async (_request, response) => {
    response.json({ exports: await exports.list(sessionOf(response).user.name) })
  })

  router.post('/', json({ limit: '16kb' }), async (request, response) => {
    const { studies } = parse(order, request.body)
    const user = sessionOf(response).user.name
    const event = { user, action: 'export.create', target: studies.join(' ') }
    const queued = await audit.around(event, () => exports.queue(user, studies))
    families.exportQueued()
    response.status(201).json(queued)
  })

  router.get('/:id/archive', async (request, response) => {
    const id = readId(request.params.id)
    const user = sessionOf(response).user.name
    const event = { user, action: 'export.download', target: id.toHexString() }
    const { studies } = await audit.before(event, () => exports.start(id, user))
    const begin = async () => {
      const archive = await orthanc.archive(studies)
      if (archive === null)
        throw new RequestProblem(404, 'the image archive (Orthanc) does not have all of these studies')
      const body = Readable.fromWeb(archive)
      // It may break off while the entry is written: pipeline tells of that. Unheard, the error would end the process.
      body.on('error', () => undefined)
      return body
    }
    try {
      await families.exportRun(async () => {
        const archive = await audit.before(event, begin)
        try {
          // In the trail before the first byte leaves.
          await audit.append(event)
          response
            .type('application/zip')
            .set('Content-Disposition', `attachment; filename="studies-${id.toHexString()}.zip"`)
          await pipeline(archive, response)
        } finally {
          archive.destroy()
        }
      })
      await exports.finish(id, 'done')
    } catch (error) {
      await exports.finish(id, 'failed')
      throw error
    }
  })

  return router
}
