import { badInput, refused } from '../../lib/index.ts'
import type { RequestOf, TransactionResult } from '../protocol.ts'
import { UNDO_GOES_ON } from './guest.ts'
import { backUpFirst, stopOldCode } from './migrate.ts'
import { endedOnTheWay } from './outcome.ts'
import type { Planner } from './planner.ts'
import type { Instance } from './state.ts'
import type { Run, World } from './world.ts'

/**
 * Undoes every migration after `request.to`, the last first: a fresh backup first, then by the before-images, beside the database.
 * @throws Failure `refused` while what serves needs one of them, or while nothing is decided about a document that was edited
 *   since; `failed` when it stopped on the way.
 */
export async function undoMigrations(
  request: RequestOf<'undo'>,
  run: Run,
  world: World,
  planner: Planner,
): Promise<TransactionResult> {
  const { to, keep, restore, actor } = request
  const { serving, warm } = world.store.state
  await run.report.step('preflight', request.reason)
  const of = request.of ?? serving?.release
  if (of === undefined) throw refused('nothing serves here: name the release whose migrations are undone (--release)')
  const release = await planner.open(of)
  const { migrations } = release.manifest
  if (to !== null && !migrations.some(({ id }) => id === to)) {
    const ids = migrations.map(({ id }) => id).join(', ')
    throw badInput(
      `${to} is no migration of ${of}, which has ${ids || 'none'}: name the release that has it (--release)`,
    )
  }
  const data = await planner.planData(release, await planner.sealConfig())
  if (!data.database) throw refused(`${of} has no service with x-pacs.data of kind mongodb: there is nothing to undo`)
  const access = data.database.migrate
  const { begun } = await world.jobs.judge(access, migrations)
  const undone = begun.filter((id) => to === null || id > to)
  const result = (message: string): TransactionResult => {
    const served = serving?.release ?? null
    return { outcome: 'done', message, serving: served, previous: served }
  }
  if (undone.length === 0) return result(`nothing is applied after ${to ?? 'the beginning'}`)

  const needed = serving ? await neededBy(serving, undone, planner) : []
  if (needed.length > 0) {
    throw refused(
      `${serving?.release} serves and needs ${needed.join(', ')}: roll back to a release without, ` +
        `then ask for this again with --release ${of}`,
    )
  }
  const before = await backUpFirst(request, data, run, world)
  const work = { access, release, to, keep, restore, run: request.run, actor }
  if (warm && (await neededBy(warm.instance, undone, planner)).length > 0) {
    // The warm release does not come back: what would be refused ends it for nothing.
    await world.jobs.undo({ ...work, askOnly: true }, run)
    await stopOldCode(run, world)
  }
  await run.report.step('undo', `${undone.toReversed().join(', ')}: by what was kept of each document`)
  return result((await world.jobs.undo(work, run).catch(endedOnTheWay(UNDO_GOES_ON))) + before)
}

/** Those of the migrations `undone` without which the code of `instance` cannot run. */
export async function neededBy({ release }: Instance, undone: readonly string[], planner: Planner): Promise<string[]> {
  const { manifest } = await planner.open(release)
  return manifest.migrations.filter(({ id, phase }) => phase === 'expand' && undone.includes(id)).map(({ id }) => id)
}
