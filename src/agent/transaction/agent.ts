import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, messageOf, refused } from '../../lib/index.ts'
import type { AgentService } from '../api/service.ts'
import type { Layout } from '../layout.ts'
import type {
  AgentStatus,
  LockingRequest,
  OpenDatabase,
  RequesterReport,
  RequestOf,
  TransactionRequest,
  TransactionResult,
} from '../protocol.ts'
import type { CoreService } from './core.ts'
import { undoOrFail } from './deploy.ts'
import { Guest, MIGRATION_GOES_ON } from './guest.ts'
import { checkHealth } from './health.ts'
import { endUndone, endWarm, prune, sweep } from './housekeeping.ts'
import type { Journal, JournalWriter } from './journal.ts'
import { type Asked, perform } from './perform.ts'
import type { Planner } from './planner.ts'
import { completeJournal, recover } from './recovery.ts'
import { Verifications } from './verifications.ts'
import { releasesOf, statusOf } from './views.ts'
import type { Release, Run, World } from './world.ts'

/** Milliseconds that a release image may take to come. */
const FETCH_LIMIT = 600_000

/** All that the agent is made of. */
export interface AgentParts {
  paths: Layout
  world: World
  journal: Journal
  planner: Planner
  /** What this agent says of itself. */
  identity: AgentStatus['agent']
  /**
   * Called with a fetched release before anything else: installs its agent when that is newer.
   * @throws Restarting when this process is to end for it.
   */
  adopt(release: Release): Promise<void>
  /** A definition of a core service that ran here before. */
  oldDefinition(service: string, hash: string): Promise<CoreService | null>
  /** Keeps a registry login for the engine until the returned function is called. */
  login(registry: NonNullable<RequestOf<'deploy'>['registry']>): Promise<() => Promise<void>>
  log(message: string): void
  /** Milliseconds after which an unfinished undo is tried again, and between two looks for containers that nobody owns. */
  intervals: { undo: number; sweep: number }
}

interface Running {
  id: string
  kind: TransactionRequest['kind']
  actor: string
  since: string
  /** The proven SSH key of the requester. */
  key: string
  writer: JournalWriter
  guest: Guest
  stop: AbortController
  logout: () => Promise<void>
  done: Promise<void>
}

/** The daemon's heart: one transaction at a time, everything else waits or is told who holds the lock. */
export class Agent implements AgentService {
  readonly #parts: AgentParts
  #running: Running | null = null
  #turn: Promise<unknown> = Promise.resolve()
  #fetching: AbortController | null = null
  readonly #timers = new Map<string, NodeJS.Timeout>()
  #strangers = new Set<string>()
  readonly #verifications: Verifications

  constructor(parts: AgentParts) {
    this.#parts = parts
    const { world, planner, journal, paths, log } = parts
    const marker = join(paths.backups, 'verifying.json')
    this.#verifications = new Verifications({
      world,
      planner,
      journal,
      marker,
      audit: (record) => this.#audit(record),
      log,
    })
  }

  /** What a start does before the socket opens. */
  async recover(): Promise<void> {
    const { world, journal, oldDefinition, log } = this.#parts
    try {
      await recover(world, journal, oldDefinition)
      await this.#verifications.recover()
      await world.jobs.tidy()
    } catch (thrown) {
      log(messageOf(thrown))
      this.#retryUndoLater()
    }
    this.#cleanUpLater()
  }

  /** Ends timers; a running transaction is left to the next start. */
  async close(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  submit(id: string, request: TransactionRequest, key: string): Promise<void> {
    // A registry that does not answer must not hold up the most urgent request.
    if (request.kind === 'rollback') this.#fetching?.abort(new Failure('locked', 'a rollback came first: ask again'))
    return this.#inTurn(() => this.#submit(id, request, key))
  }

  /** Whatever finds the lock free and changes the state runs alone up to where it holds the lock. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #submit(id: string, request: TransactionRequest, key: string): Promise<void> {
    if (this.#parts.journal.has(id)) return
    if (request.kind === 'verify') return this.#verifications.start(id, request, key)
    const undid = await this.#takeLock(request)
    const logout = request.registry ? await this.#parts.login(request.registry) : async () => undefined
    try {
      const release = 'release' in request ? await this.#fetch(request.release) : null
      await this.#begin(id, { request, release, undid }, key, logout)
    } catch (thrown) {
      await logout()
      throw thrown
    }
  }

  async #fetch(reference: string): Promise<Release> {
    this.#fetching = new AbortController()
    try {
      const signal = AbortSignal.any([this.#fetching.signal, AbortSignal.timeout(FETCH_LIMIT)])
      const release = await this.#parts.planner.fetch(reference, signal)
      await this.#parts.adopt(release)
      return release
    } finally {
      this.#fetching = null
    }
  }

  /** Who asked is in journal, audit and state before anything is done about it. */
  async #begin(id: string, asked: Asked, key: string, logout: () => Promise<void>): Promise<void> {
    const { journal, world } = this.#parts
    const { kind, actor, run } = asked.request
    const since = new Date(world.now()).toISOString()
    await this.#audit({ at: since, transaction: id, kind, actor, key, run })
    // The state before the journal: a start after a crash writes the missing result of what the state names, and of nothing else.
    const { state } = world.store
    await world.store.write({ ...state, transaction: { id, kind, actor, key, since } })
    const writer = await journal.writer(id)
    try {
      await writer.note(`${kind} asked by ${actor} with key ${key}${run ? `, ${run}` : ''}`)
    } catch (thrown) {
      await world.store.write(state)
      throw thrown
    }
    const stop = new AbortController()
    const running: Running = {
      ...{ id, kind, actor, since, key, writer, stop, logout },
      guest: new Guest(),
      done: Promise.resolve(),
    }
    this.#running = running
    running.done = this.#execute(running, asked)
  }

  /**
   * A rollback ends an unsealed deploy, and work of the agent's own on the data; everything else is told who holds the lock.
   * @returns whether a deploy was undone.
   */
  async #takeLock(request: LockingRequest): Promise<boolean> {
    const running = this.#running
    if (running) {
      const yields =
        running.kind === 'deploy' || running.kind === 'backup' || (running.kind === 'migrate' && !running.guest.access)
      if (request.kind !== 'rollback' || !yields) throw locked(running)
      running.stop.abort(interruption(running.kind, `a rollback was asked by ${request.actor}`))
      await running.done
    }
    const { transaction } = this.#parts.world.store.state
    if (!transaction) return running?.kind === 'deploy'
    if (request.kind === 'rollback') await this.#retryUndo()
    if (this.#parts.world.store.state.transaction) throw locked(transaction, ', whose undo could not finish yet')
    return true
  }

  /** Runs one transaction to its result, which is always written. */
  async #execute(running: Running, asked: Asked): Promise<void> {
    const { world, planner, log } = this.#parts
    const before = world.store.state.serving?.release ?? null
    const run: Run = { id: running.id, report: running.writer, guest: running.guest, signal: running.stop.signal }
    let result: TransactionResult
    try {
      result = await perform(asked, run, world, planner)
    } catch (thrown) {
      if (!(thrown instanceof Failure)) log(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown))
      result = { ...outcomeOf(thrown), serving: world.store.state.serving?.release ?? null, previous: before }
    }
    const { state } = world.store
    try {
      if (state.transaction) {
        // Unsealed and not undone: phase and transaction stay, so that the undo is tried again.
        const kept = state.phase === 'idle' ? null : state.transaction
        await world.store.write({ ...state, transaction: kept, last: { transaction: running.id, result } })
        if (kept) this.#retryUndoLater()
      }
      await running.logout()
      // The lock is free before the result is seen: who reads it may ask for the next transaction at once.
      this.#running = null
      await running.writer.result(result)
      await this.#audit({ at: new Date(world.now()).toISOString(), transaction: running.id, result })
    } catch (thrown) {
      log(`the result of ${running.id} (${result.outcome}) could not be written: ${messageOf(thrown)}`)
    } finally {
      if (this.#running === running) this.#running = null
      this.#cleanUpLater()
    }
  }

  events(id: string, after: number, signal: AbortSignal) {
    const events = this.#parts.journal.follow(id, after, signal)
    return events && this.#running?.id === id ? this.#running.guest.followed(events) : events
  }

  async database(id: string, key: string): Promise<OpenDatabase> {
    const { access } = this.#guestOf(id, key)
    if (access === null)
      throw refused(`${id} has not opened the database: it does so after its backup, and closes it at its end`)
    return access
  }

  async report(id: string, report: RequesterReport, key: string): Promise<void> {
    this.#guestOf(id, key).report(report)
  }

  /** The part of the running transaction that is its requester's own. */
  #guestOf(id: string, key: string): Guest {
    const running = this.#running
    if (running?.id !== id) throw refused(`${id} does not run`)
    if (running.key !== key) throw refused(`${id} was asked for with another key than ${key}`)
    return running.guest
  }

  async abort(id: string): Promise<void> {
    if (await this.#verifications.abort(id)) return
    const running = this.#running
    if (running?.id === id) {
      if (running.kind === 'core') throw refused(`${id} replaces core services, which cannot be broken off half-way`)
      if (running.kind === 'restore') throw refused(`${id} restores, which cannot be broken off half-way`)
      running.stop.abort(interruption(running.kind, 'an abort was asked for'))
      return running.done
    }
    if (this.#parts.world.store.state.transaction?.id === id) return this.#inTurn(() => this.#retryUndo())
    throw refused(`no transaction ${id} runs here`)
  }

  async status(): Promise<AgentStatus> {
    return statusOf(this.#parts.world.store.state, this.#parts.identity, this.#running?.writer.currentStep ?? 'undo')
  }

  async releases() {
    return releasesOf(this.#parts.world.store.state)
  }

  health() {
    return checkHealth(this.#parts.world)
  }

  async #retryUndo(): Promise<void> {
    const { world, journal, log } = this.#parts
    const { transaction } = world.store.state
    if (!transaction || this.#running) return
    try {
      const report = await journal.writer(transaction.id)
      await undoOrFail({ id: transaction.id, report }, world, 'the undo is tried again')
      await completeJournal(world, journal)
    } catch (thrown) {
      log(messageOf(thrown))
      this.#retryUndoLater()
    }
  }

  #retryUndoLater(): void {
    this.#later('undo', this.#parts.intervals.undo, () => this.#inTurn(() => this.#retryUndo()))
  }

  /** What a transaction leaves to be done: the warm release and the undone one end in their time, and what nobody owns goes. */
  #cleanUpLater(): void {
    const { world, planner } = this.#parts
    const { warm, undone } = world.store.state
    const inTime = (name: string, until: string, end: () => Promise<void>) => {
      const whenFree = async () => {
        if (!this.#running) await end()
      }
      this.#later(name, Math.max(0, Date.parse(until) - world.now()), () => this.#inTurn(whenFree))
    }
    if (undone) inTime('undone', undone.until, () => endUndone(world))
    if (warm) {
      inTime('warm', warm.until, async () => {
        await endWarm(world)
        await prune(world, planner)
      })
    }
    this.#later('sweep', 0, () => this.#sweep())
  }

  async #sweep(): Promise<void> {
    this.#strangers = await sweep(this.#strangers, this.#parts.world, this.#parts.log)
    if (this.#strangers.size > 0) this.#later('sweep', this.#parts.intervals.sweep, () => this.#sweep())
  }

  #later(name: string, ms: number, action: () => Promise<void>): void {
    clearTimeout(this.#timers.get(name))
    const timer = setTimeout(() => {
      action().catch((thrown) => this.#parts.log(`${name}: ${messageOf(thrown)}`))
    }, ms)
    this.#timers.set(name, timer)
  }

  /** One line per request and result, by day. */
  async #audit(record: Readonly<Record<string, unknown>>): Promise<void> {
    const day = new Date(this.#parts.world.now()).toISOString().slice(0, 10)
    const file = join(this.#parts.paths.audit, `${day}.jsonl`)
    await appendFile(file, `${JSON.stringify(record)}\n`, { mode: 0o640, flush: true })
  }
}

function locked(holder: { id: string; kind: string; actor: string; since: string }, more = ''): Failure {
  const { id, kind, actor, since } = holder
  return new Failure('locked', `${kind} ${id} of ${actor} runs since ${since}${more}: wait for it, or follow it`)
}

/** Why a running transaction ends: a deploy is undone; other work stops where it stands. */
function interruption(kind: TransactionRequest['kind'], why: string): Failure {
  if (kind === 'backup') return new Failure('refused', `${why}: no backup was kept`)
  if (kind === 'migrate') return new Failure('failed', `${why}: ${MIGRATION_GOES_ON}`)
  return new Failure('rolled-back', why)
}

function outcomeOf(thrown: unknown): Pick<TransactionResult, 'outcome' | 'message'> {
  const message = messageOf(thrown)
  if (!(thrown instanceof Failure)) return { outcome: 'failed', message: `the agent met a bug: ${message}` }
  switch (thrown.kind) {
    case 'bad-input':
    case 'refused':
    case 'failed':
    case 'locked':
    case 'rolled-back':
      return { outcome: thrown.kind, message }
    default:
      // Anything else went wrong before the first change; after it, an undo has spoken.
      return { outcome: 'refused', message: `before anything changed: ${message}` }
  }
}
