/** @typedef {{ method: string, route: string, code: string }} Labels */
/** @typedef {{ labels: Labels, code: number, buckets: number[], count: number, sum: number, bytes: number, aborted: number }} Figures */

/**
 * Counts requests by method, route and code. prom-client's own histogram sorts and joins the labels for every observation, which costs
 * more than the rest of an empty request; here a request finds its numbers by what it was, among the few that its route has, and the
 * series are made when Prometheus comes.
 */
export class RequestFigures {
  #limits
  #methodOf
  #routeOf
  /** @type {Map<string, Figures[]>} by route */
  #routes = new Map()

  /**
   * @param {import('prom-client').Registry} registry
   * @param {string} prefix
   * @param {{ limits: number[], methodOf: (method: string) => string, routeOf: (route: string) => string }} bounds `limits` of the
   *   buckets, in seconds; the labels for a method and a route, which are few
   */
  constructor(registry, prefix, { limits, methodOf, routeOf }) {
    this.#limits = limits
    this.#methodOf = methodOf
    this.#routeOf = routeOf
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
   * @param {number} seconds until the answer's end
   * @param {number} bytes of the answer
   * @param {boolean} complete whether all of it went
   */
  add(method, route, code, seconds, bytes, complete) {
    const figures = this.#find(method, route, code) ?? this.#labelled(method, route, code)
    figures.count += 1
    figures.sum += seconds
    figures.bytes += bytes
    if (!complete) figures.aborted += 1
    let bucket = 0
    while (seconds > (this.#limits[bucket] ?? Infinity)) bucket += 1
    figures.buckets[bucket] = (figures.buckets[bucket] ?? 0) + 1
  }

  /**
   * @param {string} method
   * @param {string} route
   * @param {number} code
   */
  #find(method, route, code) {
    for (const one of this.#routes.get(route) ?? []) if (one.code === code && one.labels.method === method) return one
    return undefined
  }

  /**
   * Those of a method or route that has no label of its own, or the first of theirs.
   * @param {string} asked
   * @param {string} pattern
   * @param {number} code
   */
  #labelled(asked, pattern, code) {
    const [method, route] = [this.#methodOf(asked), this.#routeOf(pattern)]
    const known = this.#find(method, route, code)
    if (known !== undefined) return known
    const labels = { method, route, code: String(code) }
    // The last bucket is for what took longer than all limits.
    const buckets = [...this.#limits, Infinity].map(() => 0)
    const figures = { labels, code, buckets, count: 0, sum: 0, bytes: 0, aborted: 0 }
    this.#routes.set(route, [...(this.#routes.get(route) ?? []), figures])
    return figures
  }

  /**
   * @template T
   * @param {(figures: Figures) => T[]} values
   */
  #each(values) {
    return [...this.#routes.values()].flat().flatMap(values)
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
