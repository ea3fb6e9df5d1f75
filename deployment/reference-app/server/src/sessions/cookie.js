import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** `__Host-`: a browser takes it only with Secure, Path=/ and no Domain, so no other host of the domain can set it. */
const NAME = '__Host-pacs-session'
const ID = /^[\w-]{43}$/

/** @returns {string} 256 random bits */
export function newSessionId() {
  return randomBytes(32).toString('base64url')
}

/**
 * What stands for a session in the stores: whoever reads them gets no cookie out of it.
 * @param {string} id
 */
export function hashOf(id) {
  return createHash('sha256').update(id).digest('hex')
}

/**
 * The session's id in a request's cookies, or undefined.
 * @param {import('express').Request} request
 */
export function readCookie(request) {
  for (const pair of (request.get('cookie') ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === NAME && value !== undefined && ID.test(value)) return value
  }
  return undefined
}

/**
 * A cookie of the browser's session: the server keeps the limits.
 * @param {import('express').Response} response
 * @param {string} id
 */
export function setCookie(response, id) {
  response.append('Set-Cookie', `${NAME}=${id}; Path=/; HttpOnly; Secure; SameSite=Strict`)
}

/** @param {import('express').Response} response */
export function clearCookie(response) {
  response.append('Set-Cookie', `${NAME}=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0`)
}

/** The token that a page sends with every change: only a page that could read an answer of this session has it. */
export class CsrfTokens {
  #key

  /** @param {string} key the content of SESSION_KEY_FILE */
  constructor(key) {
    this.#key = key
  }

  /** @param {string} id of the session */
  of(id) {
    return createHmac('sha256', this.#key).update(`csrf ${id}`).digest('base64url')
  }

  /**
   * @param {string} id of the session
   * @param {string | undefined} token what the request says
   */
  matches(id, token) {
    const expected = Buffer.from(this.of(id))
    const given = Buffer.from(token ?? '')
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}
