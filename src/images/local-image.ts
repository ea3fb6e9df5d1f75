import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { Failure, refusalOf, run, tryRun } from '../lib/index.ts'
import { type Digest, digestSchema } from '../release/index.ts'
import type { DraftImage } from './draft.ts'
import { askEngine, type EngineAccess, socketOf } from './engine-socket.ts'
import { readSavedImage } from './saved-image.ts'

/** An image as the engine of this machine calls it. */
export interface LocalImage {
  /** Good for comparing with itself only: see {@link DraftImage}. */
  image: Digest
  platform: string
  /** Digests by which registries have it: of a manifest, or of an index that it was pulled by. */
  known: readonly Digest[]
}

const inspectSchema = z.object({
  Id: digestSchema,
  Os: z.string(),
  Architecture: z.string(),
  RepoDigests: z.array(z.string()).nullish(),
})

/** Looks `name` up in the engine; null when it has no such image. */
export async function inspectLocalImage(name: string, engine: EngineAccess): Promise<LocalImage | null> {
  const said = await inspect(name, engine)
  if (said === null) return null
  const { Id, Os, Architecture, RepoDigests } = inspectSchema.parse(JSON.parse(said))
  const known = (RepoDigests ?? []).map((reference) => digestSchema.parse(reference.replace(/^.*@/, '')))
  return { image: Id, platform: `${Os}/${Architecture}`, known }
}

async function inspect(name: string, { host, env, signal }: EngineAccess): Promise<string | null> {
  const socket = socketOf(host)
  if (socket === null) {
    const args = ['image', 'inspect', '--format', '{{json .}}', name]
    const { code, stdout } = await tryRun('docker', args, { env, signal })
    return code === 0 ? stdout : null
  }
  const { status, said } = await askEngine(socket, 'GET', `/images/${name}/json`, { signal })
  if (status === 200) return said
  if (status === 404) return null
  throw new Failure('error', `the Docker engine answers ${status} about ${name}: ${refusalOf(said)}`)
}

/** Gives an image one more name, `repository:tag`. @throws Failure `error` when the engine does not */
export async function tagImage(image: Digest, name: string, { host, env, signal }: EngineAccess): Promise<void> {
  const socket = socketOf(host)
  if (socket === null) {
    await run('docker', ['tag', image, name], { env, signal })
    return
  }
  const colon = name.lastIndexOf(':')
  const query = new URLSearchParams({ repo: name.slice(0, colon), tag: name.slice(colon + 1) })
  const { status, said } = await askEngine(socket, 'POST', `/images/${image}/tag?${query}`, { signal })
  if (status !== 201)
    throw new Failure('error', `the Docker engine answers ${status} to the tag ${name}: ${refusalOf(said)}`)
}

/** Takes a name away, also in a job that is cancelled; an image goes with its last one. */
export async function untagImage(name: string, { host, env }: EngineAccess): Promise<void> {
  const socket = socketOf(host)
  if (socket === null) await tryRun('docker', ['image', 'rm', name], { env })
  else await askEngine(socket, 'DELETE', `/images/${name}`).catch(() => undefined)
}

/** What `--metadata-file` of buildx tells; some builders leave the config out. */
const metadataSchema = z.object({ 'containerimage.config.digest': digestSchema.optional() })

/** Looks up what buildx has just loaded into the engine as `local`. @throws Failure `error` when it is not there. */
export async function inspectBuiltImage(
  local: string,
  metadataFile: string,
  engine: EngineAccess,
): Promise<Pick<DraftImage, 'image' | 'platform' | 'config'>> {
  const found = await inspectLocalImage(local, engine)
  if (!found) throw new Failure('error', `buildx succeeded, but the engine has no image ${local}`)
  const said = metadataSchema.parse(JSON.parse(await readFile(metadataFile, 'utf8')))
  const config = said['containerimage.config.digest'] ?? (await readSavedImage(local, found, engine)).config
  return { image: found.image, platform: found.platform, config }
}
