import { refused } from '../../lib/index.ts'
import { contentHash } from '../../release/index.ts'
import type { RequestOf, TransactionResult } from '../protocol.ts'
import { compareCore, explainMisfit } from './core.ts'
import { coreFirst } from './core-first.ts'
import { MIGRATION_GOES_ON } from './guest.ts'
import { endWarm } from './housekeeping.ts'
import { endedOnTheWay, interruptedBefore } from './outcome.ts'
import type { Planner } from './planner.ts'
import type { Release, Run, World } from './world.ts'

/** A backup that is at most this old (milliseconds) counts as fresh. */
const FRESH = 3_600_000

/**
 * Migrates the database of a release: a fresh backup first, then the requester's own work through its tunnel (expand, or a
 * plan), or the agent's (data, contract), so that documents never leave the server. What is applied stands in the ledger.
 * @throws Failure `refused` before anything changed, `failed` after.
 */
export async function migrate(
  request: RequestOf<'migrate'>,
  release: Release,
  run: Run,
  world: World,
  planner: Planner,
): Promise<TransactionResult> {
  const { phase, plan, reason } = request
  const serving = world.store.state.serving?.release ?? null
  const result = (outcome: TransactionResult['outcome'], message: string): TransactionResult => ({
    outcome,
    message,
    serving,
    previous: serving,
  })
  await run.report.step('preflight', `${release.id}: its database, its core`)
  if (reason !== undefined) await run.report.note(`why: ${reason}`)
  const config = await planner.sealConfig()
  const standing = phase === 'data' && !plan ? await successorOf(release, world, planner) : release
  const data = await planner.planData(standing, config)
  if (!data.database) {
    const { length } = release.manifest.migrations
    if (length === 0) return result('done', `${release.id} has no database and no migrations: nothing to do`)
    throw refused(
      `${release.id} carries ${length} migrations, and no service of its stack has x-pacs.data of kind mongodb`,
    )
  }
  const difference = await compareCore(await planner.planCore(standing, config), world)
  const misfit = explainMisfit(difference)
  if (misfit !== null) return coreFirst(misfit, difference, request.allowCore, serving)
  const { migrate: access, backup: reader } = data.database
  const { migrations } = release.manifest
  const { pending, waiting } = await world.jobs.judge(access, migrations)
  if (!plan && pending[phase].length === 0) {
    return { ...result('done', `every migration of phase ${phase} is applied`), pending }
  }
  if (phase !== 'expand' && !plan) {
    if (standing === release) refuseBeforeDeploy(release, world)
    if (waiting[phase].length === pending[phase].length) throw refused(waiting[phase].join('; '))
  }
  const lost = phase === 'contract' && !plan ? await lostTargets(pending.contract, world, planner) : []
  refuseWhileWarm(lost, pending.contract, world)
  const before = plan ? '' : await backUpFirst(request, data, run, world)
  /**
   * What was done is done, whether or not the ledger can be read once more. Where it cannot, what was pending before still names
   * what is to follow, and of this phase too much rather than too little.
   */
  const ended = async (outcome: TransactionResult['outcome'], message: string) => {
    const left = plan
      ? pending
      : await world.jobs.judge(access, migrations).then(
          (now) => now.pending,
          () => pending,
        )
    return { ...result(outcome, message + before), pending: left }
  }

  if (phase === 'expand' || plan) {
    // Whoever plans gets the login of the backups, which can only read.
    run.guest.open({ ...(plan ? reader : access), release: release.id, migrations })
    await run.report.step('open', `the database is open to ${request.actor} through a tunnel`)
    const { outcome, message } = await run.guest.reported(run.signal, world)
    return ended(outcome, message)
  }
  if (lost.length > 0) {
    const removing = pending.contract.join(', ')
    await run.report.note(`from here no rollback goes to ${lost.join(', ')}: they need what ${removing} removes`)
  }
  if (phase === 'data') await stopOldCode(run, world)
  await run.report.step(phase, `the migrations of phase ${phase} run here`)
  const work = { access, release, phase, run: request.run, actor: request.actor }
  return ended('done', await world.jobs.migrate(work, run).catch(endedOnTheWay(MIGRATION_GOES_ON)))
}

/** The releases to which no rollback goes once `contracts` are applied: their code needs what those remove. */
export async function lostTargets(contracts: readonly string[], world: World, planner: Planner): Promise<string[]> {
  const lost: string[] = []
  for (const id of new Set(world.store.state.history.map(({ instance }) => instance.release))) {
    const known = await planner.open(id).then(
      ({ manifest }) => new Set(manifest.migrations.map((one) => one.id)),
      () => new Set<string>(),
    )
    if (!contracts.every((contract) => known.has(contract))) lost.push(id)
  }
  return lost
}

/** What still runs may get the traffic back at any moment, and needs what a contract removes. */
export function refuseWhileWarm(lost: readonly string[], contracts: readonly string[], world: World): void {
  const { warm } = world.store.state
  if (!warm || !lost.includes(warm.instance.release)) return
  throw refused(
    `${warm.instance.release} runs until ${warm.until} for a rollback and does not know ${contracts.join(', ')}: ask again when it has stopped`,
  )
}

/**
 * The release by whose stack the data migrations of `release` are run. A newer one may serve before they were: where it carries
 * every one of them its code reads both shapes too, and the core is as that defines it.
 */
async function successorOf(release: Release, world: World, planner: Planner): Promise<Release> {
  const { serving } = world.store.state
  if (!serving || serving.content === contentHash(release.manifest)) return release
  const successor = await planner.open(serving.release).catch(() => null)
  if (!successor) return release
  const carried = new Map(successor.manifest.migrations.map(({ id, sha256 }) => [id, sha256]))
  const needed = release.manifest.migrations.filter(({ phase }) => phase === 'data')
  return needed.length > 0 && needed.every(({ id, sha256 }) => carried.get(id) === sha256) ? successor : release
}

/** The same content may serve under the id of an earlier release: then this one's deploy was unchanged. */
function refuseBeforeDeploy({ id, manifest }: Release, world: World): void {
  const { serving } = world.store.state
  if (serving?.content === contentHash(manifest)) return
  throw refused(
    `${serving?.release ?? 'nothing'} serves, not ${id}: its data and contract migrations follow its own deploy`,
  )
}

/** From here no old code writes the old shape any more, or reads what a contract removes. */
export async function stopOldCode(run: Run, world: World): Promise<void> {
  const { warm } = world.store.state
  if (!warm) return
  await run.report.step(
    'warm',
    `${warm.instance.release} stops, since its code does not know what the database becomes`,
  )
  await endWarm(world, run.report.note)
}

/** @returns what the result says of the backup that holds what was before, or as of when; empty where there is none */
export async function backUpFirst(
  { noBackup }: Pick<RequestOf<'migrate'>, 'noBackup'>,
  data: Awaited<ReturnType<Planner['planData']>>,
  run: Run,
  world: World,
): Promise<string> {
  if (noBackup !== undefined) {
    await run.report.note(`no backup is taken before this migration: ${noBackup}`)
    return ''
  }
  await run.report.step('backup', 'a database that holds data is migrated only after a fresh backup of it')
  try {
    const work = { data, unlessNewerThan: FRESH, unlessEmpty: true, copyLater: true }
    const told = await world.jobs.backup(work, run)
    await run.report.note(told)
    run.signal.throwIfAborted()
    const [, named, holds = 'holds what was before'] =
      /^(backup \S+)(?:.* and (holds the database as of \S+)$)?/.exec(told) ?? []
    return named === undefined ? '' : `; ${named} ${holds}`
  } catch (thrown) {
    throw run.signal.aborted ? interruptedBefore(run.signal.reason) : thrown
  }
}
