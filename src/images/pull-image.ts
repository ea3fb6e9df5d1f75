import { badInput, type Redact, refused } from '../lib/index.ts'
import { askRegistry } from '../release/index.ts'
import type { DraftImage } from './draft.ts'
import { inspectLocalImage, type LocalImage } from './local-image.ts'
import type { ImageSource } from './plan.ts'
import type { Log } from './progress.ts'
import { rememberedImage } from './remembered-image.ts'
import { readSavedImage } from './saved-image.ts'

interface PullContext {
  platform: string
  /** See {@link BuildEngine}: then nothing has to be read out of the image. */
  namesByConfig: boolean
  /** A directory of this user alone, kept from one job to the next where the machine is; left out: nothing is kept. */
  memory?: string
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
  const { local, config, found } = await describe(source.service, reference, context)
  if (found.platform !== context.platform) {
    throw badInput(
      `${source.service}: ${reference} is there for ${found.platform} only, the release is for ${context.platform}`,
    )
  }
  return { local, image: found.image, config, platform: context.platform, verdict: null, built: false }
}

/** The configuration of what was pulled, which push compares with the registry's own answer, and the name under which it is one image. */
async function describe(service: string, reference: string, context: PullContext) {
  const pulled = await inspectPulled(service, reference, context)
  // Writing a vendor's image out takes seconds, and the answer is known where the engine names images by it.
  if (context.namesByConfig) return { local: reference, config: pulled.image, found: pulled }
  const { config, manifestInIndex } = await rememberedImage(context.memory, pulled, () =>
    readSavedImage(reference, pulled, context),
  )
  // One image store keeps the vendor's index of platforms and would push it as such; the manifest inside it is one image.
  const local = manifestInIndex === null ? reference : `${repositoryOf(reference)}@${manifestInIndex}`
  if (manifestInIndex === null) return { local, config, found: pulled }
  await pull(service, local, context)
  return { local, config, found: await inspectPulled(service, local, context) }
}

async function inspectPulled(service: string, local: string, context: PullContext): Promise<LocalImage> {
  const found = await inspectLocalImage(local, context)
  if (found) return found
  throw refused(`${service}: the engine has no ${local} right after it was pulled; is something pruning here?`)
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
