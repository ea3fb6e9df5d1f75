import { z } from 'zod'
import { Failure, refusalOf, tryRun } from '../lib/index.ts'
import { type Digest, digestSchema } from '../release/index.ts'
import { askEngine, type EngineAccess, socketOf } from './engine-socket.ts'
import { collectTarEntries } from './tar.ts'

/** What an image in the engine consists of, read from `docker save`: the one answer that is the same on both image stores. */
export interface SavedImage {
  config: Digest
  /** The one-platform manifest when the engine holds the image as an index of several platforms; null when it does not. */
  manifestInIndex: Digest | null
}

/** Manifests, indexes and configurations are smaller than this; layers that are too are looked at in vain. */
const LARGEST_DOCUMENT = 1024 * 1024

const saveManifest = z.tuple([z.object({ Config: z.string() })]).rest(z.unknown())
const index = z.object({ manifests: z.array(z.object({ mediaType: z.string() })) })
const manifest = z.object({ config: z.object({ digest: digestSchema }), layers: z.array(z.unknown()) })
const platforms = z.object({
  manifests: z.array(
    z.object({ digest: digestSchema, platform: z.object({ os: z.string(), architecture: z.string() }).optional() }),
  ),
})

/**
 * Reads config (and manifest) of image `name` from the engine; the image streams through, up to where it says so, and is not kept.
 * @throws Failure `error` when the engine does not give it out.
 */
export async function readSavedImage(
  name: string,
  { image, platform }: { image: Digest; platform: string },
  engine: EngineAccess,
): Promise<SavedImage> {
  const isDocument = (path: string) => /^(manifest|index)\.json$|^blobs\/sha256\/[0-9a-f]{64}$/.test(path)
  const archive = collectTarEntries(isDocument, LARGEST_DOCUMENT)
  const enough = new AbortController()
  let known: SavedImage | null = null
  let seen = 0
  const onBytes = (bytes: Uint8Array) => {
    archive.write(bytes)
    if (known !== null || archive.entries.size === seen) return
    seen = archive.entries.size
    known = describeByTarget(image, platform, archive.entries)
    if (known !== null) enough.abort()
  }
  const ending = AbortSignal.any([engine.signal, enough.signal])
  const complaint = await save(name, { ...engine, signal: ending }, onBytes).catch((thrown: unknown) => {
    if (known === null || engine.signal.aborted) throw thrown
    return null
  })
  if (known !== null) return known
  if (complaint !== null) throw new Failure('error', `the image ${name} could not be read: ${complaint}`)
  return describeSavedImage(name, archive.entries)
}

/** Hands out an image as `docker save` does. @returns why the engine did not; null when it did */
async function save(
  name: string,
  { host, env, signal }: EngineAccess,
  onBytes: (bytes: Uint8Array) => void,
): Promise<string | null> {
  const socket = socketOf(host)
  if (socket === null) {
    const { code, stderr } = await tryRun('docker', ['save', name], { env, signal, onBytes })
    return code === 0 ? null : stderr.trim()
  }
  const { status, said } = await askEngine(socket, 'GET', `/images/${name}/get`, { signal, onBytes })
  return status === 200 ? null : refusalOf(said)
}

/**
 * What the first documents of an archive tell of the image that the engine calls by the digest of its manifest, or of the index
 * that names one for each platform.
 * @returns null as long as they do not tell, and where the engine calls it by something else
 */
export function describeByTarget(
  target: Digest,
  platform: string,
  documents: ReadonlyMap<string, Buffer>,
): SavedImage | null {
  const document = (digest: string) => json(documents.get(`blobs/sha256/${digest.slice('sha256:'.length)}`))
  const top = document(target)
  const one = manifest.safeParse(top)
  if (one.success) return { config: one.data.config.digest, manifestInIndex: null }
  const several = platforms.safeParse(top)
  if (!several.success) return null
  const wanted = several.data.manifests.filter((entry) => {
    return entry.platform && `${entry.platform.os}/${entry.platform.architecture}` === platform
  })
  const [found] = wanted
  // Of two for one architecture the whole archive says which one the engine takes.
  const inside = found && wanted.length === 1 ? manifest.safeParse(document(found.digest)) : null
  return found && inside?.success ? { config: inside.data.config.digest, manifestInIndex: found.digest } : null
}

/** Finds config and manifest among the documents of a `docker save` archive. */
export function describeSavedImage(name: string, documents: ReadonlyMap<string, Buffer>): SavedImage {
  const main = saveManifest.safeParse(json(documents.get('manifest.json')))
  // `<hex>.json` from engines before 25, `blobs/sha256/<hex>` since.
  const hex = main.success ? /([0-9a-f]{64})(?:\.json)?$/.exec(main.data[0].Config)?.[1] : undefined
  if (hex === undefined)
    throw new Failure('error', `docker save ${name} gave no image: its archive has no manifest.json`)
  const config = digestSchema.parse(`sha256:${hex}`)
  const top = index.safeParse(json(documents.get('index.json')))
  const isIndex = top.success && top.data.manifests.some(({ mediaType }) => /index|manifest\.list/.test(mediaType))
  return { config, manifestInIndex: isIndex ? manifestOf(name, config, documents) : null }
}

function manifestOf(name: string, config: Digest, documents: ReadonlyMap<string, Buffer>): Digest {
  for (const [path, bytes] of documents) {
    const parsed = manifest.safeParse(json(bytes))
    if (parsed.success && parsed.data.config.digest === config) {
      return digestSchema.parse(`sha256:${path.slice('blobs/sha256/'.length)}`)
    }
  }
  throw new Failure('error', `docker save ${name} holds no manifest that names ${config}`)
}

function json(bytes: Buffer | undefined): unknown {
  // Most small blobs are compressed layers: no JSON, and no error.
  if (bytes?.[0] !== 0x7b && bytes?.[0] !== 0x5b) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
