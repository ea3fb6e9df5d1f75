import { Failure, refused } from '../../lib/index.ts'
import type { DataPlan } from '../data/data-plan.ts'
import type { RequestOf, TransactionResult } from '../protocol.ts'
import { RESTORE_GOES_ON } from './guest.ts'
import type { Planner } from './planner.ts'
import type { Run, World } from './world.ts'

/** The data of what runs on this server, as its configuration is now; null before anything runs. */
export async function runningData(world: World, planner: Planner): Promise<DataPlan | null> {
  const { serving, core } = world.store.state
  const running = core.release ?? serving?.release
  if (running === undefined) return null
  return planner.planData(await planner.open(running), await planner.sealConfig())
}

/** The same. @throws Failure `refused` before anything runs */
export async function requireData(world: World, planner: Planner): Promise<DataPlan> {
  const data = await runningData(world, planner)
  if (data !== null) return data
  throw refused('no service with data runs here yet: bring the core first (pacs-agent core RELEASE)')
}

/** Takes a backup of all data of what runs on this server. */
export async function backUp(run: Run, world: World, planner: Planner): Promise<TransactionResult> {
  await run.report.step('backup', 'the database, the images, the cache and the stack')
  const data = await runningData(world, planner)
  if (data === null) return done('nothing to back up: no service with data runs here yet', world)
  return done(await world.jobs.backup({ data }, run), world)
}

/** Restores from a backup, or says what that would do. */
export async function restore(
  request: RequestOf<'restore'>,
  run: Run,
  world: World,
  planner: Planner,
): Promise<TransactionResult> {
  await run.report.step(
    'restore',
    `${request.target.kind} from the ${request.backup} backup of the ${request.repository} repository${request.plan ? ', only planned' : ''}`,
  )
  const data = await requireData(world, planner)
  const restoring = world.jobs.restore({ data, ...request }, run)
  return done(await (request.plan ? restoring : restoring.catch(stopped)), world)
}

/** What ended a restore that had begun; one that had not says itself that it is refused. */
function stopped(thrown: unknown): never {
  if (!(thrown instanceof Failure) || ['refused', 'bad-input', 'locked', 'failed'].includes(thrown.kind)) throw thrown
  const { message } = thrown
  throw new Failure('failed', message.includes(RESTORE_GOES_ON) ? message : `${message}; ${RESTORE_GOES_ON}`)
}

function done(message: string, world: World): TransactionResult {
  const serving = world.store.state.serving?.release ?? null
  return { outcome: 'done', message, serving, previous: serving }
}
