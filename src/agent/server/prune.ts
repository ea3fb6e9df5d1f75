import { join } from 'node:path'
import { removeGone, removeTree } from '../../lib/index.ts'
import type { Layout } from '../layout.ts'
import { hashesOf } from '../transaction/core-definition.ts'
import { readDefinition } from './core-files.ts'
import type { Engine } from './engine.ts'
import { LIVE } from './live-files.ts'
import { imagesOf, type Releases, visible } from './releases.ts'

/** What prune must leave. */
export interface Kept {
  instances: readonly { release: string; config: string }[]
  /** The definitions that each core service runs or is being brought to. */
  core: Readonly<Record<string, readonly string[]>>
  /** The release whose core runs. */
  coreRelease: string | null
  /** The release that serves. */
  serving: string | null
}

/** How many releases newer than what serves are kept, without their images: a migration of one may have to be marked or undone. */
const UNSERVED = 3

/** Removes releases, images, core definitions and config revisions that nothing kept names; of releases that never served the newest few stay. */
export async function pruneServer(kept: Kept, releases: Releases, paths: Layout, engine: Engine): Promise<void> {
  const services = await visible(paths.stack)
  const folders = [paths.releases, paths.config, ...services.map((service) => join(paths.stack, service))]
  await Promise.all(folders.map(removeGone))
  const names = new Set<string>([...kept.instances.map((one) => one.release), kept.coreRelease ?? ''])
  const stored = await visible(paths.releases)
  // Of one that cannot be read no image is known.
  const imagesIn = async (id: string) => releases.open(id).then(imagesOf, () => [])
  const keptImages = new Set((await Promise.all(stored.filter((id) => names.has(id)).map(imagesIn))).flat())
  // Ids sort by time.
  const newestFirst = stored.filter((id) => !names.has(id)).sort((a, b) => (a < b ? 1 : -1))
  let unserved = 0
  for (const id of newestFirst) {
    const images = await imagesIn(id)
    await engine.removeImages(images.filter((image) => !keptImages.has(image)))
    const isNewer = id > (kept.serving ?? '') && images.length > 0
    if (!isNewer || ++unserved > UNSERVED) await removeTree(join(paths.releases, id))
  }
  const revisions = new Set(kept.instances.map((one) => one.config))
  for (const service of services) {
    const hashes = (kept.core[service] ?? []).map(hashesOf)
    const live = hashes.flatMap(({ files }) => (files === null ? [] : [files, LIVE]))
    const left = new Set([...hashes.map(({ definition }) => definition), ...live])
    for (const name of await visible(join(paths.stack, service))) {
      const directory = join(paths.stack, service, name)
      if (left.has(name)) revisions.add((await readDefinition(directory))?.config ?? '')
      else await removeTree(directory)
    }
  }
  for (const revision of await visible(paths.config)) {
    if (/^[0-9a-f]{16}$/.test(revision) && !revisions.has(revision)) {
      await removeTree(join(paths.config, revision))
    }
  }
}
