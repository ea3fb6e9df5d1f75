import { counted, messageOf } from '../../lib/index.ts'
import type { Audit } from './audit.ts'
import { endUndone, endWarm, prune, sweep } from './housekeeping.ts'
import { inFlight } from './in-flight.ts'
import type { Journal } from './journal.ts'
import type { Planner } from './planner.ts'
import { recover } from './recovery.ts'
import type { Turn } from './turn.ts'
import type { World } from './world.ts'

/** Milliseconds for which requests that outlast keep-warm hold the warm release. */
const TRANSFER_LIMIT = 3_600_000

interface Parts {
  world: World
  planner: Planner
  journal: Journal
  audit: Audit
  /** What changes the state takes its turn with the requests. */
  turn: Turn
  /** Whether a transaction holds the lock. */
  isBusy(): boolean
  log(message: string): void
  /** Milliseconds after which an unfinished undo is tried again, between two looks for containers that nobody owns or for requests that a warm release still answers, and at rest before a prune. */
  intervals: { undo: number; sweep: number; prune: number }
}

/** What the agent does unasked: the warm release and the undone one end in their time, what could not be brought to rest is tried again, and what nobody owns goes. */
export class Upkeep {
  readonly #parts: Parts
  readonly #timers = new Map<string, NodeJS.Timeout>()
  #isClosed = false
  #strangers = new Set<string>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Ends timers, also those that what still runs would begin: what is due is the next start's to do. */
  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  /** Brings the server to rest again, unless a transaction runs; what fails is tried later. */
  async retryUndo(): Promise<void> {
    const { isBusy, log } = this.#parts
    if (isBusy()) return this.retryUndoLater()
    try {
      await recover(this.#parts, 'the undo is tried again')
      this.plan()
    } catch (thrown) {
      log(messageOf(thrown))
      this.retryUndoLater()
    }
  }

  retryUndoLater(): void {
    this.tryLater('undo', () => this.#parts.turn.take(() => this.retryUndo()))
  }

  /** Tries something again that could not be done, as often as an undo. */
  tryLater(name: string, action: () => Promise<void>): void {
    this.#later(name, this.#parts.intervals.undo, action)
  }

  /** Plans what the state, as it is now, leaves to be done. */
  plan(): void {
    const { world, planner, intervals, log } = this.#parts
    const { warm, undone } = world.store.state
    if (undone) this.#inTime('undone', undone.until, () => endUndone(world, log))
    if (warm) this.#inTime('warm', warm.until, () => this.#endWarm())
    // Nothing becomes warm by a deploy that fails. Not at once: a refused or undone one is often asked for again.
    this.#whenFree('prune', intervals.prune, () => prune(world, planner, log))
    this.#later('sweep', 0, () => this.#sweep())
  }

  #inTime(name: string, until: string, end: () => Promise<void>): void {
    this.#whenFree(name, Math.max(0, Date.parse(until) - this.#parts.world.now()), end)
  }

  /** Work that a transaction takes over from: its end plans anew. */
  #whenFree(name: string, ms: number, work: () => Promise<void>): void {
    const { turn, isBusy } = this.#parts
    this.#later(name, ms, () =>
      turn.take(async () => {
        if (!isBusy()) await work()
      }),
    )
  }

  /** A transfer that began before the switch, as of a long study, is not cut by the clock. */
  async #endWarm(isHeld = false): Promise<void> {
    const { world, planner, log, intervals } = this.#parts
    const { warm } = world.store.state
    if (warm && world.now() < Date.parse(warm.until) + TRANSFER_LIMIT) {
      const requests = await inFlight(warm.instance, world, log)
      if (requests > 0) {
        if (!isHeld)
          log(`${warm.instance.release} still answers ${counted(requests, 'request')}, and goes on up to an hour`)
        return this.#whenFree('warm', intervals.sweep, () => this.#endWarm(true))
      }
    }
    await endWarm(world, log)
    await prune(world, planner, log)
  }

  async #sweep(): Promise<void> {
    const { world, log, intervals } = this.#parts
    this.#strangers = await sweep(this.#strangers, world, log)
    if (this.#strangers.size > 0) this.#later('sweep', intervals.sweep, () => this.#sweep())
  }

  #later(name: string, ms: number, action: () => Promise<void>): void {
    clearTimeout(this.#timers.get(name))
    if (this.#isClosed) return
    const timer = setTimeout(() => {
      action().catch((thrown) => this.#parts.log(`${name}: ${messageOf(thrown)}`))
    }, ms)
    this.#timers.set(name, timer)
  }
}
