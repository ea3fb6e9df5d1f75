import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, messageOf, refused } from '../lib/index.ts'
import { type CoreService, compareCore, core, explainMisfit, explainRollbackMisfit } from './core.ts'
import { applyTraffic } from './cutover.ts'
import { bring, undoOrFail } from './deploy.ts'
import { INSTANCE_LABEL } from './engine.ts'
import { checkHealth } from './health.ts'
import type { Journal, JournalWriter } from './journal.ts'
import type { Layout } from './layout.ts'
import type { Planner } from './planner.ts'
import { preflight } from './preflight.ts'
import type { AgentStatus, RequestOf, TransactionRequest, TransactionResult } from './protocol.ts'
import { completeJournal, recover } from './recovery.ts'
import { answers, exchangeWarm, rollbackTarget } from './rollback.ts'
import type { AgentService } from './service.ts'
import type { Instance } from './state.ts'
import { removeInstance } from './undo.ts'
import type { Plan, Release, Run, World } from './world.ts'

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
  writer: JournalWriter
  stop: AbortController
  logout: () => Promise<void>
  done: Promise<void>
}

/** The daemon's heart: one transaction at a time, everything else waits or is told who holds the lock. */
export class Agent implements AgentService {
  readonly #parts: AgentParts
  #running: Running | null = null
  /** Submissions are taken one after the other, so that two at once cannot both find the lock free. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  #strangers = new Set<string>()

  constructor(parts: AgentParts) {
    this.#parts = parts
  }

  /** What a start does before the socket opens. */
  async recover(): Promise<void> {
    const { world, journal, oldDefinition, log } = this.#parts
    try {
      await recover(world, journal, oldDefinition)
    } catch (thrown) {
      log(messageOf(thrown))
      this.#later('undo', this.#parts.intervals.undo, () => this.#retryUndo())
    }
    this.#armWarm()
    this.#later('sweep', 0, () => this.#sweep())
  }

  /** Ends timers; a running transaction is left to the next start. */
  async close(): Promise<void> {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  submit(id: string, request: TransactionRequest, key: string): Promise<void> {
    const turn = this.#turn.then(() => this.#submit(id, request, key))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #submit(id: string, request: TransactionRequest, key: string): Promise<void> {
    const { journal, world } = this.#parts
    if (journal.has(id)) return
    const undid = await this.#waitForLock(request)
    const logout = request.registry ? await this.#parts.login(request.registry) : async () => undefined
    let release: Release | null = null
    try {
      if (request.kind !== 'rollback') {
        release = await this.#parts.planner.fetch(request.release, AbortSignal.timeout(600_000))
        await this.#parts.adopt(release)
      }
    } catch (thrown) {
      await logout()
      throw thrown
    }
    const since = new Date(world.now()).toISOString()
    const writer = await journal.writer(id)
    await writer.note(
      `${request.kind} asked by ${request.actor} with key ${key}${request.run ? `, ${request.run}` : ''}`,
    )
    await this.#audit({ at: since, transaction: id, kind: request.kind, actor: request.actor, key, run: request.run })
    const { state } = world.store
    await world.store.write({ ...state, transaction: { id, kind: request.kind, actor: request.actor, key, since } })
    const stop = new AbortController()
    const running: Running = {
      id,
      kind: request.kind,
      actor: request.actor,
      since,
      writer,
      stop,
      logout,
      done: Promise.resolve(),
    }
    this.#running = running
    running.done = this.#execute(running, request, release, undid)
  }

  /**
   * A rollback ends an unsealed deploy; everything else is told who holds the lock.
   * @returns whether such a deploy was undone, which is all that a rollback without a target asks for.
   */
  async #waitForLock(request: TransactionRequest): Promise<boolean> {
    const running = this.#running
    if (running) {
      if (request.kind !== 'rollback' || running.kind !== 'deploy') throw locked(running)
      running.stop.abort(new Failure('rolled-back', `a rollback was asked by ${request.actor}`))
      await running.done
    }
    const { transaction } = this.#parts.world.store.state
    if (!transaction) return running !== null
    if (request.kind !== 'rollback') throw locked(transaction, ', whose undo could not finish yet')
    await this.#retryUndo()
    if (this.#parts.world.store.state.transaction) throw locked(transaction, ', whose undo could not finish yet')
    return true
  }

  /** Runs one transaction to its result, which is always written. */
  async #execute(
    running: Running,
    request: TransactionRequest,
    release: Release | null,
    undid: boolean,
  ): Promise<void> {
    const { world, log } = this.#parts
    const before = world.store.state.serving?.release ?? null
    const run: Run = { id: running.id, report: running.writer, signal: running.stop.signal }
    let result: TransactionResult
    try {
      result = await this.#perform(request, release, undid, run)
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
        if (kept) this.#later('undo', this.#parts.intervals.undo, () => this.#retryUndo())
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
      this.#armWarm()
      this.#later('sweep', 0, () => this.#sweep())
    }
  }

  async #perform(
    request: TransactionRequest,
    release: Release | null,
    undid: boolean,
    run: Run,
  ): Promise<TransactionResult> {
    if (request.kind === 'rollback') return this.#rollback(request, undid, run)
    if (!release) throw new Error('a release was not fetched')
    if (request.kind === 'core') {
      const { planner, world } = this.#parts
      const services = await planner.planCore(release, await planner.sealConfig())
      return core(request, release, services, run, world)
    }
    return this.#deploy(request, release, run)
  }

  async #deploy(request: RequestOf<'deploy'>, release: Release, run: Run): Promise<TransactionResult> {
    const { planner, world } = this.#parts
    await run.report.step('preflight', `${release.id}: manifest, configuration, core, disk, memory`)
    const plan = await planner.plan(release, await planner.sealConfig())
    const { serving } = world.store.state
    if (serving && serving.content === plan.instance.content && serving.config === plan.instance.config) {
      return {
        outcome: 'unchanged',
        message: `${serving.release} serves the same content with the same configuration`,
        serving: serving.release,
        previous: serving.release,
      }
    }
    const misfit = explainMisfit(await compareCore(await this.#coreOf(plan), world))
    if (misfit !== null) throw refused(misfit)
    await preflight(plan, world)
    await this.#endWarmUnlessGood(plan)
    return bring(plan, { ...request, direction: 'forward' }, run, world)
  }

  async #rollback(request: RequestOf<'rollback'>, undid: boolean, run: Run): Promise<TransactionResult> {
    const { planner, world } = this.#parts
    await run.report.step('preflight', request.reason)
    const { state } = world.store
    if (state.serving && (request.to ?? (undid ? state.serving.release : undefined)) === state.serving.release) {
      return {
        outcome: 'deployed',
        direction: 'back',
        message: `${state.serving.release} serves already`,
        serving: state.serving.release,
        previous: state.serving.release,
      }
    }
    const target = rollbackTarget(state, request.to)
    const isWarm = state.warm?.instance.instance === target.instance && request.config === 'its-own'
    if (isWarm && (await answers(target, world))) return exchangeWarm(request, run, world)
    const config = request.config === 'current' ? await planner.sealConfig() : await planner.openConfig(target.config)
    const plan = await planner.plan(await planner.open(target.release), config)
    const misfit = await explainRollbackMisfit(await this.#coreOf(plan), run, world)
    if (misfit !== null) throw refused(misfit)
    await preflight(plan, world)
    await this.#endWarmUnlessGood(plan)
    return bring(plan, { ...request, direction: 'back' }, run, world)
  }

  /** The candidate of a release that is still warm is the warm instance itself, as long as that answers. */
  async #endWarmUnlessGood({ instance }: Plan): Promise<void> {
    const { world } = this.#parts
    const { warm } = world.store.state
    if (warm?.instance.instance === instance.instance && !(await answers(warm.instance, world))) await this.#endWarm()
  }

  async #coreOf(plan: Plan): Promise<CoreService[]> {
    const { planner } = this.#parts
    return planner.planCore(plan.release, await planner.openConfig(plan.instance.config))
  }

  events(id: string, after: number, signal: AbortSignal) {
    return this.#parts.journal.follow(id, after, signal)
  }

  async abort(id: string): Promise<void> {
    const running = this.#running
    if (running?.id === id) {
      if (running.kind === 'core') throw refused(`${id} replaces core services, which cannot be broken off half-way`)
      running.stop.abort(new Failure('rolled-back', 'an abort was asked for'))
      return running.done
    }
    if (this.#parts.world.store.state.transaction?.id === id) return this.#retryUndo()
    throw refused(`no transaction ${id} runs here`)
  }

  async status(): Promise<AgentStatus> {
    const { state } = this.#parts.world.store
    const view = (one: Instance) => ({
      instance: one.instance,
      release: one.release,
      config: one.config,
      content: one.content,
    })
    const { transaction } = state
    return {
      agent: this.#parts.identity,
      phase: state.phase,
      transaction: transaction && { ...transaction, step: this.#running?.writer.currentStep ?? 'undo' },
      serving: state.serving && view(state.serving),
      candidate: state.candidate && view(state.candidate),
      warm: state.warm && { ...view(state.warm.instance), until: state.warm.until },
      last: state.last,
    }
  }

  async releases() {
    const { history, serving, warm } = this.#parts.world.store.state
    return {
      releases: history.map(({ instance, accepted }) => ({
        id: instance.release,
        reference: instance.reference,
        content: instance.content,
        commit: instance.commit,
        accepted,
        state:
          instance.instance === serving?.instance
            ? ('serving' as const)
            : instance.instance === warm?.instance.instance
              ? ('warm' as const)
              : ('kept' as const),
      })),
    }
  }

  health() {
    return checkHealth(this.#parts.world)
  }

  async #retryUndo(): Promise<void> {
    const { world, journal, log } = this.#parts
    const { transaction } = world.store.state
    if (!transaction || this.#running) return
    try {
      await undoOrFail(
        { id: transaction.id, report: await journal.writer(transaction.id) },
        world,
        'the undo is tried again',
      )
      await completeJournal(world, journal)
    } catch (thrown) {
      log(messageOf(thrown))
      this.#later('undo', this.#parts.intervals.undo, () => this.#retryUndo())
    }
  }

  #armWarm(): void {
    const { warm } = this.#parts.world.store.state
    if (!warm) return
    const left = Date.parse(warm.until) - this.#parts.world.now()
    this.#later('warm', Math.max(0, left), async () => {
      if (this.#running) return
      await this.#endWarm()
      await this.#prune()
    })
  }

  /** The previous release is stopped; from here a rollback to it starts it anew. */
  async #endWarm(): Promise<void> {
    const { world } = this.#parts
    const { warm } = world.store.state
    if (!warm) return
    await world.store.write({ ...world.store.state, warm: null })
    await applyTraffic(world)
    await removeInstance(warm.instance, world)
  }

  async #prune(): Promise<void> {
    const { state } = this.#parts.world.store
    const kept = [...state.history.map((entry) => entry.instance), state.serving, state.candidate, state.warm?.instance]
    await this.#parts.planner.prune({
      instances: kept.filter((one) => one !== null && one !== undefined),
      core: state.core.services,
      corePlans: state.core.release,
    })
  }

  /** Instances that the state does not name, seen so twice, are what a killed agent left behind. */
  async #sweep(): Promise<void> {
    const { world, log } = this.#parts
    const { serving, candidate, warm } = world.store.state
    const named = new Set([serving, candidate, warm?.instance].map((one) => one?.instance))
    const containers = await world.engine.containers({ label: INSTANCE_LABEL })
    const strangers = containers.filter((one) => !named.has(one.labels[INSTANCE_LABEL]))
    const twice = strangers.filter((one) => this.#strangers.has(one.id))
    this.#strangers = new Set(strangers.map((one) => one.id))
    if (twice.length > 0) {
      log(`removes ${twice.map((one) => one.name).join(', ')}: no instance of the state`)
      await world.engine.remove(
        twice.map((one) => one.id),
        10,
      )
      for (const project of new Set(twice.map((one) => one.project))) await world.engine.removeNetworks(project)
    }
    if (this.#strangers.size > 0) this.#later('sweep', this.#parts.intervals.sweep, () => this.#sweep())
  }

  #later(name: string, ms: number, action: () => Promise<void>): void {
    clearTimeout(this.#timers.get(name))
    const timer = setTimeout(() => {
      action().catch((thrown) => this.#parts.log(`${name}: ${messageOf(thrown)}`))
    }, ms)
    this.#timers.set(name, timer)
  }

  /** One line per request and result, by day; written before the request is acted on. */
  async #audit(record: Readonly<Record<string, unknown>>): Promise<void> {
    const day = new Date(this.#parts.world.now()).toISOString().slice(0, 10)
    await appendFile(join(this.#parts.paths.audit, `${day}.jsonl`), `${JSON.stringify(record)}\n`, {
      mode: 0o640,
      flush: true,
    })
  }
}

function locked(holder: { id: string; kind: string; actor: string; since: string }, more = ''): Failure {
  return new Failure(
    'locked',
    `${holder.kind} ${holder.id} of ${holder.actor} runs since ${holder.since}${more}: wait for it, or follow it`,
  )
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
