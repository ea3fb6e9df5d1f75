import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Failure, hasEnded, messageOf, processIdentity } from '../lib/index.ts'
import { isConnectionLoss, told } from './connection-loss.ts'
import type { Actor } from './ledger.ts'
import type { LeaseHolder, LeaseStore } from './store.ts'

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
  /** The token of the lease before it; null when there was none. */
  readonly previous: string | null
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal
  /** Renews it, unless that was done just now. @throws Failure `failed` when another owner has it. */
  check(): Promise<void>
  /** The answer to `question`, or the loss of the lease while none comes. @throws Failure `failed` when it was lost */
  orLost<T>(question: Promise<T>): Promise<T>
  /** Has `write` give it back with the last that is written under it. @returns whether it did */
  endWith(write: () => Promise<boolean>): Promise<boolean>
  /** After a cut: waits until the database answers again and it is still ours. @throws Failure `failed` when it was lost meanwhile */
  regain(): Promise<void>
}

const DEFAULT_TTL = 60_000
/** Milliseconds in which the lease of an owner that was killed runs out. */
export const LEASE_WAIT = 75_000
/** Milliseconds to give a lease back. */
const RELEASE_LIMIT = 3000
const MOST_CUTS = 3
/** Milliseconds before the lease of a process that was killed on this machine is taken over. */
const SETTLE = 1000

/**
 * Takes the lease of a database: one owner works, everyone else waits.
 * @throws Failure `locked` that names the holder after `wait`, `unreachable` when the database went away; the signal's reason on abort.
 */
export async function takeLease(
  store: LeaseStore,
  actor: Actor,
  purpose: string,
  options: LeaseOptions = {},
): Promise<Lease> {
  const { ttl = DEFAULT_TTL, wait = LEASE_WAIT, fresh = ttl / 200, signal } = options
  const token = randomUUID()
  const until = performance.now() + wait
  const { run, actor: by, host } = actor
  const ours = { token, run, actor: by, host, process: processIdentity(), purpose }
  let over: string | null = null
  for (let cuts = 0; ; ) {
    signal?.throwIfAborted()
    const asked = performance.now()
    try {
      const answer = await store.take(ours, ttl, over)
      if (answer.isOurs) return new Held(store, token, answer.previous, { ttl, fresh, asked })
      const { holder } = answer
      if (over === null && hasDied(holder, host)) {
        // Nobody renews it any more; what was on its way when its process was killed has this long to arrive.
        await delay(Math.min(SETTLE, ttl / 4), undefined, signal === undefined ? {} : { signal })
        over = holder.token
        continue
      }
      if (performance.now() >= until) {
        throw lockedBy(holder)
      }
    } catch (thrown) {
      // Whether it was taken is told by the token that stands there.
      if (!isConnectionLoss(thrown) || ++cuts > MOST_CUTS) throw told(thrown, 'the lease cannot be taken')
    }
    await delay(Math.min(500, wait, ttl / 4), undefined, signal === undefined ? {} : { signal })
  }
}

/** Whether nobody renews a lease any more: its process was killed on this machine. */
export function hasDied(holder: LeaseHolder, host: string): boolean {
  // Also by the host's name: a clone of a machine that runs goes on with the same boot and the same processes.
  return holder.host === host && holder.process !== null && hasEnded(holder.process)
}

export function lockedBy({ purpose, actor, host, run, expiresAt }: LeaseHolder & { expiresAt: Date }): Failure {
  return new Failure(
    'locked',
    `the database is locked by ${purpose} of ${actor} on ${host} (run ${run}) until ${expiresAt.toISOString()} unless renewed: wait for it or end it`,
  )
}

class Held implements Lease {
  readonly token: string
  readonly previous: string | null
  readonly #store: LeaseStore
  readonly #ttl: number
  readonly #fresh: number
  /** Milliseconds without a renewal: long before others may take it, so that what is on its way has time to arrive. */
  readonly #patience: number
  readonly #lost = new AbortController()
  readonly #loss = Promise.withResolvers<never>()
  #heartbeat: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined
  #renewedAt = 0
  #renewing: Promise<void> | null = null
  #isGivenBack = false
  #askedAt = 0
  #last: unknown = null

  constructor(
    store: LeaseStore,
    token: string,
    previous: string | null,
    { ttl, fresh, asked }: { ttl: number; fresh: number; asked: number },
  ) {
    this.token = token
    this.previous = previous
    this.#store = store
    this.#ttl = ttl
    this.#fresh = fresh
    this.#patience = ttl * 0.8
    this.#loss.promise.catch(() => undefined)
    this.#arm(asked)
    this.#beat()
  }

  get signal(): AbortSignal {
    return this.#lost.signal
  }

  async check(): Promise<void> {
    this.signal.throwIfAborted()
    // What a cancelled run still has under way would take it back, and nobody would renew it.
    if (this.#isGivenBack) throw new Failure('failed', 'the lease of the database was given back: stopped')
    if (performance.now() - this.#renewedAt < this.#fresh) return
    await Promise.race([this.#loss.promise, this.#renewOnce()])
    this.signal.throwIfAborted()
  }

  async endWith(write: () => Promise<boolean>): Promise<boolean> {
    await this.#still()
    try {
      await this.check()
      this.#isGivenBack = await this.orLost(write())
      return this.#isGivenBack
    } finally {
      if (this.#isGivenBack) clearTimeout(this.#deadline)
      else this.#beat()
    }
  }

  orLost<T>(question: Promise<T>): Promise<T> {
    return Promise.race([this.#loss.promise, question])
  }

  async regain(): Promise<void> {
    for (;;) {
      try {
        return await this.check()
      } catch (thrown) {
        if (this.signal.aborted || !isConnectionLoss(thrown)) throw thrown
        await Promise.race([this.#loss.promise, delay(Math.min(250, this.#ttl / 8))])
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#still()
    clearTimeout(this.#deadline)
    if (this.signal.aborted || this.#isGivenBack) return
    this.#isGivenBack = true
    // Left alone it runs out by itself; nobody waits for a database that does not answer.
    const released = this.#store.release(this.token).catch((thrown: unknown) => {
      if (isConnectionLoss(thrown)) return this.#store.release(this.token)
      throw thrown
    })
    await Promise.race([released, delay(RELEASE_LIMIT, undefined, { ref: false })]).catch(() => undefined)
  }

  #beat(): void {
    if (this.signal.aborted) return
    this.#heartbeat = setInterval(() => void this.#renewOnce().catch(() => undefined), this.#ttl / 4).unref()
  }

  /** Renews no more, and has nothing under way that would take back what was given back; not for long when nothing answers. */
  async #still(): Promise<void> {
    clearInterval(this.#heartbeat)
    if (this.#renewing === null) return
    const limit = delay(RELEASE_LIMIT, undefined, { ref: false })
    await Promise.race([this.#loss.promise, this.#renewing, limit]).catch(() => undefined)
  }

  /** Those who ask at the same time get one answer. */
  #renewOnce(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null
    })
    return this.#renewing
  }

  async #renew(): Promise<void> {
    const asked = performance.now()
    this.#askedAt = asked
    try {
      if (await this.#store.renew(this.token, this.#ttl)) this.#arm(asked)
      else this.#lose('another owner has it')
    } catch (thrown) {
      this.#last = thrown
      throw thrown
    }
  }

  /** Counts from the question and runs out also when no answer ever comes. */
  #arm(asked: number): void {
    if (this.signal.aborted || asked < this.#renewedAt) return
    this.#renewedAt = asked
    clearTimeout(this.#deadline)
    const left = this.#patience - (performance.now() - asked)
    this.#deadline = setTimeout(
      () => this.#lose(`not renewed for ${this.#patience} ms: ${this.#whyNot()}`),
      left,
    ).unref()
  }

  /** What a renewal met, and how long the one under way has had no answer: a way that breaks again and again, or one that is silent. */
  #whyNot(): string {
    const met = this.#last === null ? [] : [messageOf(this.#last)]
    const age = Math.round(performance.now() - this.#askedAt)
    return [...met, ...(this.#renewing === null ? [] : [`no answer for ${age} ms`])].join('; ')
  }

  #lose(why: string): void {
    clearInterval(this.#heartbeat)
    const failure = new Failure('failed', `the lease of the database was lost (${why}): stopped; run again to continue`)
    this.#lost.abort(failure)
    this.#loss.reject(failure)
  }
}
