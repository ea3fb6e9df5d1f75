import { messageOf } from '../../lib/index.ts'
import type { Plan, World } from './world.ts'

/**
 * Why a release may not run on the database as it is (I4); null when it may. A ledger that cannot be read is such a reason, told
 * after what is missing of the core, since the database is part of that.
 */
export async function explainUnmigrated(
  { release: { id, manifest }, data: { database } }: Plan,
  world: World,
): Promise<string | null> {
  const { length } = manifest.migrations
  if (database === null) {
    return length === 0
      ? null
      : `${id} carries ${length} migrations, and no service of its stack has x-pacs.data of kind mongodb`
  }
  try {
    const { refusals } = await world.jobs.judge(database.migrate, manifest.migrations)
    return refusals.length === 0 ? null : refusals.join('; ')
  } catch (thrown) {
    return `what is applied in the database of ${id} is not known: ${messageOf(thrown)}`
  }
}
