import { RequestProblem } from '../problems.js'
import { readCookie } from '../sessions/cookie.js'

/** @typedef {import('../sessions/sessions.js').Session} Session */

const READING = new Set(['GET', 'HEAD'])

/**
 * Lets nobody through who is not logged in, and no change that did not come from our page. What a page asks by itself carries
 * X-Unattended: it is no use of the session, which ends as if it had not been asked.
 * @param {import('../sessions/sessions.js').Sessions} sessions
 * @param {import('../sessions/cookie.js').CsrfTokens} csrf
 * @param {import('../metrics/families.js').Families} families
 * @returns {import('express').RequestHandler}
 */
export function logInRequired(sessions, csrf, families) {
  return async (request, response, next) => {
    const id = readCookie(request)
    if (id === undefined) throw new RequestProblem(401, 'nobody is logged in, or the session has ended: log in')
    const isUse = request.get('x-unattended') === undefined
    const session = await sessions.resume(id, isUse).catch((error) => {
      if (error instanceof RequestProblem && error.status === 401) families.sessionEnded('refused')
      throw error
    })
    if (isUse) families.sessionSeen(session.hash)
    response.locals.session = session
    if (!READING.has(request.method) && !csrf.matches(id, request.get('x-csrf-token'))) {
      throw new RequestProblem(403, 'the header X-Csrf-Token is missing or not that of this session: reload the page')
    }
    next()
  }
}

/**
 * Whose request it is, behind logInRequired.
 * @param {import('express').Response} response
 * @returns {Session}
 */
export function sessionOf(response) {
  return response.locals.session
}

/**
 * @param {import('express').Response} response
 * @param {import('../log-in/users.js').User['role']} role
 * @throws {RequestProblem} 403
 */
export function requireRole(response, role) {
  if (sessionOf(response).user.role !== role) throw new RequestProblem(403, `only for the role ${role}`)
}
