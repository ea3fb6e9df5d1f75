import { json, Router } from 'express'
import { RequestProblem } from '../problems.js'
import { listStudies, searchStudies } from '../search.js'
import { firstImage, toStudy, uid } from '../study.js'

// A study may begin with reports, which have no pixels.
const INSTANCES_LOOKED_AT = 100

/**
 * The worklist, the search, and one image of a study.
 * @param {import('../orthanc.js').Orthanc} orthanc
 */
export function studyRoutes(orthanc) {
  const router = Router()

  router.get('/', async (request, response) => {
    const studies = await orthanc.find('studies', listStudies(request.query))
    response.json({ studies: studies.map(toStudy) })
  })

  router.post('/search', json({ limit: '16kb' }), async (request, response) => {
    const studies = await orthanc.find('studies', searchStudies(request.body))
    response.json({ studies: studies.map(toStudy) })
  })

  router.get('/:study/rendered', async (request, response) => {
    const study = uid.safeParse(request.params.study)
    if (!study.success) throw new RequestProblem(400, 'the study is not named by a DICOM UID')
    const query = new URLSearchParams({ limit: String(INSTANCES_LOOKED_AT), includefield: 'Rows' })
    const image = firstImage(await orthanc.find(`studies/${study.data}/instances`, query))
    const rendered = image === undefined ? null : await orthanc.render(image)
    if (rendered === null) throw new RequestProblem(404, 'there is no such study, or it has no image that can be drawn')
    response.type(rendered.type).send(rendered.body)
  })

  return router
}
