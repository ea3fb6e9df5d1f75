import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, isMissing, refused, removeTree, replaceFile, syncDirectory, syncTree } from '../../lib/index.ts'
import { parsePinned, readManifest, readReleaseImage, requireVerdicts } from '../../release/index.ts'
import { pinnedImage } from '../../stack/index.ts'
import type { Release } from '../transaction/world.ts'

const MANIFEST = 'release.json'
/** Holds the hash of a stored `release.json`, beside it: it is read again for every transaction. */
const KEPT_HASH = 'release.json.sha256'

/** The releases of a server, each unpacked in a folder named by its id. */
export interface Releases {
  /** Pulls, verifies and unpacks a release image, unless that was done before. */
  fetch(reference: string, signal: AbortSignal): Promise<Release>
  /** @throws Failure `refused` for one that is not here. */
  open(id: string): Promise<Release>
}

/** The releases in `directory`; `env` is the environment of `docker`. */
export function openReleases(
  directory: string,
  env: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Releases {
  const referenceOf = async (id: string) =>
    (await readFile(join(directory, id, 'reference'), 'utf8').catch(emptyIfMissing)).trim()

  /** Whether a power cut or a removal that was cut short left anything of it out. */
  const isTorn = async (id: string) =>
    (await referenceOf(id)) === '' || (await readFile(join(directory, id, MANIFEST)).catch(emptyIfMissing)).length === 0

  const find = async (reference: string): Promise<Release | null> => {
    for (const id of await visible(directory)) {
      if ((await referenceOf(id)) === reference && !(await isTorn(id))) return open(id)
    }
    return null
  }

  const open = async (id: string): Promise<Release> => {
    const folder = join(directory, id)
    const file = join(folder, MANIFEST)
    const kept = await readFile(join(folder, KEPT_HASH), 'utf8').catch(() => '')
    const content = await readFile(file).catch((thrown: unknown) => {
      if (!isMissing(thrown)) throw thrown
      throw refused(
        `release ${id} is not on this server: ask "pacs-agent migrate" with its reference first, which brings it`,
      )
    })
    const manifest = readManifest(file, content, kept.trim())
    return { id: manifest.id, reference: await referenceOf(id), manifest, directory: folder }
  }

  return {
    open,
    async fetch(reference, signal) {
      const pinned = parsePinned('release', reference)
      const known = await find(reference)
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
          if (!(await isTorn(manifest.id))) {
            throw badInput(
              `release ${manifest.id} is known here under another digest: push it again under an id of its own`,
            )
          }
          await removeTree(join(directory, manifest.id))
        }
        await syncTree(beside)
        await rename(beside, join(directory, manifest.id))
        await syncDirectory(directory)
        return await open(manifest.id)
      } finally {
        await rm(beside, { recursive: true, force: true })
      }
    },
  }
}

function emptyIfMissing(thrown: unknown): string {
  if (isMissing(thrown)) return ''
  throw thrown
}

/** Names in a directory that are not being written; none where there is no directory. */
export async function visible(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).filter((name) => !name.startsWith('.'))
}

/** Every image that a release is made of, by digest: its own and those of its services. */
export function imagesOf({ manifest, reference }: Release): string[] {
  return [reference, ...Object.keys(manifest.images).map((service) => pinnedImage(manifest.images, service))]
}
