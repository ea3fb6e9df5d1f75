import { Failure, refused } from '../lib/index.ts'
import { compareDefinitions, compareDocuments, compareRestored } from './compare.ts'
import { countAll } from './counting.ts'
import { readDefinitions } from './definition.ts'
import { restoreDatabase } from './restore.ts'
import type { RestoreSession } from './restore-session.ts'
import type { RestoredFiles } from './restored-files.ts'

/**
 * Restores the database of the backup under a name that nothing has, and compares it.
 * @throws Failure `failed` that names every difference
 */
export async function restoreWhole(
  { live, database: wanted, request }: RestoreSession,
  name: string,
  files: RestoredFiles,
): Promise<void> {
  const { signal, progress } = request
  const db = live.db(name)
  if (await db.listCollections({}, { nameOnly: true }).hasNext()) {
    throw refused(`the database ${name} is there already: nothing was overwritten`)
  }
  const onProgress = (collection: string, documents: number) => progress(`${collection}: ${documents} documents`)
  const restored = await restoreDatabase({ db, directory: files.dump(wanted.database), signal, onProgress })
  const findings = [
    ...compareRestored(wanted, restored).findings,
    ...compareDefinitions(wanted, await readDefinitions(db)).findings,
    ...compareDocuments(wanted, await countAll(db, signal)).findings,
  ]
  if (findings.length > 0) throw new Failure('failed', `${name} differs from the backup: ${findings.join('; ')}`)
}
