import { Failure } from '../../lib/index.ts'
import type { OpenDatabase, RequesterReport } from '../protocol.ts'

/** What a migration that stopped on the way leaves, and how it goes on. */
export const MIGRATION_GOES_ON = 'the ledger in the database says what is applied; ask again, which goes on from there'

/** The same of an undo of migrations. */
export const UNDO_GOES_ON = 'the ledger in the database says what is undone; ask for the same undo again, it continues'

/** The same of a migration that a person marks. */
export const MARK_GOES_ON = 'mark it again, which says where it is marked already'

/** How a restore that stopped on the way goes on. */
export const RESTORE_GOES_ON = 'plan it again, which says what is left'

interface Clock {
  now(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** Milliseconds for which a requester is waited for whose streams have ended: a connection that was cut is made anew within them. */
const PATIENCE = 10_000
const LOOK = 1000

/**
 * The part of a transaction that its requester does itself, through its own tunnel: the transaction holds the lock for it as
 * long as the requester follows, and ends with what it reports.
 */
export class Guest {
  readonly #report = Promise.withResolvers<RequesterReport>()
  #access: OpenDatabase | null = null
  #followers = 0

  /** The login, while the database is open to the requester. */
  get access(): OpenDatabase | null {
    return this.#access
  }

  report(report: RequesterReport): void {
    this.#report.resolve(report)
  }

  /** The same events; who reads them is there. */
  async *followed<T>(events: AsyncIterable<T>): AsyncGenerator<T> {
    this.#followers++
    try {
      yield* events
    } finally {
      this.#followers--
    }
  }

  /** Opens the database to the requester. */
  open(access: OpenDatabase): void {
    this.#access = access
  }

  /**
   * Waits for the report of the requester and closes the database to it.
   * @throws Failure `failed` when it went away; the signal's reason on abort.
   */
  async reported(signal: AbortSignal, clock: Clock): Promise<RequesterReport> {
    const over = new AbortController()
    try {
      return await Promise.race([this.#report.promise, this.#untilGone(AbortSignal.any([signal, over.signal]), clock)])
    } finally {
      this.#access = null
      over.abort()
    }
  }

  async #untilGone(signal: AbortSignal, clock: Clock): Promise<never> {
    let seen = clock.now()
    for (;;) {
      await clock.sleep(LOOK, signal)
      if (this.#followers > 0) seen = clock.now()
      if (clock.now() - seen < PATIENCE) continue
      throw new Failure('failed', `who asked for the migration went away without a report: ${MIGRATION_GOES_ON}`)
    }
  }
}
