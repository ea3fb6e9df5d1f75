import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { clearLeftovers, removeScratch } from '../../backup/index.ts'
import { type Place, toolsOf } from './place.ts'

/**
 * Undoes what a killed backup left, or with `everything` also what a verification or a restore did: first of all a service that
 * was paused. `everything` is for when none of them runs: a verification does beside a backup.
 */
export async function tidyHere(place: Place, what: 'everything' | 'backup'): Promise<null> {
  const { docker } = toolsOf(place)
  await clearLeftovers(docker, join(place.backups, 'work'))
  if (what === 'backup') return null
  await removeScratch(docker)
  for (const name of ['verify', 'restore']) await rm(join(place.backups, name), { recursive: true, force: true })
  return null
}
