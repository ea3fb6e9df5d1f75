import { badInput, type Failure, type Redact, refused } from '../lib/index.ts'
import { askRegistry } from '../release/index.ts'
import type { DraftImage } from './draft.ts'
import { inspectLocalImage } from './local-image.ts'
import type { ImageSource } from './plan.ts'
import type { Log } from './progress.ts'
import { readSavedImage, type SavedImage } from './saved-image.ts'

interface PullContext {
  platform: string
  /** See {@link BuildEngine}: then nothing has to be read out of the image. */
  namesByConfig: boolean
  env: Readonly<Record<string, string>>
  redact: Redact
  log: Log
  signal: AbortSignal
}

/**
 * Pulls a vendor's image for one platform.
 * @throws Failure `bad-input` when there is none of that name and platform, `refused` or `error` when the registry does not give it.
 */
export async function pullImage(source: ImageSource & { kind: 'pull' }, context: PullContext): Promise<DraftImage> {
  const { reference } = source
  await pull(source.service, reference, context)
  const { config, manifestInIndex } = await describe(source.service, reference, context)
  // One image store keeps the vendor's index of platforms and would push it as such; the manifest inside it is one image.
  const local = manifestInIndex === null ? reference : `${repositoryOf(reference)}@${manifestInIndex}`
  if (manifestInIndex !== null) await pull(source.service, local, context)
  const found = await inspectLocalImage(local, context)
  if (!found) throw vanished(source.service, local)
  if (found.platform !== context.platform) {
    throw badInput(
      `${source.service}: ${reference} is there for ${found.platform} only, the release is for ${context.platform}`,
    )
  }
  return { local, image: found.image, config, platform: context.platform, verdict: null, built: false }
}

/** The configuration of what was pulled; push compares it with the registry's own answer. */
async function describe(service: string, reference: string, context: PullContext): Promise<SavedImage> {
  // Writing a vendor's image out takes seconds, and the answer is known where the engine names images by it.
  if (!context.namesByConfig) return readSavedImage(reference, context)
  const found = await inspectLocalImage(reference, context)
  if (!found) throw vanished(service, reference)
  return { config: found.image, manifestInIndex: null }
}

function vanished(service: string, local: string): Failure {
  return refused(`${service}: the engine has no ${local} right after it was pulled; is something pruning here?`)
}

async function pull(service: string, reference: string, context: PullContext): Promise<void> {
  const args = ['pull', '--platform', context.platform, reference]
  const pulled = await askRegistry('pull', reference, args, { ...context, onLine: context.log })
  if (typeof pulled !== 'string')
    throw badInput(`${service}: there is no image ${reference}: is its name or tag right?`)
}

/** The name of an image without tag and digest. */
export function repositoryOf(reference: string): string {
  return reference.replace(/@.*$/, '').replace(/:[^/:]+$/, '')
}
