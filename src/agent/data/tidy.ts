import { join } from 'node:path'
import { clearLeftovers, removeScratch, removeVolumeReaders } from '../../backup/index.ts'
import { type Place, toolsOf, type WorkFolder } from './place.ts'

/**
 * Undoes what a killed backup, verification or restore `left`, but for its files: first of all a service that was paused. What runs
 * is not among them: a verification may, beside a backup.
 */
export async function tidyHere(place: Place, left: readonly WorkFolder[]): Promise<null> {
  const { docker } = toolsOf(place)
  if (left.includes('work')) await clearLeftovers(docker, join(place.backups, 'work'))
  // A restore of a study asks its index in a scratch container, too.
  if (left.includes('verify') || left.includes('restore')) await removeScratch(docker)
  if (left.includes('restore')) await removeVolumeReaders(docker)
  return null
}
