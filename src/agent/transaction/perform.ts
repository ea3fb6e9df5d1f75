import { refused } from '../../lib/index.ts'
import type { RequestOf, TransactionRequest, TransactionResult } from '../protocol.ts'
import { type CoreService, compareCore, core, explainMisfit, explainRollbackMisfit } from './core.ts'
import { bring } from './deploy.ts'
import { endWarm } from './housekeeping.ts'
import type { Planner } from './planner.ts'
import { preflight } from './preflight.ts'
import { answers, exchangeWarm, rollbackTarget } from './rollback.ts'
import type { Plan, Release, Run, World } from './world.ts'

/** A request with what was found out before its transaction began. */
export interface Asked {
  request: TransactionRequest
  /** The release of a deploy or a core; fetched and verified. */
  release: Release | null
  /** Whether an unsealed deploy was undone for this rollback, which is all that a rollback without a target asks for. */
  undid: boolean
}

/** Decides what a request comes to, and does it: nothing, a refusal, or one of the transactions. */
export async function perform(
  { request, release, undid }: Asked,
  run: Run,
  world: World,
  planner: Planner,
): Promise<TransactionResult> {
  if (request.kind === 'rollback') return goBack(request, undid, run, world, planner)
  if (!release) throw new Error('a release was not fetched')
  if (request.kind === 'deploy') return goForward(request, release, run, world, planner)
  const services = await planner.planCore(release, await planner.sealConfig())
  return core(request, release, services, run, world)
}

async function goForward(
  request: RequestOf<'deploy'>,
  release: Release,
  run: Run,
  world: World,
  planner: Planner,
): Promise<TransactionResult> {
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
  const misfit = explainMisfit(await compareCore(await coreOf(plan, planner), world))
  if (misfit !== null) throw refused(misfit)
  await preflight(plan, world)
  await endWarmUnlessGood(plan, world)
  return bring(plan, { ...request, direction: 'forward' }, run, world)
}

async function goBack(
  request: RequestOf<'rollback'>,
  undid: boolean,
  run: Run,
  world: World,
  planner: Planner,
): Promise<TransactionResult> {
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
  const misfit = await explainRollbackMisfit(await coreOf(plan, planner), run, world)
  if (misfit !== null) throw refused(misfit)
  await preflight(plan, world)
  await endWarmUnlessGood(plan, world)
  return bring(plan, { ...request, direction: 'back' }, run, world)
}

/** The candidate of a release that is still warm is the warm instance itself, as long as that answers. */
async function endWarmUnlessGood({ instance }: Plan, world: World): Promise<void> {
  const { warm } = world.store.state
  if (warm?.instance.instance === instance.instance && !(await answers(warm.instance, world))) await endWarm(world)
}

async function coreOf(plan: Plan, planner: Planner): Promise<CoreService[]> {
  return planner.planCore(plan.release, await planner.openConfig(plan.instance.config))
}
