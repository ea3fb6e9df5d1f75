import { Failure, refused, sideBySide } from '../lib/index.ts'
import { askRegistry, type Digest, type RegistryAccess, readRegistryImage, requireManifest } from '../release/index.ts'
import type { DraftImage } from './draft.ts'
import { checkEngine } from './engine.ts'
import type { EngineAccess } from './engine-socket.ts'
import { inspectLocalImage, tagImage, untagImage } from './local-image.ts'
import { readSavedImage } from './saved-image.ts'

/** A pushed image as the registry has it. */
export interface PushedImage {
  /** Digest of the one-platform manifest. */
  digest: Digest
  /** False when the registry had it already. */
  uploaded: boolean
}

/**
 * Looks whether the registry has an image of this machine under `target` already.
 * @param target repository and tag; the same content must always get the same tag, or a tag that is used once.
 * @throws Failure `error` when the registry stays away
 */
export async function findPushed(
  image: DraftImage,
  target: string,
  access: RegistryAccess,
): Promise<PushedImage | null> {
  const known = await lookUp(target, access)
  if (known?.kind !== 'manifest' || known.config !== image.config) return null
  access.log(`known already: ${target}`)
  return { digest: known.digest, uploaded: false }
}

/**
 * Brings an image of this machine to the registry under `target`, reads it back, and compares its configuration with the one that was built.
 * @param target as for {@link findPushed}
 * @throws Failure `refused` when the registry holds an index or another image; `error` when the registry stays away.
 */
export async function uploadImage(
  image: DraftImage,
  target: string,
  access: RegistryAccess & EngineAccess,
): Promise<PushedImage> {
  // By the engine's own name: what `local` names a moment later is of no account.
  await tagImage(image.image, target, access)
  try {
    const pushed = await askRegistry('push', target, ['push', target], { ...access, onLine: access.log })
    if (typeof pushed !== 'string') {
      throw refused(`push ${target}: the registry has no such repository: create it, or check the prefix`)
    }
  } finally {
    await untagImage(target, access)
  }
  const read = await requireManifest(target, access)
  if (read.config !== image.config) {
    throw refused(
      `${target}: the registry names the image configuration ${read.config}, built was ${image.config}: another push got in between; push again`,
    )
  }
  return { digest: read.digest, uploaded: true }
}

/** A tag that follows from the content: pushed again, the same image has the same name. */
export function contentTag(image: DraftImage): string {
  return image.config.replace('sha256:', 'config-')
}

/** Looks at the engine, or the registry, that run at a time: they wait for it, and cost nothing else. */
export const LOOKS_AT_A_TIME = 6

/** @throws Failure `refused` when an image is gone, or its name was moved to another one since the build */
export async function refuseMoved(images: Readonly<Record<string, DraftImage>>, engine: EngineAccess): Promise<void> {
  const looked = await sideBySide(LOOKS_AT_A_TIME, Object.entries(images), async ([service, image]) => {
    return { ...image, service, found: await inspectLocalImage(image.local, engine) }
  })
  for (const { service, local, image, config, found } of looked) {
    if (!found) {
      await checkEngine({ ...engine, space: 0 })
      throw refused(`image ${local} of ${service} is not on this machine any more: run build and push in the same job`)
    }
    if (found.image === image) continue
    const moved = await readSavedImage(local, found, engine)
    throw refused(
      `image ${local} of ${service} is now ${moved.config}, built was ${config}: it was moved between build and push; build again`,
    )
  }
}

/** What the registry has; one that hides what does not exist yet (403 instead of 404) gives its answer at the push. */
export async function lookUp(target: string, access: RegistryAccess) {
  try {
    return await readRegistryImage(target, access)
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.kind === 'refused') return null
    throw thrown
  }
}
