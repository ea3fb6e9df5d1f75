import { Failure, formatDuration, messageOf, refused } from '../../lib/index.ts'
import type { RequestOf, TransactionResult } from '../protocol.ts'
import { NotStarted } from '../server/engine.ts'
import { coreContainers, isOf, removeContainers } from './core-containers.ts'
import { type CoreService, isReload } from './core-definition.ts'
import { announce, replacingOthers, settle, untilUp, waitUp, writeCore } from './core-service.ts'
import { explainLostIndex } from './lost-index.ts'
import { explainLostReach } from './lost-reach.ts'
import { foreignProjects } from './preflight.ts'
import { pullAll } from './pull.ts'
import { reload, settleReload } from './reload.ts'
import { explainSharedWrites } from './shared-writes.ts'
import { ended, type Replacing, type State } from './state.ts'
import type { Release, Run, World } from './world.ts'

/** Milliseconds in which a service that is settled is to be healthy: the agent's start waits for it, and what is left can be asked for again. */
const SETTLE_LIMIT = 5 * 60_000

/** How the core that runs differs from what a release defines. */
export interface CoreDifference {
  absent: readonly CoreService[]
  /** Those that are away while they are replaced. */
  changed: readonly CoreService[]
  /** Those that only get new files, and go on running. */
  reloaded: readonly CoreService[]
}

/** Compares the core services of a release with those that run. */
export async function compareCore(services: readonly CoreService[], world: World): Promise<CoreDifference> {
  const containers = await coreContainers(world)
  const { services: known, replacing } = world.store.state.core
  const isRunning = (service: CoreService) => containers.some((one) => isOf(service, one) && one.running)
  const halfWay = (service: CoreService) => replacing.find((one) => one.service === service.name)
  // One that an earlier replacement left half-way counts as absent: asking again goes on without asking for leave again.
  const isAbsent = (service: CoreService) => !isRunning(service) || isHalfReplaced(halfWay(service))
  const present = services.filter((service) => !isAbsent(service))
  const isSame = (service: CoreService) => known[service.name] === service.hash && !halfWay(service)
  return {
    absent: services.filter(isAbsent),
    changed: present.filter((service) => !isSame(service) && !isReload(known[service.name], service.hash)),
    reloaded: present.filter((service) => !isSame(service) && isReload(known[service.name], service.hash)),
  }
}

/**
 * Starts absent core services side by side, lets those with new live files load them, and, when allowed, replaces changed ones:
 * one by one, the old one stopped first.
 * @throws Failure `refused` that lists what would change, when that is not allowed, or names a service that would write where another one does, an edge that would no longer reach the release that serves, or an archive that would show none of its images; `rolled-back` when the engine took no new definition and the old one runs; `failed` when a service did not come up.
 */
export async function core(
  request: RequestOf<'core'>,
  release: Release,
  services: readonly CoreService[],
  run: Run,
  world: World,
): Promise<TransactionResult> {
  await run.report.step('preflight', `core of ${release.id}`)
  const foreign = await foreignProjects(
    services.map((service) => service.name),
    world,
  )
  if (foreign.length > 0) throw refused(foreign.join('; '))
  const difference = await compareCore(services, world)
  const { absent, changed, reloaded } = difference
  if (changed.length > 0 && !request.allowCore) throw refused(explainChange(changed))
  const shared = await explainSharedWrites([...absent, ...changed], services, world)
  if (shared !== null) throw refused(shared)
  const cutOff = await explainLostReach(changed, world)
  if (cutOff !== null) throw refused(cutOff)
  const serving = world.store.state.serving?.release ?? null
  const answer = (outcome: 'done' | 'unchanged', message: string): TransactionResult => ({
    outcome,
    message,
    serving,
    previous: serving,
  })
  if (absent.length + changed.length + reloaded.length === 0)
    return answer('unchanged', 'every core service runs as this release defines it')

  await run.report.step('pull', `${absent.length + changed.length} images`)
  await pullAll(
    [...absent, ...changed].map(({ image }) => image),
    run,
    world,
  )
  for (const service of [...absent, ...changed]) {
    const lost = await explainLostIndex(service, world)
    if (lost !== null) throw refused(lost)
  }
  const left = services.filter((service) => [...absent, ...changed, ...reloaded].includes(service))
  await writeCore(world, { work: { done: [], left: left.map((service) => service.name) } })
  try {
    await bringAll(left, difference, run, world)
  } catch (thrown) {
    const { work, replacing } = world.store.state.core
    await writeCore(world, { work: null })
    if (work?.done.length === 0 && replacing.length === 0) throw thrown
    throw new Failure('failed', `${messageOf(thrown)}; ${progress(work)}`, { cause: thrown })
  }
  const names = (list: readonly CoreService[], verb: string) =>
    list.length > 0 ? [`${verb} ${list.map((service) => service.name).join(', ')}`] : []
  const result = answer(
    'done',
    [...names(absent, 'started'), ...names(changed, 'replaced'), ...names(reloaded, 'reloaded')].join('; '),
  )
  // With its end in the same rename, so that a crash after the last service is not taken for one before the first.
  const { state } = world.store
  await world.store.write({
    ...state,
    core: { ...state.core, release: release.id, work: null },
    transaction: null,
    ...ended(state, result),
  })
  return result
}

function isHalfReplaced(work: Replacing | undefined): boolean {
  return work !== undefined && !isReload(work.from, work.to)
}

/**
 * Brings services in their order, each when all that it depends on is up: those that are absent come up side by side, the others
 * take their turn one by one. After a failure nothing more begins, and what has begun comes to its end.
 */
async function bringAll(
  services: readonly CoreService[],
  difference: CoreDifference,
  run: Run,
  world: World,
): Promise<void> {
  const left = new Set(services)
  const starting = new Map<CoreService, Promise<{ service: CoreService; failure?: unknown }>>()
  const failures: unknown[] = []
  const isDue = ({ after }: CoreService) => ![...left, ...starting.keys()].some(({ name }) => after.includes(name))
  const begin = async (service: CoreService) => {
    if (!difference.absent.includes(service)) return change(service, difference, run, world)
    await run.report.step('start', `${service.name} is started`)
    await start(service, null, world)
    const up = waitUp(service, run, world).then(
      () => ({ service }),
      (failure: unknown) => ({ service, failure }),
    )
    starting.set(service, up)
  }
  const beginAllDue = async () => {
    for (const service of left) {
      if (failures.length > 0 || !isDue(service)) continue
      left.delete(service)
      await begin(service).catch((thrown: unknown) => failures.push(thrown))
    }
  }
  await beginAllDue()
  while (starting.size > 0) {
    const { service, failure } = await Promise.race(starting.values())
    starting.delete(service)
    if (failure === undefined) await settle(service.name, service.hash, true, world)
    else failures.push(failure)
    await beginAllDue()
  }
  if (failures.length > 0) throw failures[0]
}

async function change(service: CoreService, difference: CoreDifference, run: Run, world: World): Promise<void> {
  const from = world.store.state.core.services[service.name] ?? null
  if (from !== null && difference.reloaded.includes(service)) {
    await run.report.step(
      'reload',
      `${service.name} gets new files and ${service.live?.signal ?? 'its signal'}, and runs on`,
    )
    return reload(service, from, run, world)
  }
  const before = world.now()
  await run.report.step('replace', `${service.name} stops and comes back as this release defines it`)
  await start(service, from, world).catch((thrown: unknown) => goBack(service, thrown, run, world))
  await waitUp(service, run, world)
  await settle(service.name, service.hash, true, world)
  await run.report.note(`${service.name} was away for ${formatDuration(world.now() - before)}`)
}

/** What of a core transaction is done and what is left, and how to go on. */
function progress(work: State['core']['work']): string {
  const list = (names: readonly string[] = []) => (names.length === 0 ? 'nothing' : names.join(', '))
  return `done: ${list(work?.done)}; left: ${list(work?.left)}; ask for the core again to go on`
}

/** Core services that `services` do not hold: one that is gone is forgotten, one that runs on is named. */
export async function settleFormer(services: readonly CoreService[], run: Run, world: World): Promise<void> {
  const { services: all, replacing } = world.store.state.core
  const known = Object.entries(all)
  const isFormer = ([name]: [string, string]) => services.every((service) => service.name !== name)
  if (!known.some(isFormer)) return
  const containers = await coreContainers(world)
  const runsOn = ([name]: [string, string]) => containers.some(({ service }) => service === name)
  const left = known.filter((one) => isFormer(one) && runsOn(one)).map(([name]) => name)
  if (left.length > 0) {
    await run.report.note(
      `this release does not define ${left.join(', ')} of an earlier core: once no rollback needs that, docker rm -f it`,
    )
  }
  const kept = Object.fromEntries(known.filter((one) => !isFormer(one) || runsOn(one)))
  await writeCore(world, { services: kept, replacing: replacing.filter(({ service }) => service in kept) })
}

/** Why a deploy does not fit the core that runs; null when it does. */
export function explainMisfit({ absent, changed, reloaded }: CoreDifference): string | null {
  if (absent.length > 0) {
    const [what, verb] = absent.length === 1 ? ['service', 'does'] : ['services', 'do']
    return `the core ${what} ${namesOf(absent)} ${verb} not run: bring the core up first (pacs-agent core)`
  }
  if (changed.length > 0) return explainChange(changed)
  return reloaded.length > 0
    ? `this release brings new files for ${namesOf(reloaded)}, loaded without a stop: ask for the core first (pacs-agent core)`
    : null
}

/**
 * Why a rollback does not fit the core that runs; null when it does. It fits by any definition, as long as every core service
 * that the release names is there and healthy: differences are said, not refused.
 */
export async function explainRollbackMisfit(
  services: readonly CoreService[],
  run: Pick<Run, 'report'>,
  world: World,
): Promise<string | null> {
  const difference = await compareCore(services, world)
  if (difference.absent.length > 0) return explainMisfit(difference)
  const containers = (await coreContainers(world)).filter((one) => services.some((service) => isOf(service, one)))
  const ill = containers.filter((one) => one.health === 'unhealthy' || one.health === 'starting')
  if (ill.length > 0) return `${ill.map((one) => `${one.name} is ${one.health}`).join(', ')}: mend the core first`
  const other = [...difference.changed, ...difference.reloaded]
  if (other.length > 0) {
    await run.report.note(
      `${namesOf(other)} ${other.length === 1 ? 'runs' : 'run'} by another definition than this release's, and ${other.length === 1 ? 'stays' : 'stay'} so`,
    )
  }
  return null
}

function explainChange(changed: readonly CoreService[]): string {
  const away = changed.map((service) => `${service.name} (up to ${service.grace} s to stop, then until it is healthy)`)
  return `this release changes core services, which are away while they are replaced: ${away.join(', ')}; to do it, ask with allow-core: true`
}

function namesOf(services: readonly CoreService[]): string {
  return services.map((service) => service.name).join(', ')
}

/** Each step is in the state before it is taken, so that a start after a crash knows where this one service stands. */
async function start(service: CoreService, from: string | null, world: World): Promise<void> {
  await service.materialize()
  const at = (step: Replacing['step']) => announce({ service: service.name, from, to: service.hash, step }, world)
  await at('stop')
  await removeContainers(service, world)
  await at('start')
  await service.live?.place(service.live.version)
  await world.engine.create(service.project)
  // Once started it may have changed what its volumes hold, so the old definition must not come back over them.
  await at('mounted')
  await world.engine.start([service.container]).catch(async (thrown: unknown) => {
    // What never ran has changed nothing.
    if (thrown instanceof NotStarted) await at('start')
    throw thrown
  })
}

/**
 * Brings the old definition of a service back where the new one cannot have mounted its volumes: nobody waits for a person then.
 * @throws Failure, always: `rolled-back` when the old one runs; else what went wrong
 */
async function goBack(service: CoreService, thrown: unknown, run: Run, world: World): Promise<never> {
  const half = world.store.state.core.replacing.find((one) => one.service === service.name)
  if (half === undefined || half.from === null || half.step === 'mounted') throw thrown
  await run.report.note(`${messageOf(thrown)}; the old ${service.name} comes back`)
  const settled = await settleOne(half, run.report, world).catch((failure: unknown) => {
    throw new Failure(
      'failed',
      `${messageOf(thrown)}; the old ${service.name} could not be brought back: ${messageOf(failure)}`,
      { cause: thrown },
    )
  })
  throw new Failure('rolled-back', `${messageOf(thrown)}; ${settled}`, { cause: thrown })
}

/**
 * Settles the services that a crash left between their definitions: the old one comes back only if the new one has not yet
 * mounted its volumes. Touches no others.
 * @returns what is done and what is left to do, for the result.
 */
export async function settleCore(report: Run['report'], world: World): Promise<string> {
  const { replacing } = world.store.state.core
  const settled: string[] = []
  for (const one of replacing) {
    settled.push(await settleOne(one, report, world).catch((thrown) => messageOf(thrown)))
  }
  return [...settled, progress(world.store.state.core.work)].join('; ')
}

async function settleOne(replacing: Replacing, report: Run['report'], world: World): Promise<string> {
  const isForReload = isReload(replacing.from, replacing.to)
  const forward = isForReload || replacing.step === 'mounted'
  const hash = forward ? replacing.to : replacing.from
  const definition = hash === null ? null : await world.oldDefinition(replacing.service, hash)
  if (!definition) {
    await writeCore(world, { replacing: replacingOthers(replacing.service, world) })
    return `${replacing.service} had not been started yet`
  }
  if (isForReload) return settleReload(definition, replacing, report, world)
  const [container] = await world.engine.containers({ names: [definition.container] })
  // One that still runs may have been told to stop, and would end a little later: the stop is brought to its end.
  if (!forward) await removeContainers(definition, world)
  await definition.live?.place(definition.live.version)
  if (!container || !forward) await world.engine.create(definition.project)
  await world.engine.start([definition.container])
  await waitUp(definition, { report }, world, untilUp(world, SETTLE_LIMIT))
  await settle(definition.name, definition.hash, forward, world)
  return `${replacing.service} runs by its ${forward ? 'new' : 'old'} definition`
}
