/** Milliseconds within which a dependency must answer to count as up, and for which the answer counts. */
const LIMIT = 2000
const FRESH = 1000

/** @typedef {'mongodb' | 'redis' | 'orthanc'} Dependency */
/** @typedef {{ ping(limit: number): Promise<void> }} Pingable */
/** @typedef {{ isUp: boolean, seconds: number }} Answer */

/** Whether what the app depends on answers. However many ask, each dependency is asked once a second. */
export class Dependencies {
  #parts
  #now
  /** @type {{ at: number, answers: Promise<[Dependency, Answer][]> } | undefined} */
  #last

  /** @param {Record<Dependency, Pingable>} parts @param {() => number} [now] milliseconds */
  constructor(parts, now = () => performance.now()) {
    this.#parts = parts
    this.#now = now
  }

  /** @returns {Promise<Record<Dependency, 'up' | 'down'>>} */
  async state() {
    const answers = new Map(await this.ask())
    const of = (/** @type {Dependency} */ name) => (answers.get(name)?.isUp ? 'up' : 'down')
    return { mongodb: of('mongodb'), redis: of('redis'), orthanc: of('orthanc') }
  }

  /** Whether each answers, and how long that took or was waited for. */
  ask() {
    const now = this.#now()
    if (this.#last === undefined || now - this.#last.at > FRESH) this.#last = { at: now, answers: this.#ask() }
    return this.#last.answers
  }

  /**
   * @param {Dependency[]} names
   * @throws {import('./problems.js').RequestProblem} 503 when one of them does not answer
   */
  async require(...names) {
    await Promise.all(names.map((name) => this.#parts[name].ping(LIMIT)))
  }

  async #ask() {
    const names = /** @type {Dependency[]} */ (Object.keys(this.#parts))
    return Promise.all(names.map(async (name) => /** @type {[Dependency, Answer]} */ ([name, await this.#time(name)])))
  }

  /**
   * @param {Dependency} name
   * @returns {Promise<Answer>}
   */
  async #time(name) {
    const started = performance.now()
    const isUp = await this.#parts[name].ping(LIMIT).then(
      () => true,
      () => false,
    )
    return { isUp, seconds: (performance.now() - started) / 1000 }
  }
}
