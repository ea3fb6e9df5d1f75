import type { Db } from 'mongodb'
import { Failure, refused } from '../lib/index.ts'
import { compareDefinitions, compareDocuments, compareRestored } from './compare.ts'
import { countAll } from './counting.ts'
import { namesIn, readDefinitions } from './definition.ts'
import { HeldTtl } from './held-ttl.ts'
import { restoreDatabase } from './restore.ts'
import type { RestoreSession } from './restore-session.ts'
import type { RestoredFiles } from './restored-files.ts'

/**
 * Restores the database of the backup under a name that nothing has, and compares it.
 * Nothing expires in it until all is done.
 * @param bringTo what is done to it once it is as it was backed up
 * @throws Failure `failed` that names every difference
 */
export async function restoreWhole(
  { live, database: wanted, request }: RestoreSession,
  name: string,
  files: RestoredFiles,
  bringTo: (db: Db, ttl: HeldTtl) => Promise<void> = async () => {},
): Promise<void> {
  const { signal, progress } = request
  const db = live.db(name)
  if ((await namesIn(db)).length > 0) {
    throw refused(`the database ${name} is there already: nothing was overwritten`)
  }
  const onProgress = (collection: string, documents: number) => progress(`${collection}: ${documents} documents`)
  const ttl = new HeldTtl()
  const restored = await restoreDatabase({ db, directory: files.dump(wanted.database), ttl, signal, onProgress })
  const findings = [
    ...compareRestored(wanted, restored).findings,
    ...compareDefinitions(
      wanted,
      (await readDefinitions(db)).map((one) => ttl.asReleased(one)),
    ).findings,
    ...compareDocuments(wanted, await countAll(db, signal)).findings,
  ]
  if (findings.length > 0) throw new Failure('failed', `${name} differs from the backup: ${findings.join('; ')}`)
  await bringTo(db, ttl)
  await ttl.release(db)
}
