import { chmod, cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { replaceFile, syncDirectory, syncTree } from '../../lib/index.ts'
import { visible } from './releases.ts'

const PROJECT_FILE = '.compose.json'
const DEFINITION = '.definition.json'

/** What it takes to make a core service again, kept beside its files. */
const keptSchema = z.object({
  image: z.string(),
  container: z.string(),
  /** The config revision that its variables come from. */
  config: z.string(),
  /** Seconds that a stop may take. */
  grace: z.number(),
  /** The folders whose files it takes up anew on a signal. */
  live: z
    .object({ signal: z.string(), mounts: z.array(z.object({ path: z.string(), target: z.string() })) })
    .nullable()
    .default(null),
})
export type KeptDefinition = z.infer<typeof keptSchema>

/** A file or folder that a service mounts: where it lies below the service's own folder, and where it comes from. */
export interface MountSource {
  path: string
  from: string
}

/** The Compose file of a service in its own folder. */
export function projectFile(directory: string): string {
  return join(directory, PROJECT_FILE)
}

/** What was kept in a core service's folder; null when that is not there or not whole. */
export async function readDefinition(directory: string): Promise<KeptDefinition | null> {
  try {
    return keptSchema.parse(JSON.parse(await readFile(join(directory, DEFINITION), 'utf8')))
  } catch {
    return null
  }
}

/** The content of a file, or of every file below a directory in the order of their names. */
export async function contentOf(path: string): Promise<Buffer> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => null)
  if (entries === null) return readFile(path)
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Buffer.concat(
    await Promise.all(
      files
        .sort()
        .map(async (file) => Buffer.concat([Buffer.from(`\0${file.slice(path.length)}\0`), await readFile(file)])),
    ),
  )
}

/**
 * Copies what a core service mounts into a directory of its own, which appears whole or not at all, with what it takes to make the
 * service where the directory is a definition's. One that is there already is left as it is.
 */
export async function layDown(
  directory: string,
  sources: readonly MountSource[],
  definition?: { document: unknown; kept: KeptDefinition },
): Promise<void> {
  if ((await visible(dirname(directory))).includes(basename(directory))) return
  const beside = join(dirname(directory), `.${basename(directory)}.new`)
  await rm(beside, { recursive: true, force: true })
  await mkdir(beside, { recursive: true, mode: 0o755 })
  for (const { path, from } of sources) {
    await mkdir(dirname(join(beside, path)), { recursive: true, mode: 0o755 })
    await cp(from, join(beside, path), { recursive: true })
    await openModes(join(beside, path))
  }
  if (definition) {
    await replaceFile(projectFile(beside), JSON.stringify(definition.document), 0o640)
    await replaceFile(join(beside, DEFINITION), JSON.stringify(definition.kept), 0o640)
  }
  await syncTree(beside)
  await rename(beside, directory)
  await syncDirectory(dirname(directory))
}

/** Readable by whatever user the container has; the parents keep others out. */
export async function openModes(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => null)
  await chmod(path, entries === null ? 0o444 : 0o755)
  for (const entry of entries ?? []) await openModes(join(path, entry.name))
}
