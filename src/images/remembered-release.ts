import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '../lib/index.ts'
import { releaseManifestSchema, sha256 } from '../release/index.ts'

const lastManifestSchema = z.strictObject({ reference: z.string(), manifest: releaseManifestSchema })

/** A release as it was pushed. */
export interface LastManifest extends z.infer<typeof lastManifestSchema> {
  /** By digest: what it holds never changes, so it has to be read once. */
  reference: string
}

/**
 * The release that this machine pushed last under `prefix`; null where it knows of none. Only the registry can say whether it is still the last one.
 * @param cache a directory of this user alone
 */
export async function recallRelease(cache: string, prefix: string): Promise<LastManifest | null> {
  try {
    return lastManifestSchema.parse(JSON.parse(await readFile(fileOf(cache, prefix), 'utf8')))
  } catch {
    return null
  }
}

/** Keeps what {@link recallRelease} gives; a machine that cannot reads it from the registry. */
export async function rememberRelease(cache: string, prefix: string, release: LastManifest): Promise<void> {
  try {
    await mkdir(join(cache, 'releases'), { recursive: true, mode: 0o700 })
    await replaceFile(fileOf(cache, prefix), JSON.stringify(release), 0o600)
  } catch {
    // The release is pushed, whatever this machine remembers.
  }
}

function fileOf(cache: string, prefix: string): string {
  return join(cache, 'releases', `${sha256(prefix).slice('sha256:'.length)}.json`)
}
