/** Milliseconds within which a dependency must answer to count as up, and for which the answer counts. */
const LIMIT = 2000
const FRESH = 1000

/** @typedef {'mongodb' | 'redis' | 'orthanc'} Dependency */
/** @typedef {{ ping(limit: number): Promise<void> }} Pingable */

/** Whether what the app depends on answers. However many ask, each dependency is asked once a second. */
export class Dependencies {
  #parts
  /** @type {{ at: number, state: Promise<Record<Dependency, 'up' | 'down'>> } | undefined} */
  #last

  /** @param {Record<Dependency, Pingable>} parts */
  constructor(parts) {
    this.#parts = parts
  }

  /** @returns {Promise<Record<Dependency, 'up' | 'down'>>} */
  state() {
    const now = performance.now()
    if (this.#last === undefined || now - this.#last.at > FRESH) this.#last = { at: now, state: this.#ask() }
    return this.#last.state
  }

  /**
   * @param {Dependency[]} names
   * @throws {import('./problems.js').RequestProblem} 503 when one of them does not answer
   */
  async require(...names) {
    await Promise.all(names.map((name) => this.#parts[name].ping(LIMIT)))
  }

  async #ask() {
    const { mongodb, redis, orthanc } = this.#parts
    const stateOf = (/** @type {Pingable} */ part) =>
      part.ping(LIMIT).then(
        () => /** @type {const} */ ('up'),
        () => /** @type {const} */ ('down'),
      )
    const [one, two, three] = await Promise.all([mongodb, redis, orthanc].map(stateOf))
    return { mongodb: one ?? 'down', redis: two ?? 'down', orthanc: three ?? 'down' }
  }
}
