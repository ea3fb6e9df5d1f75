import { json, Router } from 'express'
import { sessionOf } from '../middleware/log-in-required.js'
import { RequestProblem } from '../problems.js'
import { listStudies, searchStudies } from '../search.js'
import { firstImage, readStudy, toStudy } from '../study.js'

// A study may begin with reports, which have no pixels.
const INSTANCES_LOOKED_AT = 100

/**
 * The worklist, the search, and one image of a study.
 * @param {{
 *   orthanc: import('../orthanc.js').Orthanc,
 *   worklist: import('../worklist.js').Worklist,
 *   audit: import('../records/audit-log.js').AuditLog,
 * }} parts
 */
export function studyRoutes({ orthanc, worklist, audit }) {
  const router = Router()
  const viewed = (
    /** @type {import('express').Response} */ response,
    /** @type {string} */ action,
    target = 'worklist',
  ) => audit.viewed(sessionOf(response), { action, target }, response.locals.log)

  router.get('/', async (request, response) => {
    const studies = await worklist.find(listStudies(request.query))
    await viewed(response, 'worklist.view')
    response.json({ studies: studies.map(toStudy) })
  })

  router.post('/search', json({ limit: '16kb' }), async (request, response) => {
    const studies = await worklist.find(searchStudies(request.body))
    await viewed(response, 'worklist.view')
    response.json({ studies: studies.map(toStudy) })
  })

  router.get('/:study/rendered', async (request, response) => {
    const study = readStudy(request.params.study)
    const query = new URLSearchParams({ limit: String(INSTANCES_LOOKED_AT), includefield: 'Rows' })
    const image = firstImage(await orthanc.find(`studies/${study}/instances`, query))
    const rendered = image === undefined ? null : await orthanc.render(image)
    if (rendered === null) throw new RequestProblem(404, 'there is no such study, or it has no image that can be drawn')
    await viewed(response, 'study.view', study)
    response.type(rendered.type).send(rendered.body)
  })

  return router
}
