import { json, Router } from 'express'
import { z } from 'zod'
import { requireRole, sessionOf } from '../middleware/log-in-required.js'
import { jsonBody, parse } from '../parse.js'
import { meaning } from '../records/signatures.js'
import { readStudy } from '../study.js'

const version = z
  .number('is no number')
  .int('is no whole number')
  .min(0, 'is below 0')
  .max(1_000_000, 'is above 1000000')
const draft = jsonBody({
  text: z.string().trim().min(1, 'is empty').max(20_000, 'is longer than 20000 characters'),
  base: version,
})
const signing = jsonBody({ version: version.min(1, 'is below 1'), meaning, password: z.string().min(1).max(1024) })

/**
 * The report of a study: read, save a version, sign one.
 * @param {{
 *   reports: import('../records/reports.js').Reports,
 *   identity: import('../log-in/identity.js').Identity,
 *   audit: import('../records/audit-log.js').AuditLog,
 *   families: import('../metrics/families.js').Families,
 * }} parts
 */
export function reportRoutes({ reports, identity, audit, families }) {
  const router = Router()

  router.get('/:study/report', async (request, response) => {
    const study = readStudy(request.params.study)
    const versions = await reports.read(study)
    for (const { signatures } of versions) families.signaturesJudged(signatures)
    await audit.viewed(sessionOf(response), { action: 'study.view', target: study }, response.locals.log)
    response.json({ versions })
  })

  router.put('/:study/report', json({ limit: '64kb' }), async (request, response) => {
    requireRole(response, 'radiologist')
    const study = readStudy(request.params.study)
    const { text, base } = parse(draft, request.body)
    const author = sessionOf(response).user.name
    const event = { user: author, action: 'report.save', target: study }
    await audit.around(event, () => reports.save({ study, text, author, base }))
    response.json({ versions: await reports.read(study) })
  })

  // The password again: the session shows who sat down here, not who sits here now (21 CFR 11.200(a)(1)).
  router.post('/:study/report/sign', json({ limit: '4kb' }), async (request, response) => {
    requireRole(response, 'radiologist')
    const study = readStudy(request.params.study)
    const { version, meaning, password } = parse(signing, request.body)
    const { name } = sessionOf(response).user
    const event = { user: name, action: 'report.sign', target: `${study} version ${version} as ${meaning}` }
    const prove = () => identity.prove(name, password)
    const sign = async () => reports.sign(study, version, await families.attempt('signature', prove), meaning)
    // With the hash in the chain, record and signature cannot be changed together unseen. With the time a second entry for one
    // signature is told from a second signature.
    await families.sign(meaning, () =>
      audit.around(event, sign, ({ recordId, recordHash, signedAt }) => ({
        target: `${event.target}: ${recordId} ${recordHash} ${signedAt.toISOString()}`,
      })),
    )
    response.json({ versions: await reports.read(study) })
  })

  return router
}
