import { z } from 'zod'
import { DatabaseUnavailable, KeyStoreUnavailable, RequestProblem } from '../problems.js'
import { hashOf, newSessionId } from './cookie.js'

/** Seconds without a request, and seconds in all, after which a session ends. */
export const IDLE = 1800
export const ABSOLUTE = 43_200
/** Milliseconds between two notes of a session's last use. */
const NOTED_EVERY = 60_000
/** Unknown sessions that are looked up at once, in half of MongoDB's pool: anybody can send a cookie that means nothing. */
const LOOKED_UP = 10

const stored = z.object({ user: z.string(), createdAt: z.number(), notedAt: z.number() })

/** @import { User, Users } from '../log-in/users.js' */
/** @typedef {{ id: string, hash: string, user: User, endsAt: Date }} Session */

/** Who is logged in. Sessions live in Redis, which all instances share; the history in MongoDB stands in for what Redis cannot tell. */
export class Sessions {
  #keyStore
  #history
  #users
  #now
  #lookedUp = 0

  /**
   * @param {import('../stores/key-store.js').KeyStore} keyStore
   * @param {import('./history.js').SessionHistory} history
   * @param {Users} users
   * @param {() => number} [now] milliseconds of the epoch
   */
  constructor(keyStore, history, users, now = Date.now) {
    this.#keyStore = keyStore
    this.#history = history
    this.#users = users
    this.#now = now
  }

  /**
   * @param {User} user
   * @returns {Promise<Session>}
   */
  async begin(user) {
    const id = newSessionId()
    const hash = hashOf(id)
    const createdAt = this.#now()
    await this.#history.closeExpired(user.name, new Date(createdAt - IDLE * 1000), new Date(createdAt))
    await this.#history.begin({ session: hash, user: user.name, role: user.role, createdAt: new Date(createdAt) })
    const value = JSON.stringify({ user: user.name, createdAt, notedAt: createdAt })
    await this.#keyStore.set(keyOf(hash), value, IDLE)
    return { id, hash, user, endsAt: endOf(createdAt) }
  }

  /**
   * The session that `id` names; its idle time begins anew with each use.
   * @param {string} id
   * @param {boolean} [isUse] false for what a page asks by itself
   * @returns {Promise<Session>}
   * @throws {RequestProblem} 401 when there is none, 503 when neither store can tell
   */
  async resume(id, isUse = true) {
    const hash = hashOf(id)
    const { name, createdAt } = await this.#read(hash, isUse)
    const user = this.#users.get(name)
    if (user === undefined || endOf(createdAt).getTime() <= this.#now()) throw notLoggedIn()
    return { id, hash, user, endsAt: endOf(createdAt) }
  }

  /**
   * The history knows first, so that the session stays ended even if Redis cannot be told now.
   * @param {string} hash
   * @param {'logout' | 'replaced'} reason
   */
  async end(hash, reason) {
    await this.#history.end(hash, reason, new Date(this.#now()))
    await this.#keyStore.delete(keyOf(hash))
  }

  /**
   * @param {string} hash
   * @param {boolean} isUse
   * @returns {Promise<{ name: string, createdAt: number }>}
   */
  async #read(hash, isUse) {
    let value
    try {
      value = await (isUse ? this.#keyStore.getAndExtend(keyOf(hash), IDLE) : this.#keyStore.get(keyOf(hash)))
    } catch (error) {
      if (!(error instanceof KeyStoreUnavailable)) throw error
      return this.#readHistory(hash, isUse)
    }
    if (value === null) return this.#restore(hash, isUse)
    const session = stored.parse(JSON.parse(value))
    if (this.#now() - session.notedAt >= NOTED_EVERY) await this.#note(hash, session, isUse)
    return { name: session.user, createdAt: session.createdAt }
  }

  /**
   * A session that Redis does not know may be one that was used while it was away, or that it lost: it gets it back.
   * @param {string} hash
   * @param {boolean} isUse
   * @returns {Promise<{ name: string, createdAt: number }>}
   */
  async #restore(hash, isUse) {
    if (this.#lookedUp >= LOOKED_UP) throw notLoggedIn()
    this.#lookedUp += 1
    try {
      const found = await this.#readHistory(hash, isUse)
      if (!isUse) return found
      const session = { user: found.name, createdAt: found.createdAt, notedAt: this.#now() }
      await this.#keyStore.set(keyOf(hash), JSON.stringify(session), IDLE).catch(() => undefined)
      // After that: a log-out in the meantime has the last word.
      await this.#note(hash, session, isUse)
      return found
    } catch (error) {
      throw error instanceof DatabaseUnavailable ? notLoggedIn() : error
    } finally {
      this.#lookedUp -= 1
    }
  }

  /**
   * Notes the last use in the history, and obeys it: a log-out that Redis did not hear of ends the session here.
   * @param {string} hash
   * @param {z.infer<typeof stored>} session
   * @param {boolean} isUse
   */
  async #note(hash, session, isUse) {
    const notedAt = this.#now()
    const asked = isUse ? this.#history.touch(hash, new Date(notedAt)) : this.#history.isOpen(hash)
    const open = await asked.catch((error) => {
      if (error instanceof RequestProblem) return true
      throw error
    })
    if (!open) {
      await this.#keyStore.delete(keyOf(hash)).catch(() => undefined)
      throw notLoggedIn()
    }
    if (!isUse) return
    await this.#keyStore.replace(keyOf(hash), JSON.stringify({ ...session, notedAt })).catch(() => undefined)
  }

  /**
   * @param {string} hash
   * @param {boolean} isUse
   * @returns {Promise<{ name: string, createdAt: number }>}
   */
  async #readHistory(hash, isUse) {
    const found = await this.#history.find(hash)
    const now = this.#now()
    if (found === null || found.endedAt !== null) throw notLoggedIn()
    const unused = now - found.lastSeenAt.getTime()
    if (unused >= IDLE * 1000) throw notLoggedIn()
    if (isUse && unused >= NOTED_EVERY) await this.#history.touch(hash, new Date(now))
    return { name: found.user, createdAt: found.createdAt.getTime() }
  }
}

/** @param {string} hash */
function keyOf(hash) {
  return `session:${hash}`
}

/** @param {number} createdAt */
function endOf(createdAt) {
  return new Date(createdAt + ABSOLUTE * 1000)
}

function notLoggedIn() {
  return new RequestProblem(401, 'nobody is logged in, or the session has ended: log in')
}
