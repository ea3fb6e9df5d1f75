import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, replaceFile } from '../../lib/index.ts'
import { parsePinned, readManifest, readReleaseImage, requireVerdicts } from '../../release/index.ts'
import { pinnedImage } from '../../stack/index.ts'
import type { Release } from '../transaction/world.ts'

/** Holds the hash of a stored `release.json`, beside it: it is read again for every transaction. */
const KEPT_HASH = 'release.json.sha256'

/** The releases of a server, each unpacked in a folder named by its id. */
export interface Releases {
  /** Pulls, verifies and unpacks a release image, unless that was done before. */
  fetch(reference: string, signal: AbortSignal): Promise<Release>
  open(id: string): Promise<Release>
  all(): Promise<Release[]>
}

/** The releases in `directory`; `env` is the environment of `docker`. */
export function openReleases(
  directory: string,
  env: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Releases {
  const all = async () => Promise.all((await visible(directory)).map(open))

  const open = async (id: string): Promise<Release> => {
    const folder = join(directory, id)
    const file = join(folder, 'release.json')
    const kept = await readFile(join(folder, KEPT_HASH), 'utf8').catch(() => '')
    const manifest = readManifest(file, await readFile(file), kept.trim())
    const reference = (await readFile(join(folder, 'reference'), 'utf8')).trim()
    return { id: manifest.id, reference, manifest, directory: folder }
  }

  return {
    open,
    all,
    async fetch(reference, signal) {
      const pinned = parsePinned('release', reference)
      const known = (await all()).find((release) => release.reference === reference)
      if (known) {
        // It may lie here since an agent that did not ask.
        requireVerdicts(known.manifest)
        return known
      }
      const beside = join(directory, `.${pinned.digest.slice('sha256:'.length, 19)}.new`)
      await rm(beside, { recursive: true, force: true })
      await mkdir(beside, { mode: 0o750 })
      try {
        const { manifest, manifestHash } = await readReleaseImage({ pinned, into: beside, env, signal, log })
        requireVerdicts(manifest)
        await replaceFile(join(beside, KEPT_HASH), `${manifestHash}\n`, 0o640)
        await replaceFile(join(beside, 'reference'), `${reference}\n`, 0o640)
        if ((await visible(directory)).includes(manifest.id)) {
          throw badInput(
            `release ${manifest.id} is known here under another digest: push it again under an id of its own`,
          )
        }
        await rename(beside, join(directory, manifest.id))
        return await open(manifest.id)
      } finally {
        await rm(beside, { recursive: true, force: true })
      }
    },
  }
}

/** Names in a directory that are not being written; none where there is no directory. */
export async function visible(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).filter((name) => !name.startsWith('.'))
}

/** Every image that a release is made of, by digest: its own and those of its services. */
export function imagesOf({ manifest, reference }: Release): string[] {
  return [reference, ...Object.keys(manifest.images).map((service) => pinnedImage(manifest.images, service))]
}
