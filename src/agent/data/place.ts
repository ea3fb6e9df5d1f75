import { join } from 'node:path'
import { z } from 'zod'
import { dockerIn, type Tools } from '../../backup/index.ts'

/** Where backups are made on this server, and by which programs. */
export const placeSchema = z.object({
  /** `/opt/pacs/backups`. */
  backups: z.string(),
  /** `/opt/pacs/metrics`. */
  metrics: z.string(),
  restic: z.string(),
  path: z.string(),
  dockerConfig: z.string(),
})
export type Place = z.infer<typeof placeSchema>

/** Below the backups: where a backup, a verification and a restore work. Each is emptied at its end, so what lies there was left by a kill. */
export const WORK_FOLDERS = ['work', 'verify', 'restore'] as const
export type WorkFolder = (typeof WORK_FOLDERS)[number]

export function toolsOf({ backups, restic, path, dockerConfig }: Place): Tools {
  const docker = dockerIn({ PATH: path, HOME: dockerConfig, DOCKER_CONFIG: dockerConfig })
  return { docker, restic, path, cache: join(backups, 'cache') }
}
