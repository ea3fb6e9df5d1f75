import { Problems, refused, together } from '../../lib/index.ts'
import type { LockingRequest, RequestOf, TransactionResult } from '../protocol.ts'
import { checkCertificateOf } from '../server/check-certificate.ts'
import { type Container, INSTANCE_LABEL } from '../server/engine.ts'
import { backUp, restore } from './backup.ts'
import { compareCore, core, explainMisfit, explainRollbackMisfit, settleFormer } from './core.ts'
import type { CoreService } from './core-definition.ts'
import { coreFirst } from './core-first.ts'
import { bring } from './deploy.ts'
import { endUndone, endWarm } from './housekeeping.ts'
import { judgeMigrations } from './ledger.ts'
import { markMigration } from './mark-migration.ts'
import { migrate } from './migrate.ts'
import type { Planner } from './planner.ts'
import { preflight } from './preflight.ts'
import { revive } from './revive.ts'
import { answers, exchangeWarm, releasesToGoBackTo, rollbackTarget } from './rollback.ts'
import type { Instance } from './state.ts'
import { removeInstance } from './undo.ts'
import { undoMigrations } from './undo-migrations.ts'
import type { Plan, Release, Run, World } from './world.ts'

/** A request with what was found out before its transaction began. */
export interface Asked {
  request: LockingRequest
  /** The release of a deploy, a core or a migration; fetched and verified. */
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
  if (request.kind === 'backup') return backUp(run, world, planner)
  if (request.kind === 'restore') return restore(request, run, world, planner)
  if (request.kind === 'undo') return undoMigrations(request, run, world, planner)
  if (request.kind === 'mark') return markMigration(request, run, world, planner)
  if (!release) throw new Error('a release was not fetched')
  if (request.kind === 'migrate') return migrate(request, release, run, world, planner)
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
  const config = await planner.sealConfig()
  const plan = await planner.plan(release, config)
  const { serving } = world.store.state
  if (serving && serving.content === plan.instance.content && serving.config === plan.instance.config) {
    const message = `${serving.release} serves the same content with the same configuration`
    return keepServing(serving, request, { outcome: 'unchanged', message }, run, world, planner)
  }
  const problems = new Problems()
  checkCertificateOf(config, world.now(), problems)
  problems.throwIfAny()
  const [{ services, difference }, left, { refusal, note }] = await together([
    coreOf(plan, planner).then(async (services) => ({ services, difference: await compareCore(services, world) })),
    leftOf(plan, world),
    judgeMigrations(plan, world),
    preflight(plan, world),
  ])
  const misfit = explainMisfit(difference)
  if (misfit !== null) return coreFirst(misfit, difference, request.allowCore, serving?.release ?? null)
  if (refusal !== null) throw refused(refusal)
  if (note !== null && serving) await run.report.note(note)
  await settleFormer(services, run, world)
  await makeRoom(plan, left, run, world)
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
    const note = request.config === 'current' ? await nextConfigNote(state.serving, planner) : ''
    const message = `${state.serving.release} serves already${note}`
    return keepServing(state.serving, request, { outcome: 'deployed', direction: 'back', message }, run, world, planner)
  }
  const target = rollbackTarget(state, request)
  if (target.release === state.serving?.release) {
    const others = releasesToGoBackTo(state)
    const other = others.length === 0 ? '' : `; for other code name its release: ${others.join(', ')}`
    await run.report.note(`${target.release} is what serves: only its former configuration comes back${other}`)
  }
  const isWarm = state.warm?.instance.instance === target.instance && request.config === 'its-own'
  if (isWarm && (await answers(target, world))) return exchangeWarm(request, run, world)
  const config = request.config === 'current' ? await planner.sealConfig() : await planner.openConfig(target.config)
  const plan = await planner.plan(await planner.open(target.release), config)
  const misfit = await explainRollbackMisfit(await coreOf(plan, planner), run, world)
  if (misfit !== null) throw refused(misfit)
  const { refusal } = await judgeMigrations(plan, world)
  if (refusal !== null) throw refused(refusal)
  await preflight(plan, world)
  await makeRoom(plan, await leftOf(plan, world), run, world)
  return bring(plan, { ...request, direction: 'back' }, run, world)
}

/** That what serves goes on by another configuration than the next deploy would take; nothing where they are the same. */
async function nextConfigNote(serving: Instance, planner: Planner): Promise<string> {
  // One that cannot be sealed is another one, too, and keeps nobody from being brought back.
  const next = await planner.sealConfig().catch(() => null)
  if (next?.revision === serving.config) return ''
  return `, by another configuration than config/next, which a deploy of it brings: pacs-agent deploy ${serving.reference}`
}

/** What is asked for serves by the state: it is left alone where it answers, and brought back where it does not. */
async function keepServing(
  serving: Instance,
  request: RequestOf<'deploy' | 'rollback'>,
  outcome: Pick<TransactionResult, 'outcome' | 'direction' | 'message'>,
  run: Run,
  world: World,
  planner: Planner,
): Promise<TransactionResult> {
  const result = { ...outcome, serving: serving.release, previous: serving.release }
  if (await answers(serving, world)) return result
  const config = await planner.openConfig(serving.config)
  const plan = await planner.plan(await planner.open(serving.release), config)
  const services = await coreOf(plan, planner)
  const misfit = await explainRollbackMisfit(services, run, world)
  if (misfit !== null) {
    const difference = await compareCore(services, world)
    if (request.kind === 'rollback' || difference.absent.length === 0) throw refused(misfit)
    return coreFirst(misfit, difference, request.allowCore, serving.release)
  }
  await revive(plan, run, world)
  return { ...result, message: `${result.message}; it did not answer, and does again` }
}

/** Containers of the planned instance that are there already. */
function leftOf({ instance }: Plan, world: World): Promise<Container[]> {
  return world.engine.containers({ label: `${INSTANCE_LABEL}=${instance.instance}` })
}

/**
 * The candidate of a release that is still warm is the warm instance itself, as long as that answers. Anything else of it is on
 * its way out and ends first, since a candidate that is being stopped would not stay.
 */
async function makeRoom({ instance }: Plan, left: readonly Container[], { report }: Run, world: World): Promise<void> {
  const { serving, warm, undone } = world.store.state
  if (serving?.instance === instance.instance)
    throw new Error(`${instance.instance} serves, and was to be brought up beside itself`)
  if (undone?.instance.instance === instance.instance) return endUndone(world, report.note)
  if (warm?.instance.instance === instance.instance) {
    if (!(await answers(warm.instance, world))) await endWarm(world, report.note)
  } else if (left.length > 0) await removeInstance(instance, world, report.note)
}

async function coreOf(plan: Plan, planner: Planner): Promise<CoreService[]> {
  return planner.planCore(plan.release, await planner.openConfig(plan.instance.config))
}
