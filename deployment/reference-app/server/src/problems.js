/** A request that cannot be answered as asked: becomes `{ "error": message }` with `status`. */
export class RequestProblem extends Error {
  /**
   * @param {number} status
   * @param {string} message one line for the caller
   * @param {number} [retryAfter] seconds after which asking again makes sense
   */
  constructor(status, message, retryAfter = status === 503 ? 2 : undefined) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** Orthanc did not answer, or not as it should. The caller may try again: 503. */
export class OrthancUnavailable extends RequestProblem {
  /** @param {string} why */
  constructor(why) {
    super(503, `the image archive (Orthanc) is not available: ${why}`)
  }
}

/** MongoDB did not answer. The caller may try again: 503. */
export class DatabaseUnavailable extends RequestProblem {
  /** @param {string} why */
  constructor(why) {
    super(503, `the database (MongoDB) is not available: ${why}`)
  }
}

/** Redis did not answer. The caller may try again: 503. */
export class KeyStoreUnavailable extends RequestProblem {
  /** @param {string} why */
  constructor(why) {
    super(503, `the session store (Redis) is not available: ${why}`)
  }
}
