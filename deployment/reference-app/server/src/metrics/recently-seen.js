/** How many different keys were seen of late. */
export class RecentlySeen {
  #period
  #now
  /** @type {Map<string, number>} the oldest first */
  #last = new Map()

  /**
   * @param {number} period milliseconds
   * @param {() => number} [now] milliseconds
   */
  constructor(period, now = () => performance.now()) {
    this.#period = period
    this.#now = now
  }

  /** @param {string} key */
  see(key) {
    // Deleted first, so that the map stays in the order of time.
    this.#last.delete(key)
    this.#last.set(key, this.#now())
    this.#dropOld()
  }

  /** @param {string} key */
  forget(key) {
    this.#last.delete(key)
  }

  get size() {
    this.#dropOld()
    return this.#last.size
  }

  #dropOld() {
    const oldest = this.#now() - this.#period
    for (const [key, at] of this.#last) {
      if (at > oldest) return
      this.#last.delete(key)
    }
  }
}
