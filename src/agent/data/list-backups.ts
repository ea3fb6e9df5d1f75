import { arrange, type Repository, Restic } from '../../backup/index.ts'
import { Failure } from '../../lib/index.ts'
import type { HeldBackups } from '../protocol.ts'
import type { ProofPlan } from './data-plan.ts'
import { requirePassword } from './password.ts'
import { type Place, toolsOf } from './place.ts'

type Held = HeldBackups['repositories'][number]

/** Reads what the repositories hold; one that cannot be read hides nothing of the other. */
export async function listHere(
  { data, place }: { data: ProofPlan; place: Place },
  signal: AbortSignal,
): Promise<HeldBackups> {
  await requirePassword(data)
  const read = (repository: Held['repository'], at: Repository) => heldIn(repository, at, place, signal)
  const second = data.second === null ? [] : [read('second', data.second)]
  return { repositories: await Promise.all([read('first', data.repository), ...second]) }
}

async function heldIn(
  repository: Held['repository'],
  at: Repository,
  place: Place,
  signal: AbortSignal,
): Promise<Held> {
  const tools = toolsOf(place)
  try {
    const { complete, lacking } = arrange(await new Restic(tools.restic, at, tools.path, tools.cache).look({ signal }))
    const backups = [...complete, ...lacking].map(({ id, host, startedAt, bytes }) => ({
      ...{ id, server: host, startedAt, bytes },
      whole: complete.some((one) => one.id === id),
    }))
    return { repository, problem: null, backups: backups.sort((one, other) => (one.id < other.id ? 1 : -1)) }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return { repository, problem: thrown.message, backups: [] }
  }
}
