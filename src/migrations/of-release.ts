import { refused } from '../lib/index.ts'
import type { ReleaseManifest } from '../release/index.ts'
import type { Migration } from './files.ts'

/**
 * Those of `migrations` that a release carries; newer ones are left out.
 * @throws Failure `refused` when one of the release is not there, or is there with another content.
 */
export function ofRelease(migrations: readonly Migration[], carried: ReleaseManifest['migrations']): Migration[] {
  const wrong = carried.filter(({ id, sha256 }) => migrations.find((one) => one.id === id)?.sha256 !== sha256)
  if (wrong.length > 0) {
    const names = wrong.map(({ id }) => id).join(', ')
    throw refused(`these are not the migrations of the release (${names} differ or are missing): check out its commit`)
  }
  const ids = new Set(carried.map(({ id }) => id))
  return migrations.filter(({ id }) => ids.has(id))
}
