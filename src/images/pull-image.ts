import { badInput, type Redact, refused } from '../lib/index.ts'
import { askRegistry } from '../release/index.ts'
import type { DraftImage } from './draft.ts'
import { askEngine, type EngineAccess, socketOf } from './engine-socket.ts'
import { inspectLocalImage, type LocalImage } from './local-image.ts'
import { isNewest, rememberNewest } from './newest-image.ts'
import type { ImageSource } from './plan.ts'
import type { Log } from './progress.ts'
import { rememberedImage } from './remembered-image.ts'
import { readSavedImage } from './saved-image.ts'

interface PullContext extends EngineAccess {
  platform: string
  /** See {@link BuildEngine}: then nothing has to be read out of the image. */
  namesByConfig: boolean
  /** A directory of this user alone, kept from one job to the next where the machine is; left out: nothing is kept. */
  memory?: string
  redact: Redact
  log: Log
}

/**
 * Pulls a vendor's image for one platform, unless what the registry has under its name, or had a few minutes ago, is here.
 * @throws Failure `bad-input` when there is none of that name and platform, `refused` or `error` when the registry does not give it.
 */
export async function pullImage(source: ImageSource & { kind: 'pull' }, context: PullContext): Promise<DraftImage> {
  const { reference } = source
  const pulled = (await findPulled(reference, context)) ?? (await pull(source.service, reference, context))
  const { local, config, found } = await describe(source.service, reference, pulled, context)
  if (found.platform !== context.platform) {
    throw badInput(
      `${source.service}: ${reference} is there for ${found.platform} only, the release is for ${context.platform}`,
    )
  }
  return { local, image: found.image, config, platform: context.platform, verdict: null, built: false }
}

/** The configuration of what was pulled, which push compares with the registry's own answer, and the name under which it is one image. */
async function describe(service: string, reference: string, pulled: LocalImage, context: PullContext) {
  // Writing a vendor's image out takes seconds, and the answer is known where the engine names images by it.
  if (context.namesByConfig) return { local: reference, config: pulled.image, found: pulled }
  const { config, manifestInIndex } = await rememberedImage(context.memory, pulled, () =>
    readSavedImage(reference, pulled, context),
  )
  // One image store keeps the vendor's index of platforms and would push it as such; the manifest inside it is one image.
  const local = manifestInIndex === null ? reference : `${repositoryOf(reference)}@${manifestInIndex}`
  if (manifestInIndex === null) return { local, config, found: pulled }
  return { local, config, found: (await findPulled(local, context)) ?? (await pull(service, local, context)) }
}

/** Milliseconds in which an engine says that it has the newest; one that is slower is left to the client. */
const LOOK_LIMIT = 10_000

/**
 * The image that a pull would give, where it is here: a client that pulls takes 60 ms of a processor to say so, the engine 35, and the
 * registry has to answer, so it is not asked for one name twice within minutes.
 * @returns null where only the client can tell, as of a registry that wants its login
 */
async function findPulled(reference: string, context: PullContext): Promise<LocalImage | null> {
  const found = await inspectLocalImage(reference, context)
  if (found?.platform !== context.platform) return null
  const [, digest] = reference.split('@')
  if (digest !== undefined) return found.known.some((known) => known === digest) ? found : null
  if (await isNewest(context.memory, reference, found)) return found
  const said = await pullWithoutLogin(reference, context)
  if (said === null) return null
  const newest = UP_TO_DATE.test(said) ? found : await inspectLocalImage(reference, context)
  if (newest) await rememberNewest(context.memory, reference, newest)
  return newest
}

const UP_TO_DATE = /"Status: Image is up to date for /

/**
 * Lets the engine pull without a login: of an image that it has, it asks the registry (or its mirror) for the digest alone, which
 * counts against no limit of Docker Hub's.
 * @returns what it said of it; null where it could not
 */
async function pullWithoutLogin(reference: string, { host, platform, signal }: PullContext): Promise<string | null> {
  const socket = socketOf(host)
  // Of a name alone the engine would pull all tags.
  if (socket === null || !/:[^/]+$/.test(reference)) return null
  const query = new URLSearchParams({ fromImage: reference, platform })
  const limited = AbortSignal.any([signal, AbortSignal.timeout(LOOK_LIMIT)])
  const answer = await askEngine(socket, 'POST', `/images/create?${query}`, { signal: limited }).catch(() => null)
  signal.throwIfAborted()
  // It tells of what goes wrong on the way in a line of its answer.
  return answer?.status === 200 && !/"error(?:Detail)?":/.test(answer.said) ? answer.said : null
}

async function pull(service: string, reference: string, context: PullContext): Promise<LocalImage> {
  const args = ['pull', '--platform', context.platform, reference]
  const pulled = await askRegistry('pull', reference, args, { ...context, onLine: context.log })
  if (typeof pulled !== 'string')
    throw badInput(`${service}: there is no image ${reference}: is its name or tag right?`)
  const found = await inspectLocalImage(reference, context)
  if (found) {
    await rememberNewest(context.memory, reference, found)
    return found
  }
  throw refused(`${service}: the engine has no ${reference} right after it was pulled; is something pruning here?`)
}

/** The name of an image without tag and digest. */
export function repositoryOf(reference: string): string {
  return reference.replace(/@.*$/, '').replace(/:[^/:]+$/, '')
}
