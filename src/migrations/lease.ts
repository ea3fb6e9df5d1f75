import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Failure, messageOf } from '../lib/index.ts'
import type { Actor } from './ledger.ts'
import type { LeaseStore } from './store.ts'

export interface LeaseOptions {
  /** Milliseconds that a lease outlives its last renewal; 60 s by default. */
  ttl?: number
  /** Milliseconds to wait for another owner; 75 s by default, so that a killed owner's lease runs out. */
  wait?: number
  /** Milliseconds for which a renewal answers further checks; a small part of `ttl` by default, within which nobody else can take the lease. */
  fresh?: number
  signal?: AbortSignal
}

/** A lease that is held and renewed until it is disposed of. */
export interface Lease extends AsyncDisposable {
  readonly token: string
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal
  /** Renews it, unless that was done just now. @throws Failure `failed` when another owner has it. */
  check(): Promise<void>
}

const DEFAULT_TTL = 60_000
const DEFAULT_WAIT = 75_000

/**
 * Takes the lease of a database: one owner works, everyone else waits.
 * @throws Failure `locked` that names the holder after `wait`; the signal's reason on abort.
 */
export async function takeLease(
  store: LeaseStore,
  actor: Actor,
  purpose: string,
  options: LeaseOptions = {},
): Promise<Lease> {
  const { ttl = DEFAULT_TTL, wait = DEFAULT_WAIT, fresh = ttl / 200, signal } = options
  const token = randomUUID()
  const until = performance.now() + wait
  for (;;) {
    signal?.throwIfAborted()
    const asked = performance.now()
    const holder = await store.take({ token, purpose, ...actor }, ttl)
    if (holder === null) return hold(store, token, { ttl, fresh, asked })
    if (performance.now() >= until) {
      throw new Failure(
        'locked',
        `the database is locked by ${holder.purpose} of ${holder.actor} on ${holder.host} (run ${holder.run}) until ${holder.expiresAt.toISOString()} unless renewed: wait for it or end it`,
      )
    }
    await delay(Math.min(500, wait, ttl / 4), undefined, signal === undefined ? {} : { signal })
  }
}

function hold(
  store: LeaseStore,
  token: string,
  { ttl, fresh, asked }: { ttl: number; fresh: number; asked: number },
): Lease {
  const lost = new AbortController()
  const lose = (why: string) =>
    lost.abort(new Failure('failed', `the lease of the database was lost (${why}): stopped; run again to continue`))
  let renewedAt = asked
  let renewing: Promise<void> | null = null
  const renew = async () => {
    const asked = performance.now()
    if (await store.renew(token, ttl)) renewedAt = asked
    else lose('another owner has it')
  }
  const beat = async () => {
    try {
      await renew()
    } catch (thrown) {
      if (performance.now() - renewedAt > ttl * 0.8) lose(`not renewed for ${ttl * 0.8} ms: ${messageOf(thrown)}`)
    }
  }
  const timer = setInterval(() => void beat(), ttl / 4)
  timer.unref()
  return {
    token,
    signal: lost.signal,
    async check() {
      lost.signal.throwIfAborted()
      if (performance.now() - renewedAt < fresh) return
      // Those who ask at the same time get one answer.
      renewing ??= renew().finally(() => {
        renewing = null
      })
      await renewing
      lost.signal.throwIfAborted()
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      // Left alone it runs out by itself.
      await store.release(token).catch(() => undefined)
    },
  }
}
