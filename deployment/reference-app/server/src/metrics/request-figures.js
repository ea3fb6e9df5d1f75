/** @typedef {{ method: string, route: string, code: string }} Labels */
/** @typedef {{ labels: Labels, buckets: number[], count: number, sum: number, bytes: number, aborted: number }} Figures */

/**
 * Counts requests by method, route and code. prom-client's own histogram sorts and joins the labels for every observation, which costs
 * more than the rest of an empty request; here a request adds to numbers, and the series are made when Prometheus comes.
 */
export class RequestFigures {
  #limits
  /** @type {Map<string, Figures>} */
  #figures = new Map()

  /**
   * @param {import('prom-client').Registry} registry
   * @param {string} prefix
   * @param {number[]} limits of the buckets, in seconds
   */
  constructor(registry, prefix, limits) {
    this.#limits = limits
    const seconds = `${prefix}http_request_duration_seconds`
    register(registry, 'histogram', seconds, 'Time from the request to the end of its answer', () =>
      this.#each((figures) => this.#histogram(seconds, figures)),
    )
    register(registry, 'counter', `${prefix}http_response_bytes_total`, 'Bytes of answers, with their headers', () =>
      this.#each(({ labels, bytes }) => [{ labels, value: bytes }]),
    )
    register(
      registry,
      'counter',
      `${prefix}http_requests_aborted_total`,
      'Requests whose caller left, or whose answer broke off, before it was complete',
      () => this.#each(({ labels, aborted }) => [{ labels, value: aborted }]),
    )
  }

  /**
   * @param {string} method
   * @param {string} route
   * @param {number} code
   * @param {{ seconds: number, bytes: number, complete: boolean }} answer
   */
  add(method, route, code, { seconds, bytes, complete }) {
    const key = `${method} ${code} ${route}`
    let figures = this.#figures.get(key)
    if (figures === undefined) {
      const labels = { method, route, code: String(code) }
      figures = { labels, buckets: this.#limits.map(() => 0), count: 0, sum: 0, bytes: 0, aborted: 0 }
      this.#figures.set(key, figures)
    }
    figures.count += 1
    figures.sum += seconds
    figures.bytes += bytes
    if (!complete) figures.aborted += 1
    const bucket = this.#limits.findIndex((limit) => seconds <= limit)
    if (bucket >= 0) figures.buckets[bucket] = (figures.buckets[bucket] ?? 0) + 1
  }

  /**
   * @template T
   * @param {(figures: Figures) => T[]} values
   */
  #each(values) {
    return [...this.#figures.values()].flatMap(values)
  }

  /**
   * @param {string} name
   * @param {Figures} figures
   */
  #histogram(name, { labels, buckets, count, sum }) {
    let below = 0
    const series = this.#limits.map((limit, index) => {
      below += buckets[index] ?? 0
      return { metricName: `${name}_bucket`, labels: { ...labels, le: String(limit) }, value: below }
    })
    return [
      ...series,
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
}

/**
 * @param {import('prom-client').Registry} registry
 * @param {'counter' | 'histogram'} type
 * @param {string} name
 * @param {string} help
 * @param {() => unknown[]} values
 */
function register(registry, type, name, help, values) {
  const get = async () => ({ name, help, type, aggregator: 'sum', values: values() })
  const metric = { name, help, type, get, reset: () => undefined }
  registry.registerMetric(/** @type {import('prom-client').Metric} */ (/** @type {unknown} */ (metric)))
}
