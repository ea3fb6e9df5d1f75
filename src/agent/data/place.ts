import { join } from 'node:path'
import { z } from 'zod'
import { dockerIn, type Tools } from '../../backup/index.ts'

/** Where backups are made on this server, and by which programs. */
export const placeSchema = z.object({
  /** `/opt/pacs/backups`. */
  backups: z.string(),
  restic: z.string(),
  path: z.string(),
  dockerConfig: z.string(),
})
export type Place = z.infer<typeof placeSchema>

export function toolsOf({ backups, restic, path, dockerConfig }: Place): Tools {
  const docker = dockerIn({ PATH: path, HOME: dockerConfig, DOCKER_CONFIG: dockerConfig })
  return { docker, restic, path, cache: join(backups, 'cache') }
}
