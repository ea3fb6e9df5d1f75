import { join } from 'node:path'
import { Failure, messageOf, refused } from '../../lib/index.ts'
import { type AgentService, Restarting } from '../api/service.ts'
import { COPY_STEP } from '../data/jobs.ts'
import type { Layout } from '../layout.ts'
import type {
  AgentStatus,
  HeldBackups,
  LockingRequest,
  OpenDatabase,
  RequesterReport,
  RequestOf,
  TransactionRequest,
} from '../protocol.ts'
import { type Audit, openAudit } from './audit.ts'
import { requireData } from './backup.ts'
import { openEngineGate } from './engine-gate.ts'
import type { Guest } from './guest.ts'
import { checkHealth } from './health.ts'
import type { Journal } from './journal.ts'
import { interruption, locked } from './outcome.ts'
import type { Asked } from './perform.ts'
import type { Planner } from './planner.ts'
import { recover } from './recovery.ts'
import { requireTarget } from './rollback.ts'
import { begin, type Running, runToResult } from './running.ts'
import { ended } from './state.ts'
import { Turn } from './turn.ts'
import { Upkeep } from './upkeep.ts'
import { Verifications } from './verifications.ts'
import { releasesOf, statusOf } from './views.ts'
import type { Release, World } from './world.ts'

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
  /** Keeps a registry login for the engine, the server's own where none is brought, until the returned function is called. */
  login(brought: RequestOf<'deploy'>['registry']): Promise<() => Promise<void>>
  log(message: string): void
  /** Milliseconds after which an unfinished undo is tried again, between two looks for containers that nobody owns or for requests that a warm release still answers, and at rest before a prune. */
  intervals: { undo: number; sweep: number; prune: number }
}

/** The daemon's heart: one transaction at a time, everything else waits or is told who holds the lock. */
export class Agent implements AgentService {
  readonly #parts: AgentParts & { audit: Audit }
  #running: Running | null = null
  /** Whatever finds the lock free and changes the state runs alone up to where it holds the lock. */
  readonly #turn = new Turn()
  #fetching: AbortController | null = null
  /** A newer agent takes over: what this process began now, it would not end. */
  #restarting: Restarting | null = null
  readonly #engineGate: () => Promise<void>
  readonly #upkeep: Upkeep
  readonly #verifications: Verifications

  constructor(parts: AgentParts) {
    const { paths, world } = parts
    this.#parts = { ...parts, audit: openAudit(paths.audit, () => world.now()) }
    this.#engineGate = openEngineGate(world.engine)
    this.#upkeep = new Upkeep({ ...this.#parts, turn: this.#turn, isBusy: () => this.#running !== null })
    this.#verifications = new Verifications({
      ...this.#parts,
      marker: join(paths.backups, 'verifying.json'),
      later: (action) => this.#upkeep.tryLater('verification', action),
    })
  }

  /** What a start does before the socket opens. */
  async recover(): Promise<void> {
    const { world, log } = this.#parts
    try {
      await recover(this.#parts, 'the agent was interrupted')
    } catch (thrown) {
      log(messageOf(thrown))
      this.#upkeep.retryUndoLater()
    }
    // Whatever became of the undo: Orthanc may still be paused for a backup.
    for (const step of [() => this.#verifications.recover(), () => world.jobs.tidy()]) {
      await step().catch((thrown) => log(messageOf(thrown)))
    }
    this.#upkeep.plan()
  }

  /** Ends timers; a running transaction is left to the next start. */
  async close(): Promise<void> {
    this.#upkeep.close()
  }

  async submit(id: string, request: TransactionRequest, key: string): Promise<void> {
    const { journal, world } = this.#parts
    if (request.kind === 'rollback' && this.#fetching && !journal.has(id)) {
      requireTarget(world.store.state, request, null)
      // A registry that does not answer must not hold up the most urgent request.
      this.#fetching.abort(new Failure('locked', 'a rollback came first: ask again'))
    }
    return this.#turn.take(() => this.#submit(id, request, key))
  }

  async #submit(id: string, request: TransactionRequest, key: string): Promise<void> {
    if (this.#parts.journal.has(id)) return
    if (this.#restarting) throw this.#restarting
    if (request.kind === 'verify') return this.#verifications.start(id, request, key)
    const undid = await this.#takeLock(request)
    // A rollback is not asked: what it goes to ran here.
    if ('release' in request) await this.#engineGate()
    const logout = await this.#parts.login(request.registry)
    try {
      const release = 'release' in request ? await this.#fetch(request.release) : null
      const asked = { request, release, undid }
      const running = await begin(id, asked, key, this.#parts)
      this.#running = running
      running.done = this.#execute(running, asked, logout)
    } catch (thrown) {
      if (thrown instanceof Restarting) this.#restarting = thrown
      // It may stand in the state, which could not be written back.
      if (this.#parts.world.store.state.transaction) this.#upkeep.retryUndoLater()
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

  /**
   * A rollback ends an unsealed deploy, and work of the agent's own on the data; whatever is no backup itself ends the copy of one
   * that is whole; everything else is told who holds the lock.
   * @returns whether a deploy was undone.
   */
  async #takeLock(request: LockingRequest): Promise<boolean> {
    const running = this.#running
    if (running) {
      const { kind, guest, writer } = running
      const yields =
        request.kind === 'rollback'
          ? kind === 'deploy' || kind === 'backup' || (kind === 'migrate' && !guest.access)
          : request.kind !== 'backup' && kind === 'backup' && writer.currentStep === COPY_STEP
      if (!yields) throw locked(running)
      if (request.kind === 'rollback') requireTarget(this.#parts.world.store.state, request, kind)
      running.stop.abort(interruption(kind, `a ${request.kind} was asked by ${request.actor}`))
      await running.done
    }
    const { transaction, phase, last } = this.#parts.world.store.state
    if (!transaction) {
      // One that was sealed before it could be ended serves now, and is what the rollback is to leave.
      const isSealed = last?.transaction === running?.id && last?.result.outcome === 'deployed'
      return running?.kind === 'deploy' && !isSealed
    }
    if (request.kind === 'rollback') await this.#upkeep.retryUndo()
    if (this.#parts.world.store.state.transaction) throw locked(transaction, ', whose undo could not finish yet')
    return phase !== 'idle' || transaction.kind === 'deploy'
  }

  /** Runs one transaction to its result, which is always written. */
  async #execute(running: Running, asked: Asked, logout: () => Promise<void>): Promise<void> {
    const { world, audit, log } = this.#parts
    const result = await runToResult(running, asked, this.#parts)
    const { state } = world.store
    try {
      if (state.transaction) {
        // Unsealed and not undone: phase and transaction stay, so that the undo is tried again.
        const kept = state.phase === 'idle' ? null : state.transaction
        await world.store.write({ ...state, transaction: kept, ...ended(state, result) })
      }
      await logout()
      await audit({ at: new Date(world.now()).toISOString(), transaction: running.id, result })
      // The lock is free before the result is seen: who reads it may ask for the next transaction at once.
      this.#running = null
      await running.writer.result(result)
      // What is tried again goes on in the same journal.
      if (world.store.state.transaction?.id === running.id) this.#upkeep.retryUndoLater()
    } catch (thrown) {
      log(`the result of ${running.id} (${result.outcome}) could not be written: ${messageOf(thrown)}`)
      // Its lock and those who follow it wait for that, as on a full disk.
      this.#upkeep.retryUndoLater()
      await logout().catch((failure) => log(messageOf(failure)))
    } finally {
      if (this.#running === running) this.#running = null
      this.#upkeep.plan()
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
    if (this.#parts.world.store.state.transaction?.id === id) return this.#turn.take(() => this.#upkeep.retryUndo())
    throw refused(`no transaction ${id} runs here`)
  }

  async status(): Promise<AgentStatus> {
    const { planner, world } = this.#parts
    const { state } = world.store
    const status = statusOf(state, this.#parts.identity, this.#running?.writer.currentStep ?? 'undo')
    const release = state.core.release && (await planner.open(state.core.release).catch(() => null))
    if (!release) return status
    const core = { release: release.id, reference: release.reference, services: Object.keys(state.core.services) }
    return { ...status, core }
  }

  async releases() {
    return releasesOf(this.#parts.world.store.state)
  }

  health() {
    return checkHealth(this.#parts.world)
  }

  async backups(): Promise<HeldBackups> {
    const { planner, world } = this.#parts
    return world.jobs.list({ data: await requireData(world, planner) })
  }
}
