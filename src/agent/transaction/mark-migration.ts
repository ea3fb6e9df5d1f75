import { badInput, refused } from '../../lib/index.ts'
import type { RequestOf, TransactionResult } from '../protocol.ts'
import { MARK_GOES_ON } from './guest.ts'
import { lostTargets, refuseWhileWarm, stopOldCode } from './migrate.ts'
import { endedOnTheWay } from './outcome.ts'
import type { Planner } from './planner.ts'
import { neededBy } from './undo-migrations.ts'
import type { Run, World } from './world.ts'

/**
 * Writes into the ledger what a person says of a migration that nothing else can tell: cut with an unclear check, or an entry
 * that was edited by hand. No data is touched.
 * @throws Failure `refused` where ledger, history or the migration's check say it themselves, or what runs would lack what it needs.
 */
export async function markMigration(
  request: RequestOf<'mark'>,
  run: Run,
  world: World,
  planner: Planner,
): Promise<TransactionResult> {
  const { migration, as, reason, actor } = request
  const { serving, warm } = world.store.state
  await run.report.step('preflight', reason)
  const of = request.of ?? serving?.release
  if (of === undefined) throw refused('nothing serves here: name the release that has the migration (--release)')
  const release = await planner.open(of)
  const known = release.manifest.migrations.find(({ id }) => id === migration)
  if (known === undefined) {
    const ids = release.manifest.migrations.map(({ id }) => id).join(', ')
    throw badInput(
      `${migration} is no migration of ${of}, which has ${ids || 'none'}: name the release that has it (--release)`,
    )
  }
  const { database } = await planner.planData(release, await planner.sealConfig())
  if (!database) throw refused(`${of} has no service with x-pacs.data of kind mongodb: there is nothing to mark`)
  if (as === 'pending') {
    for (const instance of [serving, warm?.instance ?? null]) {
      if (instance === null || (await neededBy(instance, [migration], planner)).length === 0) continue
      throw refused(`${instance.release} runs and needs ${migration}: roll back to a release without first`)
    }
  } else if (known.phase === 'contract') {
    refuseWhileWarm(await lostTargets([migration], world, planner), [migration], world)
  }
  const work = { access: database.migrate, release, migration, as, reason, run: request.run, actor }
  if (as === 'applied' && known.phase === 'data' && warm) {
    // The warm release does not come back: what would be refused ends it for nothing.
    await world.jobs.mark({ ...work, askOnly: true }, run)
    await stopOldCode(run, world)
  }
  await run.report.step('mark', `${migration} as ${as}: the ledger and its history, no data`)
  const message = await world.jobs.mark(work, run).catch(endedOnTheWay(MARK_GOES_ON))
  const served = serving?.release ?? null
  return { outcome: 'done', message, serving: served, previous: served }
}
