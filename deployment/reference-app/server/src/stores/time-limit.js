/** What a call that did not end in time is told by. */
export class TimeLimit extends Error {
  /** @param {number} limit milliseconds */
  constructor(limit) {
    super(`no answer within ${limit} ms`)
  }
}

/**
 * Waits for `promise`, but no longer than `limit` milliseconds: a store that hangs must not make a request hang.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} limit
 * @returns {Promise<T>}
 * @throws {TimeLimit}
 */
export async function within(promise, limit) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new TimeLimit(limit)), limit)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
