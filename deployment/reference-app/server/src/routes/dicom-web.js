import { pipeline } from 'node:stream/promises'
import { Router } from 'express'
import { sessionOf } from '../middleware/log-in-required.js'
import { RequestProblem } from '../problems.js'

/** @typedef {import('../log-in/users.js').User['role']} Role */

/** Who reads images, and who adds them. */
const READERS = /** @type {readonly Role[]} */ (['radiologist', 'physician'])
const WRITERS = /** @type {readonly Role[]} */ (['radiologist'])

/** What DICOMweb names: no other path of Orthanc is led to, and none that climbs. */
const RESOURCE = /^(?:studies|series|instances)(?:\/[A-Za-z0-9][A-Za-z0-9.,-]*)*$/
const STORE = /^studies(?:\/\d[\d.]{0,63})?$/
/** The answer's headers that are handed on. */
const KEPT = ['content-type', 'content-length', 'warning']

/**
 * Orthanc's DICOMweb for those whose role allows it: QIDO-RS and WADO-RS to read, STOW-RS to store. Nothing is held in memory, however large.
 * @param {{ orthanc: import('../orthanc.js').Orthanc, audit: import('../records/audit-log.js').AuditLog }} parts
 */
export function dicomWebRoutes({ orthanc, audit }) {
  const router = Router()

  router.get('/*resource', async (request, response) => {
    allowed(response, READERS)
    const resource = resourceOf(request, RESOURCE)
    const answer = await orthanc.relay(request, response, resource, request.url.split('?')[1])
    const target = /^studies\/([\d.]+)/.exec(resource)?.[1]
    const event = target ? { action: 'study.view', target } : { action: 'worklist.view', target: 'worklist' }
    // Nobody saw what Orthanc refused.
    if (isDone(answer)) await audit.viewed(sessionOf(response), event, response.locals.log)
    await handOn(answer, response)
  })

  router.post('/*resource', async (request, response) => {
    allowed(response, WRITERS)
    const resource = resourceOf(request, STORE)
    if (!/^multipart\/related\b/i.test(request.get('content-type') ?? '')) {
      throw new RequestProblem(415, 'STOW-RS is sent as multipart/related')
    }
    const event = { user: sessionOf(response).user.name, action: 'study.store', target: resource }
    const answer = await audit.around(
      event,
      () => orthanc.relay(request, response, resource),
      // With 202 it stored a part, with or without warnings, and its answer names the rest (PS3.18 10.5.3).
      (answer) =>
        answer.statusCode === 200
          ? {}
          : { target: `${resource} (${answer.statusCode})`, outcome: isDone(answer) ? 'success' : 'failure' },
    )
    await handOn(answer, response)
  })

  return router
}

/**
 * @param {import('express').Response} response
 * @param {readonly Role[]} roles
 */
function allowed(response, roles) {
  if (!roles.includes(sessionOf(response).user.role)) throw new RequestProblem(403, `only for ${roles.join(' or ')}`)
}

/**
 * @param {import('express').Request} request
 * @param {RegExp} pattern
 */
function resourceOf(request, pattern) {
  const resource = request.path.slice(1)
  if (!pattern.test(resource)) throw new RequestProblem(404, 'DICOMweb has no such resource here')
  return resource
}

/** @param {import('node:http').IncomingMessage} answer */
function isDone({ statusCode = 0 }) {
  return statusCode >= 200 && statusCode < 300
}

/**
 * @param {import('node:http').IncomingMessage} answer
 * @param {import('express').Response} response
 */
async function handOn(answer, response) {
  response.status(answer.statusCode ?? 502)
  for (const name of KEPT) {
    const value = answer.headers[name]
    if (value !== undefined) response.setHeader(name, value)
  }
  await pipeline(answer, response)
}
