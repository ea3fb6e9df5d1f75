/** A request that cannot be answered as asked: becomes `{ "error": message }` with `status`. */
export class RequestProblem extends Error {
  /**
   * @param {number} status
   * @param {string} message one line for the caller
   */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** Orthanc did not answer, or not as it should. The caller may try again: 503. */
export class OrthancUnavailable extends RequestProblem {
  /** @param {string} why */
  constructor(why) {
    super(503, `the image archive (Orthanc) is not available: ${why}`)
  }
}
