import { Failure, formatDuration, parseDuration } from '../lib/index.ts'
import type { Migration } from './files.ts'
import type { Store } from './store.ts'

const DEFAULTS = { expand: 10 * 60_000, contract: 10 * 60_000, data: 24 * 3_600_000 }
const CHECK_LIMIT = 10 * 60_000

/** Milliseconds that `up` and `down` of a migration may take. */
export function limitOf({ phase, definition }: Migration): number {
  return definition.timeout === undefined ? DEFAULTS[phase] : parseDuration('timeout', definition.timeout)
}

/** Milliseconds that `check` may take. */
export function checkLimitOf(migration: Migration): number {
  return Math.min(CHECK_LIMIT, limitOf(migration))
}

/**
 * Runs an author's code until it is done, its time is up, or `signal` aborts; then its calls to the database are ended, so that
 * nothing of it goes on behind the back of the next owner.
 * @throws Failure `failed` when the time is up; the signal's reason on abort.
 */
export async function within<T>(
  store: Store,
  what: string,
  limit: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController()
  const timer = setTimeout(
    () => end.abort(new Failure('failed', `${what} took longer than ${formatDuration(limit)} and was ended`)),
    limit,
  )
  const ended = AbortSignal.any([signal, end.signal])
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(ended.reason)
  ended.addEventListener('abort', stop)
  if (ended.aborted) stop()
  try {
    return await Promise.race([promise, work(ended)])
  } catch (thrown) {
    if (!ended.aborted) throw thrown
    await store.abandon()
    throw ended.reason
  } finally {
    clearTimeout(timer)
    ended.removeEventListener('abort', stop)
  }
}
