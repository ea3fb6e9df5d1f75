import { Failure, formatDuration, messageOf, refused } from '../../lib/index.ts'
import type { RequestOf, TransactionRequest, TransactionResult } from '../protocol.ts'
import { faultOf } from '../server/probe.ts'
import { applyTraffic } from './cutover.ts'
import { accept } from './deploy.ts'
import { expiryNote } from './expired-certificate.ts'
import { ended, type Instance, type State } from './state.ts'
import type { Run, World } from './world.ts'

/**
 * The instance that a rollback goes to: of the release that was named, or the one that served before. By the current configuration
 * that is one of another release, since of the same one it could be what serves.
 * @throws Failure `refused` that lists what can be gone back to.
 */
export function rollbackTarget(
  { history, serving, warm }: State,
  { to, config }: Pick<RequestOf<'rollback'>, 'to' | 'config'>,
): Instance {
  const isOther = (one: Instance) =>
    config === 'current' ? one.release !== serving?.release : one.instance !== serving?.instance
  const accepted = history.map((entry) => entry.instance)
  const offered = [...(warm ? [warm.instance] : []), ...accepted].filter(isOther)
  const found = to === undefined ? offered[0] : accepted.find((one) => one.release === to)
  if (found) return found
  const known = [...new Set(offered.map((one) => one.release))].join(', ') || 'none'
  throw refused(
    to === undefined
      ? 'there is no earlier release to go back to: this server accepted none before'
      : `${to} was never accepted by this server, or is no longer kept; it can go back to: ${known}`,
  )
}

/**
 * Looks whether a rollback has somewhere to go, before it ends a transaction of `kind`, or the fetch of a release (null).
 * @throws Failure `refused` as it would be afterwards.
 */
export function requireTarget(
  state: State,
  request: RequestOf<'rollback'>,
  kind: TransactionRequest['kind'] | null,
): void {
  const { to } = request
  const serves = to === undefined ? kind === 'deploy' : to === state.serving?.release
  if (!serves) rollbackTarget(state, request)
}

/** Accepted releases other than the one that serves, newest first. */
export function releasesToGoBackTo({ history, serving }: State): string[] {
  return [...new Set(history.map((entry) => entry.instance.release))].filter((one) => one !== serving?.release)
}

/** Whether every container of an instance answers now. */
export async function answers(instance: Instance, world: World): Promise<boolean> {
  const names = instance.services.flatMap((service) => service.containers)
  const containers = await world.engine.containers({ names })
  const faults = await Promise.all(
    instance.services.flatMap((service) =>
      service.containers.map(async (name) => {
        const container = containers.find((one) => one.name === name)
        if (!container?.running || container.address === null) return 'gone'
        return faultOf(await world.probe(container.address, service.port, service.ready))
      }),
    ),
  )
  return faults.every((fault) => fault === null)
}

/**
 * Goes back to the warm instance, which still runs: serving and warm are exchanged in one rename, then traffic follows. A crash
 * in between is completed by the next start, since the traffic file is written from the state.
 */
export async function exchangeWarm(request: RequestOf<'rollback'>, run: Run, world: World): Promise<TransactionResult> {
  const before = world.store.state
  const { serving, warm } = before
  if (!serving || !warm) throw new Error('there is no warm instance')
  await run.report.step('switched', `traffic goes back to ${warm.instance.release}, which still runs`)
  const until = new Date(world.now() + request.keepWarm).toISOString()
  const result: TransactionResult = {
    outcome: 'deployed',
    direction: 'back',
    message: `${warm.instance.release} serves again, ${serving.release} stays warm for ${formatDuration(request.keepWarm)} (${request.reason})${await expiryNote(warm.instance, world)}`,
    serving: warm.instance.release,
    previous: serving.release,
  }
  await world.store.write({
    ...before,
    phase: 'idle',
    transaction: null,
    serving: warm.instance,
    warm: { instance: serving, until },
    ...accept(before, warm.instance, 'back', world),
    ...ended(before, result),
  })
  try {
    await applyTraffic(world)
  } catch (thrown) {
    const message = `${messageOf(thrown)}; ${serving.release} serves as before`
    await world.store.write({
      ...before,
      transaction: null,
      ...ended(before, { outcome: 'rolled-back', message, serving: serving.release, previous: serving.release }),
    })
    await applyTraffic(world)
    throw new Failure('rolled-back', message, { cause: thrown })
  }
  return result
}
