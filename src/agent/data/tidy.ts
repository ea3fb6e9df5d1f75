import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { clearLeftovers, removeScratch } from '../../backup/index.ts'
import { type Place, toolsOf } from './place.ts'

/** Undoes what a killed backup, verification or restore left: first of all a service that it had paused. */
export async function tidyHere(place: Place): Promise<null> {
  const { docker } = toolsOf(place)
  await clearLeftovers(docker, join(place.backups, 'work'))
  await removeScratch(docker)
  for (const name of ['verify', 'restore']) await rm(join(place.backups, name), { recursive: true, force: true })
  return null
}
