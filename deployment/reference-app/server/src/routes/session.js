import { json, Router } from 'express'
import { z } from 'zod'
import { sessionOf } from '../middleware/log-in-required.js'
import { jsonBody, parse } from '../parse.js'
import { DatabaseUnavailable, KeyStoreUnavailable, RequestProblem } from '../problems.js'
import { clearCookie, hashOf, readCookie, setCookie } from '../sessions/cookie.js'

const credentials = jsonBody({ name: z.string().min(1).max(64), password: z.string().min(1).max(1024) })

/**
 * Log in, who am I, log out.
 * @param {{
 *   identity: import('../log-in/identity.js').Identity,
 *   users: import('../log-in/users.js').Users,
 *   sessions: import('../sessions/sessions.js').Sessions,
 *   history: import('../sessions/history.js').SessionHistory,
 *   csrf: import('../sessions/cookie.js').CsrfTokens,
 *   audit: import('../records/audit-log.js').AuditLog,
 *   families: import('../metrics/families.js').Families,
 *   required: import('express').RequestHandler,
 * }} parts
 */
export function sessionRoutes({ identity, users, sessions, history, csrf, audit, families, required }) {
  const router = Router()

  router.post('/', json({ limit: '4kb' }), async (request, response) => {
    refuseOtherSites(request)
    const { name, password } = parse(credentials, request.body)
    // What is typed into the wrong field may be a password: a name that nobody has is not kept.
    const entry = { user: users.has(name) ? name : 'unknown', action: 'session.start', target: 'session' }
    try {
      const user = await families.attempt('log-in', () => identity.prove(name, password))
      const previous = readCookie(request)
      if (previous !== undefined) {
        await sessions.end(hashOf(previous), 'replaced')
        families.sessionEnded('replaced', hashOf(previous))
      }
      const session = await sessions.begin(user)
      families.sessionStarted(session.hash)
      await audit.append(entry)
      setCookie(response, session.id)
      response.status(201).json(shown(session))
    } catch (error) {
      // Not the refusals of a locked name: those cost nothing to send and would fill the trail.
      if (error instanceof RequestProblem && error.status === 401) await audit.append({ ...entry, outcome: 'failure' })
      throw asLogInProblem(error)
    }
  })

  router.get('/', required, (_request, response) => {
    response.json(shown(sessionOf(response)))
  })

  router.get('/history', required, async (_request, response) => {
    const found = await history.list(sessionOf(response).user.name)
    response.json({
      sessions: found.map(({ createdAt, lastSeenAt, endedAt, endReason }) => ({
        createdAt,
        lastSeenAt,
        endedAt,
        endReason,
      })),
    })
  })

  router.delete('/', required, async (_request, response) => {
    const { hash, user } = sessionOf(response)
    await audit.around({ user: user.name, action: 'session.end', target: 'session' }, () =>
      sessions.end(hash, 'logout'),
    )
    families.sessionEnded('logout', hash)
    clearCookie(response)
    response.status(204).end()
  })

  /** @param {import('../sessions/sessions.js').Session} session */
  function shown({ id, user, endsAt }) {
    return { user: user.name, printedName: user.printedName, role: user.role, csrfToken: csrf.of(id), endsAt }
  }

  return router
}

/**
 * A log-in has no session to bind a token to: another site must not log its visitors in as somebody else.
 * @param {import('express').Request} request
 */
function refuseOtherSites(request) {
  const from = request.get('sec-fetch-site')
  if (from !== undefined && from !== 'same-origin' && from !== 'none') {
    throw new RequestProblem(403, 'a log-in from another site is refused')
  }
}

/** @param {unknown} error */
function asLogInProblem(error) {
  if (error instanceof KeyStoreUnavailable || error instanceof DatabaseUnavailable) {
    return new RequestProblem(503, `nobody can log in now, who is logged in can go on: ${error.message}`)
  }
  return error
}
