import type { CoreService } from './core-definition.ts'
import type { World } from './world.ts'

const CHANGE_OVER = 'or change over as orthanc/README.md of the stack says'

/**
 * Why an archive that is about to start would show none of the images in its volume: the index that names them is not the one which it
 * would open. Null when it shows them, or when there is none. Its image is here already.
 */
export async function explainLostIndex({ name, image, archive }: CoreService, world: World): Promise<string | null> {
  const { engine } = world
  if (archive === null || !(await engine.hasVolume(archive.volume))) return null
  const { images, sqlite } = await engine.archiveIn(archive.volume, image)
  if (!images) return null
  const lost = (why: string, what: string) =>
    `${name} would show none of the images in the volume ${archive.volume}: ${why}; ${what}`
  const { index } = archive
  if (index === null) {
    if (sqlite !== null) return null
    return lost(
      'no index of SQLite is there, which this release wants',
      `leave its index in PostgreSQL, ${CHANGE_OVER}`,
    )
  }
  if (sqlite !== null) {
    const why = `they are in an index of SQLite (${sqlite}), and this release keeps the index in ${index.service}`
    return lost(why, `stay with SQLite (docker-compose.small.yml), ${CHANGE_OVER}`)
  }
  const kept = await Promise.all(index.volumes.map((volume) => engine.hasVolume(volume)))
  if (kept.length === 0 || kept.includes(true)) return null
  const gone = `${index.service}, which keeps the index, has lost its volume ${index.volumes.join(', ')}`
  return lost(gone, 'bring that back, or restore a backup into empty volumes')
}
