import { refused } from '../../lib/index.ts'
import { READING_LABEL } from '../../release/index.ts'
import type { TransactionRequest, TransactionResult } from '../protocol.ts'
import { type Audit, recordResult } from './audit.ts'
import { explainRollbackMisfit, settleCore } from './core.ts'
import { applyTraffic } from './cutover.ts'
import { undoOrFail } from './deploy.ts'
import { MARK_GOES_ON, MIGRATION_GOES_ON, RESTORE_GOES_ON, UNDO_GOES_ON } from './guest.ts'
import type { Journal, Reporter } from './journal.ts'
import type { Planner } from './planner.ts'
import { isWhole, startAll } from './revive.ts'
import { ended } from './state.ts'
import type { World } from './world.ts'

interface Parts {
  world: World
  planner: Planner
  journal: Journal
  audit: Audit
}

/**
 * Brings a server to rest after whatever ended the last agent, or left its transaction unfinished: what is not sealed is undone, what is
 * sealed is cleaned up, the traffic file is written anew, and the missing `result` is written from the state, to audit and journal. Doing it twice does no more.
 * @param reason for the undo
 * @throws Failure `failed` when an undo could not finish, the state then still says so; or what did not come back, once all else is done.
 */
export async function recover({ world, planner, journal, audit }: Parts, reason: string): Promise<void> {
  const late: unknown[] = []
  // Neither a container that does not start nor a Traefik that comes up slowly may keep a transaction without its end.
  await startServing(world).catch((thrown) => late.push(thrown))
  await recreateServing(world, planner).catch((thrown) => late.push(thrown))
  await endTransaction(world, journal, reason)
  if (world.store.state.serving) await applyTraffic(world).catch((thrown) => late.push(thrown))
  await completeRecords(world, journal, audit).catch((thrown) => late.push(thrown))
  await removeReaders(world)
  if (late.length > 0) throw late[0]
}

/** Ends the transaction that the state names, whose agent is gone. */
async function endTransaction(world: World, journal: Journal, reason: string): Promise<void> {
  const { transaction, phase, serving, core } = world.store.state
  if (!transaction) return
  // Nothing is recovered from a journal, so one that cannot be read stops nothing.
  const writer = await journal.writer(transaction.id).catch(() => SILENT)
  if (phase !== 'idle') {
    await undoOrFail({ id: transaction.id, report: writer }, world, reason)
    return
  }
  const hasBegun = transaction.kind === 'core' && (core.replacing.length > 0 || (core.work?.done ?? []).length > 0)
  const settled = hasBegun ? await settleCore(writer, world) : null
  const result: TransactionResult = {
    ...interrupted(transaction.kind, settled),
    serving: serving?.release ?? null,
    previous: serving?.release ?? null,
  }
  const { state } = world.store
  await world.store.write({
    ...state,
    core: { ...state.core, work: null },
    transaction: null,
    ...ended(state, result),
  })
}

const silent = async () => undefined
const SILENT: Reporter = { step: silent, progress: silent, note: silent }

/** What a transaction comes to whose agent died; `settled` is what was settled of a core transaction that had begun. */
function interrupted(
  kind: TransactionRequest['kind'],
  settled: string | null,
): Pick<TransactionResult, 'outcome' | 'message'> {
  if (settled !== null) return { outcome: 'failed', message: `interrupted: ${settled}` }
  if (kind === 'migrate') return { outcome: 'failed', message: `interrupted: ${MIGRATION_GOES_ON}` }
  if (kind === 'undo') return { outcome: 'failed', message: `interrupted: ${UNDO_GOES_ON}` }
  if (kind === 'mark') return { outcome: 'failed', message: `interrupted: ${MARK_GOES_ON}` }
  if (kind === 'restore') {
    return {
      outcome: 'failed',
      message: `interrupted: what was restored stands beside what was there; ${RESTORE_GOES_ON}`,
    }
  }
  return { outcome: 'refused', message: 'interrupted before anything changed: ask again' }
}

/** Containers that were made to copy a release out of its image, and whose maker died. */
async function removeReaders(world: World): Promise<void> {
  const left = await world.engine.containers({ label: READING_LABEL })
  await world.engine.remove(
    left.map((one) => one.id),
    0,
  )
}

/** The engine brings containers back after a restart of the machine; one that it gave up on is started here. */
async function startServing(world: World): Promise<void> {
  const { serving, warm } = world.store.state
  const names = [serving, warm?.instance ?? null].flatMap(
    (one) => one?.services.flatMap((service) => service.containers) ?? [],
  )
  const containers = await world.engine.containers({ names })
  await world.engine.start(containers.filter((one) => !one.running).map((one) => one.name))
}

/**
 * What of the serving release is gone, as after a `docker system prune`, comes back from the images that are here. A pull is left to
 * a deploy, which brings a login, and nobody waits for an answer here, since the socket opens after this.
 */
async function recreateServing(world: World, planner: Planner): Promise<void> {
  const { serving } = world.store.state
  if (!serving || (await isWhole(serving, world))) return
  const [release, config] = [await planner.open(serving.release), await planner.openConfig(serving.config)]
  const plan = await planner.plan(release, config)
  const here = await Promise.all(plan.images.map((image) => world.engine.has(image)))
  const gone = plan.images.filter((_, at) => !here[at])
  const isGone = `containers of ${serving.release}, which serves, are gone`
  if (gone.length > 0)
    throw refused(
      `${isGone}, and so are images: ${gone.join(', ')}; pacs-agent deploy ${serving.reference} brings both`,
    )
  const misfit = await explainRollbackMisfit(await planner.planCore(release, config), { report: SILENT }, world)
  if (misfit !== null) throw refused(`${isGone}, and come back once the core is well: ${misfit}`)
  await startAll(plan, world)
}

/**
 * A crash between a seal (or an undo) and its `result` line leaves followers waiting, and the audit without its end; the state
 * knows what it was. So it does where the undo of what had failed was done since: that is a second result.
 */
export async function completeRecords(world: World, journal: Journal, audit: Audit): Promise<void> {
  const { last } = world.store.state
  if (!last || !journal.has(last.transaction)) return
  const { transaction, result } = last
  let told: TransactionResult['outcome'] | null = null
  for await (const event of journal.recorded(transaction)) if (event.type === 'result') told = event.result.outcome
  if (told === result.outcome) return
  const writer = await journal.writer(transaction)
  await recordResult(transaction, result, world.now(), { audit, writer })
}
