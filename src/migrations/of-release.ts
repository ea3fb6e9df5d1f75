import { refused } from '../lib/index.ts'
import type { ReleaseManifest } from '../release/index.ts'
import { importMigrations, lockedFiles, type Migration } from './files.ts'

/** The migrations that a release carries, in order. What they do is imported when it is asked for: mostly nothing is pending. */
export interface Carried {
  known: readonly Pick<Migration, 'id' | 'sha256' | 'phase'>[]
  load(): Promise<readonly Migration[]>
}

/**
 * Those in `folder` that a release carries; newer ones are left out.
 * @throws Failure `bad-input` when `folder` is not as it was locked, `refused` when one of the release is not there, or is there with
 *   another content.
 */
export async function readCarried(folder: string, known: ReleaseManifest['migrations']): Promise<Carried> {
  const files = await lockedFiles(folder)
  const wrong = known.filter(({ id, sha256 }) => files.find((one) => one.id === id)?.sha256 !== sha256)
  if (wrong.length > 0) {
    const names = wrong.map(({ id }) => id).join(', ')
    throw refused(`these are not the migrations of the release (${names} differ or are missing): check out its commit`)
  }
  const ids = new Set(known.map(({ id }) => id))
  return { known, load: () => importMigrations(files.filter(({ id }) => ids.has(id))) }
}
