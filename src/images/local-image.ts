import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { Failure, tryRun } from '../lib/index.ts'
import { type Digest, digestSchema } from '../release/index.ts'
import { readSavedImage } from './saved-image.ts'

/** An image as the engine of this machine calls it. */
export interface LocalImage {
  /** Good for comparing with itself only: see {@link DraftImage}. */
  image: Digest
  platform: string
}

const FORMAT = '{{.Id}} {{.Os}}/{{.Architecture}}'

/** Looks `name` up in the engine; null when it has no such image. */
export async function inspectLocalImage(
  name: string,
  options: { env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<LocalImage | null> {
  const { env, signal } = options
  const { code, stdout } = await tryRun('docker', ['image', 'inspect', '--format', FORMAT, name], { env, signal })
  return code === 0 ? parseImage(stdout) : null
}

/** Looks all these names up by one start of the client. @returns an image, or null, for each name in turn */
export async function inspectLocalImages(
  names: readonly string[],
  options: { env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<(LocalImage | null)[]> {
  const { code, stdout } = await tryRun('docker', ['image', 'inspect', '--format', FORMAT, ...names], options)
  // With one of them missing, nobody says which line is whose.
  if (code !== 0) return Promise.all(names.map((name) => inspectLocalImage(name, options)))
  return stdout.split('\n').map(parseImage)
}

function parseImage(line: string): LocalImage {
  const [image, platform = ''] = line.trim().split(' ')
  return { image: digestSchema.parse(image), platform }
}

/** What `--metadata-file` of buildx tells; some builders leave the config out. */
const metadataSchema = z.object({ 'containerimage.config.digest': digestSchema.optional() })

/** Looks up what buildx has just loaded into the engine as `local`. @throws Failure `error` when it is not there. */
export async function inspectBuiltImage(
  local: string,
  metadataFile: string,
  options: { env: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<LocalImage & { config: Digest }> {
  const found = await inspectLocalImage(local, options)
  if (!found) throw new Failure('error', `buildx succeeded, but the engine has no image ${local}`)
  const said = metadataSchema.parse(JSON.parse(await readFile(metadataFile, 'utf8')))
  const config = said['containerimage.config.digest'] ?? (await readSavedImage(local, found, options)).config
  return { ...found, config }
}
