import { RequestProblem } from '../problems.js'
import { hashPassword, isPassword } from './password.js'

/** Wrong passwords in a row after which a name has to wait, and for how many seconds at most. */
export const ATTEMPTS = 5
export const LOCKED_FOR = 900
/** Passwords that may be checked or wait to be: each takes a tenth of a second of one core and 16 MiB. */
const WAITING = 16

/** @import { User, Users } from './users.js' */

/** Proves that somebody is who he says, for a log-in and again for a signature. */
export class Identity {
  #users
  #keyStore
  #decoy
  /** @type {Promise<unknown>} */
  #queue = Promise.resolve()
  #waiting = 0

  /**
   * @param {Users} users
   * @param {import('../stores/key-store.js').KeyStore} keyStore
   */
  constructor(users, keyStore) {
    this.#users = users
    this.#keyStore = keyStore
    const [any] = users.values()
    this.#decoy = hashPassword('nobody', any && { N: any.N, r: any.r, p: any.p })
  }

  /**
   * The attempt counts before it is judged, so that a hundred at once are not a hundred free ones.
   * @param {string} name
   * @param {string} password
   * @returns {Promise<User>}
   * @throws {RequestProblem} 401 wrong, 429 too many, 503 Redis is away or too many at once
   */
  async prove(name, password) {
    // Before it counts: who was refused for want of room gave no wrong password.
    if (this.#waiting >= WAITING) throw new RequestProblem(503, 'too many people log in at once: try again')
    this.#waiting += 1
    try {
      return await this.#judge(name, password)
    } finally {
      this.#waiting -= 1
    }
  }

  /**
   * @param {string} name
   * @param {string} password
   * @returns {Promise<User>}
   */
  async #judge(name, password) {
    const key = `log-in-failures:${name}`
    const { count, left } = await this.#keyStore.count(key, LOCKED_FOR)
    if (count > ATTEMPTS) {
      throw new RequestProblem(429, `too many wrong passwords for this name: wait ${left} s`, Math.max(1, left))
    }
    const user = this.#users.get(name)
    // An unknown name takes as long as a known one.
    const matches = await this.#oneByOne(async () => isPassword(password, user ?? (await this.#decoy)))
    if (user === undefined || !matches) throw new RequestProblem(401, 'the name or the password is wrong')
    await this.#keyStore.delete(key)
    return user
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #oneByOne(work) {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }
}
