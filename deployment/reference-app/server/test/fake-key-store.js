import { KeyStoreUnavailable } from '../src/problems.js'

/**
 * Redis in memory, with a clock that a test turns. It can be away.
 * @implements {KeyStore}
 * @typedef {import('../src/stores/key-store.js').KeyStore} KeyStore
 */
export class FakeKeyStore {
  /** @type {Map<string, { value: string, until: number }>} */
  entries = new Map()
  isAway = false
  /** Seconds. */
  time = 0

  /** @param {string} key */
  #find(key) {
    if (this.isAway) throw new KeyStoreUnavailable('no connection')
    const entry = this.entries.get(key)
    return entry !== undefined && entry.until > this.time ? entry : undefined
  }

  async get(/** @type {string} */ key) {
    return this.#find(key)?.value ?? null
  }

  async getAndExtend(/** @type {string} */ key, /** @type {number} */ seconds) {
    const entry = this.#find(key)
    if (entry) entry.until = this.time + seconds
    return entry?.value ?? null
  }

  async set(/** @type {string} */ key, /** @type {string} */ value, /** @type {number} */ seconds) {
    this.#find(key)
    this.entries.set(key, { value, until: this.time + seconds })
  }

  async setIfAbsent(/** @type {string} */ key, /** @type {string} */ value, /** @type {number} */ seconds) {
    if (this.#find(key)) return false
    await this.set(key, value, seconds)
    return true
  }

  async replace(/** @type {string} */ key, /** @type {string} */ value) {
    const entry = this.#find(key)
    if (entry) entry.value = value
  }

  async count(/** @type {string} */ key, /** @type {number} */ seconds) {
    const entry = this.#find(key)
    if (!entry) await this.set(key, '1', seconds)
    else entry.value = String(Number(entry.value) + 1)
    const { value, until } = this.entries.get(key) ?? { value: '1', until: 0 }
    return { count: Number(value), left: until - this.time }
  }

  async delete(/** @type {string} */ key) {
    this.#find(key)
    this.entries.delete(key)
  }

  async ping() {
    this.#find('')
  }
}
