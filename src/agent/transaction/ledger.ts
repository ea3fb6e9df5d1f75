import { messageOf } from '../../lib/index.ts'
import type { Plan, World } from './world.ts'

/**
 * Whether a release may run on the database as it is (I4): `refusal` says why not, null when it may, and `note` what a person should
 * know who lets it. A ledger that cannot be read is such a reason, told after what is missing of the core, since the database is part
 * of that.
 */
export async function judgeMigrations(
  { release: { id, manifest }, data: { database } }: Plan,
  world: World,
): Promise<{ refusal: string | null; note: string | null }> {
  const { length } = manifest.migrations
  if (database === null) {
    const refusal = `${id} carries ${length} migrations, and no service of its stack has x-pacs.data of kind mongodb`
    return { refusal: length === 0 ? null : refusal, note: null }
  }
  try {
    const { refusals, waiting } = await world.jobs.judge(database.migrate, manifest.migrations)
    if (refusals.length > 0) return { refusal: refusals.join('; '), note: null }
    // Nothing in a manifest says which shapes the code reads: a contract may mean that it is the new one only.
    const note = `${waiting.contract.join('; ')}: if ${id} reads the new shape only, roll back and first deploy the release that brought the data migration`
    return { refusal: null, note: waiting.contract.length === 0 ? null : note }
  } catch (thrown) {
    return { refusal: `what is applied in the database of ${id} is not known: ${messageOf(thrown)}`, note: null }
  }
}
