import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { z } from 'zod'
import { type Failure, refused } from '../lib/index.ts'
import type { EngineAccess } from './engine-socket.ts'
import { openImageReader } from './image-reader.ts'
import { collectTarEntries } from './tar.ts'

/** The label of an image that says in which folder of it the page lies that a budget is for. */
export const PAGE_LABEL = 'org.pacs-deploy.page'
/** Where the build tells which file needs which others, below that folder. */
const MANIFEST = '.vite/manifest.json'

const pageWeightSchema = z.object({
  /** Sum of the files, in bytes. */
  bytes: z.number(),
  /** What a browser asks for before the page does anything, the largest first; sizes gzipped, in bytes. */
  files: z.array(z.object({ path: z.string(), bytes: z.number() })),
})
export type PageWeight = z.infer<typeof pageWeightSchema>

/** Reads what an earlier release says of its page; null where it says nothing that is understood. */
export function readPageWeight(text: string | undefined): PageWeight | null {
  if (text === undefined) return null
  try {
    return pageWeightSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

const manifestSchema = z.record(
  z.string(),
  z.object({
    file: z.string(),
    isEntry: z.boolean().default(false),
    imports: z.array(z.string()).default([]),
    css: z.array(z.string()).default([]),
  }),
)
type Manifest = z.infer<typeof manifestSchema>

/** Larger files than 64 MiB are in no page. */
const LARGEST = 64 * 1024 ** 2

/**
 * Weighs what the page in an image loads first: the HTML, its scripts and styles, and all that they import before they run.
 * @throws Failure `refused` when the image does not say where its page is, or its build's manifest is missing or wrong
 */
export async function weighPage(service: string, image: string, engine: EngineAccess): Promise<PageWeight> {
  const complain = (what: string) => refused(`${service}: it has a bundle-budget, but ${what}`)
  const reader = openImageReader(engine)
  const labelled = reader.label(image, PAGE_LABEL)
  labelled.catch(() => undefined)
  const container = await reader.create(image)
  const read = async () => {
    const folder = await labelled
    if (!folder.startsWith('/')) {
      throw complain(`its image has no label ${PAGE_LABEL} with the folder of the page: set one in its Dockerfile`)
    }
    return readPages((onBytes) => reader.read(container, folder, onBytes), folder, complain)
  }
  const { pages, files } = await read().catch(async (thrown: unknown) => {
    await reader.remove(container)
    throw thrown
  })
  const [weight] = await Promise.all([heaviest(pages, files), reader.remove(container)])
  return weight
}

/** The files of each page, and their content. @param read hands out the folder of the pages as tar; false when it cannot */
async function readPages(
  read: (onBytes: (bytes: Uint8Array) => void) => Promise<boolean>,
  folder: string,
  complain: (what: string) => Failure,
) {
  const files = new Map<string, Buffer>()
  let pages: string[][] | undefined
  const learn = (text: Buffer | undefined) => {
    if (text) pages ??= firstLoads(parse(text))
  }
  const missing = () => [MANIFEST, ...(pages ?? []).flat()].filter((path) => !files.has(path))
  // The manifest comes first where paths are in order, so that one reading is enough; whatever the order, two are.
  for (let reading = 0; reading < 2 && missing().length > 0; reading++) {
    const archive = collectTarEntries((path) => {
      learn(archive.entries.get(MANIFEST))
      return missing().includes(path)
    }, LARGEST)
    if (!(await read(archive.write))) break
    for (const [path, content] of archive.entries) files.set(path, content)
    learn(files.get(MANIFEST))
  }
  if (pages === undefined) {
    throw complain(`${folder}/${MANIFEST} is not in its image: let the build write it (Vite: build.manifest: true)`)
  }
  if (pages.length === 0) throw complain(`${folder}/${MANIFEST} is no manifest of a build with an entry`)
  const [lost] = missing()
  if (lost !== undefined) throw complain(`its manifest names ${lost}, which is not in ${folder} of its image`)
  return { pages, files }
}

function parse(text: Buffer): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(text.toString('utf8')))
  } catch {
    return {}
  }
}

/** The files of each entry of a build, without what is loaded when it is needed. */
export function firstLoads(manifest: Manifest): string[][] {
  const entries = Object.entries(manifest).filter(([, { isEntry }]) => isEntry)
  return entries.map(([name]) => {
    const files = new Set(name.endsWith('.html') ? [name] : [])
    const chunks = new Set([name])
    // A set that grows while it is walked through.
    for (const chunk of chunks) {
      const { file, imports, css } = manifest[chunk] ?? { file: chunk, imports: [], css: [] }
      for (const path of [file, ...css]) files.add(path)
      for (const other of imports) chunks.add(other)
    }
    return [...files]
  })
}

const compress = promisify(gzip)

async function heaviest(
  pages: readonly (readonly string[])[],
  found: ReadonlyMap<string, Buffer>,
): Promise<PageWeight> {
  const compressed = [...found].map(async ([path, content]) => [path, (await compress(content)).length] as const)
  const sizes = new Map(await Promise.all(compressed))
  const weights = pages.map((paths) => {
    const files = paths.map((path) => ({ path, bytes: sizes.get(path) ?? 0 })).sort((a, b) => b.bytes - a.bytes)
    return { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), files }
  })
  return weights.reduce((most, one) => (one.bytes > most.bytes ? one : most))
}
