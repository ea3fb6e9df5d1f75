import { createClient } from '@redis/client'
import { KeyStoreUnavailable } from '../problems.js'
import { TimeLimit, within } from './time-limit.js'

/** All keys begin with it, so that the app's Redis user can be kept to them. */
const PREFIX = 'pacs:'
/** Milliseconds for one command. */
const LIMIT = 1000
/** Milliseconds in which nobody waits for a store that has just let somebody wait in vain. */
const PAUSE = 2000

/**
 * Short-lived values with an end: sessions, failed log-ins, cached answers. Seconds where a time is given.
 * @typedef {{
 *   get(key: string): Promise<string | null>,
 *   getAndExtend(key: string, seconds: number): Promise<string | null>,
 *   set(key: string, value: string, seconds: number): Promise<void>,
 *   setIfAbsent(key: string, value: string, seconds: number): Promise<boolean>,
 *   replace(key: string, value: string): Promise<void>,
 *   count(key: string, seconds: number): Promise<{ count: number, left: number }>,
 *   delete(key: string): Promise<void>,
 *   ping(limit: number): Promise<void>,
 * }} KeyStore
 */

/**
 * Redis. It connects in the background and again after a loss; while it is away every call fails at once, or after a second.
 * @param {{ url: string, username: string, password: string }} access
 * @param {(problem: string) => void} onTrouble called once when it goes away, with the reason
 * @returns {{ keyStore: KeyStore, close: () => void }}
 */
export function openKeyStore(access, onTrouble) {
  const client = createClient({
    ...access,
    disableOfflineQueue: true,
    socket: { connectTimeout: 1000, reconnectStrategy: (retries) => Math.min(50 * 2 ** Math.min(retries, 6), 1000) },
  })
  let told = false
  client.on('ready', () => {
    told = false
  })
  client.on('error', (error) => {
    if (!told) onTrouble(reasonOf(error))
    told = true
  })
  // It tries until it can; what goes wrong is told by the event above.
  client.connect().catch(() => undefined)
  let pausedUntil = 0

  /**
   * @template T
   * @param {() => Promise<T>} command
   * @param {number} [limit]
   * @returns {Promise<T>}
   */
  async function ask(command, limit = LIMIT) {
    if (!client.isReady) throw new KeyStoreUnavailable('no connection')
    if (performance.now() < pausedUntil) throw new KeyStoreUnavailable('it gives no answers')
    try {
      return await within(command(), limit)
    } catch (error) {
      if (error instanceof TimeLimit) pausedUntil = performance.now() + PAUSE
      throw new KeyStoreUnavailable(error instanceof TimeLimit ? error.message : reasonOf(error))
    }
  }

  /** @type {KeyStore} */
  const keyStore = {
    get: (key) => ask(() => client.get(PREFIX + key)),
    getAndExtend: (key, seconds) => ask(() => client.getEx(PREFIX + key, { type: 'EX', value: seconds })),
    set: (key, value, seconds) =>
      ask(async () => void (await client.set(PREFIX + key, value, { expiration: { type: 'EX', value: seconds } }))),
    setIfAbsent: (key, value, seconds) =>
      ask(
        async () =>
          (await client.set(PREFIX + key, value, {
            condition: 'NX',
            expiration: { type: 'EX', value: seconds },
          })) !== null,
      ),
    replace: (key, value) =>
      ask(async () => void (await client.set(PREFIX + key, value, { condition: 'XX', expiration: 'KEEPTTL' }))),
    count: (key, seconds) =>
      ask(async () => {
        // One transaction: a counter without an end would lock somebody out for ever.
        const [count, , left] = await client
          .multi()
          .incr(PREFIX + key)
          .expire(PREFIX + key, seconds, 'NX')
          .ttl(PREFIX + key)
          .exec()
        return { count: Number(count), left: Number(left) }
      }),
    delete: (key) => ask(async () => void (await client.del(PREFIX + key))),
    ping: (limit) => ask(async () => void (await client.ping()), limit),
  }
  return {
    keyStore,
    close: () => client.destroy(),
  }
}

/**
 * What happened, without addresses.
 * @param {unknown} error
 */
function reasonOf(error) {
  if (!(error instanceof Error)) return 'unknown cause'
  if ('code' in error) return `no connection (${error.code})`
  if (/^(WRONGPASS|NOAUTH)/.test(error.message)) return 'it refused the login'
  if (/^(NOPERM|LOADING|READONLY|MISCONF|OOM)/.test(error.message)) return error.message.split(' ')[0] ?? ''
  return 'the connection broke'
}
