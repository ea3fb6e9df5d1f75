import { isDeepStrictEqual } from 'node:util'
import { Failure, formatDuration, messageOf, together } from '../../lib/index.ts'
import type { RequestOf, TransactionResult } from '../protocol.ts'
import { applyTraffic } from './cutover.ts'
import { expiryNote } from './expired-certificate.ts'
import { publicFault } from './public-entry.ts'
import { pullAll } from './pull.ts'
import { waitAnswering, waitHealthy } from './readiness.ts'
import { ended, type Instance, type State } from './state.ts'
import { PREVIEW_HEADER } from './traffic.ts'
import { undo } from './undo.ts'
import { watch } from './watch.ts'
import type { Plan, Run, World } from './world.ts'

/** How many instances a rollback can choose from, and whose images prune keeps. */
export const KEPT_INSTANCES = 5

/** How an instance is brought up: the limits of a request, and which way it goes. */
export type Bringing = Pick<RequestOf<'deploy'>, 'watch' | 'hold' | 'keepWarm'> & { direction: 'forward' | 'back' }

/**
 * Brings a planned instance to serve, beside the one that serves now, which never stops: pull, stage, ready, preview, switch,
 * watch, seal. What goes wrong before the seal is undone.
 * @returns `deployed`, or `rolled-back` with the reason.
 * @throws Failure when images cannot be pulled (nothing was changed), or an undo could not finish (`failed`).
 */
export async function bring(plan: Plan, how: Bringing, run: Run, world: World): Promise<TransactionResult> {
  await run.report.step('pull', `${plan.images.length} images`)
  await pullAll(plan.images, run, world)

  try {
    await stage(plan, run, world)
    await readyInPreview(plan, run, world)
    await switchOver(plan, run, world)
    await watchBoth(plan.instance, how, run, world)
    return await seal(plan.instance, how, run, world)
  } catch (thrown) {
    if (world.store.state.phase === 'idle') throw thrown
    return undoOrFail(run, world, messageOf(thrown))
  }
}

/** Starts the new instance beside the serving one; nobody is sent to it. */
async function stage({ instance, project }: Plan, run: Run, world: World): Promise<void> {
  run.signal.throwIfAborted()
  await run.report.step(
    'staging',
    `${instance.release} starts beside ${world.store.state.serving?.release ?? 'nothing'}`,
  )
  const candidate = { ...instance, preview: world.randomSecret() }
  await world.store.write({ ...world.store.state, phase: 'staging', candidate })
  await world.engine.create(project)
  await world.engine.start(instance.services.flatMap((service) => service.containers))
}

/**
 * Waits until the candidate answers; while Docker confirms its health, it is asked through Traefik by the secret header: its
 * routes, its version and its checks are right before anyone sees it.
 */
async function readyInPreview(plan: Plan, run: Run, world: World): Promise<void> {
  const { instance } = plan
  await run.report.step('ready', `waits until ${instance.services.map((service) => service.name).join(', ')} answer`)
  const started = world.now()
  const said = heartbeat(run, world, () => `not ready after ${formatDuration(world.now() - started)}`)
  try {
    // The routes of the preview stand before it is asked: Traefik takes up two changes within 0.1 s one after the other only.
    await together([waitAnswering(instance, run, world), applyTraffic(world)])
    await together([waitHealthy(instance, started, run, world), preview(plan, run, world)])
  } finally {
    said.stop()
  }
}

async function preview(plan: Plan, run: Run, world: World): Promise<void> {
  await run.report.step('preview', 'asks the new release through Traefik by a secret header')
  const { candidate } = world.store.state
  if (!candidate) throw new Error('preview without a candidate')
  await askPublic(plan, { [PREVIEW_HEADER]: candidate.preview }, run, world)
}

/** The one atomic change that moves traffic. */
async function switchOver(plan: Plan, run: Run, world: World): Promise<void> {
  run.signal.throwIfAborted()
  await run.report.step('switched', `traffic moves to ${plan.instance.release}`)
  await world.store.write({ ...world.store.state, phase: 'switched' })
  await applyTraffic(world)
  await askPublic(plan, {}, run, world)
}

async function watchBoth(instance: Instance, how: Bringing, run: Run, world: World): Promise<void> {
  await run.report.step('watch', `for ${formatDuration(how.watch)}`)
  await watch(instance, world.store.state.serving, how, run, world)
}

/** From here the new release stays; the old one keeps running, unrouted, for `keepWarm`. */
async function seal(instance: Instance, how: Bringing, run: Run, world: World): Promise<TransactionResult> {
  run.signal.throwIfAborted()
  await run.report.step('seal', `${instance.release} stays`)
  const note = how.direction === 'back' ? await expiryNote(instance, world) : ''
  const { state } = world.store
  const previous = state.serving
  const warm = previous ? `, ${previous.release} stays warm for ${formatDuration(how.keepWarm)}` : ''
  const result: TransactionResult = {
    outcome: 'deployed',
    direction: how.direction,
    message: `${instance.release} serves${warm}${note}`,
    serving: instance.release,
    previous: previous?.release ?? null,
  }
  const until = new Date(world.now() + how.keepWarm).toISOString()
  await world.store.write({
    ...state,
    phase: 'idle',
    transaction: null,
    serving: instance,
    candidate: null,
    warm: previous ? { instance: previous, until } : null,
    ...accept(state, instance, how.direction, world),
    ...ended(state, result),
  })
  // What was warm until now has no routes left and is swept behind the result. A failure cannot take the seal back: it is said,
  // and the file is written anew at the next change or start.
  await applyTraffic(world).catch((thrown) => run.report.note(`old routes may still stand: ${messageOf(thrown)}`))
  return result
}

/** The history with `instance` as its newest entry, once; the core is that of its release where it runs as that defines it. */
export function accept(
  { core, history }: State,
  instance: Instance,
  direction: Bringing['direction'],
  world: Pick<World, 'now'>,
): Pick<State, 'core' | 'history'> {
  const before = history.find((entry) => entry.instance.release === instance.release)?.core ?? null
  // No other goes forward; what a release defines never changes.
  const fitting = direction === 'forward' ? core.services : before
  const isItsOwn = core.release !== null && isDeepStrictEqual(fitting, core.services)
  const others = history.filter((entry) => entry.instance.instance !== instance.instance)
  const newest = { instance, accepted: new Date(world.now()).toISOString(), core: fitting }
  return {
    core: isItsOwn ? { ...core, release: instance.release } : core,
    history: [newest, ...others].slice(0, KEPT_INSTANCES),
  }
}

/**
 * Undoes a transaction that failed.
 * @throws Failure `failed` when that could not finish: it names the step and what to type, and is tried again every 30 s.
 */
export async function undoOrFail(
  run: Pick<Run, 'id' | 'report'>,
  world: World,
  reason: string,
): Promise<TransactionResult> {
  try {
    return await undo(world, run.report, reason)
  } catch (thrown) {
    throw new Failure(
      'failed',
      `${reason}; the undo stopped in phase ${world.store.state.phase}: ${messageOf(thrown)}. It is tried again every 30 s; to try at once, type: pacs-agent abort ${run.id}`,
      { cause: thrown },
    )
  }
}

/** Wants every check of every routed service to be right through the public entry, answered by this instance. */
async function askPublic(plan: Plan, headers: Readonly<Record<string, string>>, run: Run, world: World): Promise<void> {
  run.signal.throwIfAborted()
  const fault = await publicFault(plan.instance, plan.publicHost, headers, world)
  if (fault !== null) throw new Failure('unhealthy', fault)
}

/** Says how far a long step is, at least every 5 s. */
function heartbeat(run: Run, world: World, text: () => string): { stop: () => void } {
  const stopped = new AbortController()
  const beat = async () => {
    for (;;) {
      await world.sleep(5000, stopped.signal)
      await run.report.progress(text())
    }
  }
  beat().catch(() => undefined)
  return { stop: () => stopped.abort() }
}
