import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { z } from 'zod'
import { refused, run, tryRun } from '../lib/index.ts'
import { READING_LABEL } from '../release/index.ts'
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

interface Engine {
  env: Readonly<Record<string, string>>
  signal: AbortSignal
}

/** Larger files than 64 MiB are in no page. */
const LARGEST = 64 * 1024 ** 2

/**
 * Weighs what the page in an image loads first: the HTML, its scripts and styles, and all that they import before they run.
 * @throws Failure `refused` when the image does not say where its page is, or its build's manifest is missing or wrong
 */
export async function weighPage(service: string, image: string, engine: Engine): Promise<PageWeight> {
  const format = `{{index .Config.Labels "${PAGE_LABEL}"}}`
  const folder = (await run('docker', ['image', 'inspect', '--format', format, image], engine)).trim()
  const complain = (what: string) => refused(`${service}: it has a bundle-budget, but ${what}`)
  if (!folder.startsWith('/')) {
    throw complain(`its image has no label ${PAGE_LABEL} with the folder of the page: set one in its Dockerfile`)
  }
  const created = await run('docker', ['create', '--label', `${READING_LABEL}=1`, image, 'none'], engine)
  const container = created.trim()
  const read = async (path: string, isWanted: (path: string) => boolean) => {
    const archive = collectTarEntries(isWanted, LARGEST)
    const options = { ...engine, onBytes: archive.write }
    const { code } = await tryRun('docker', ['cp', `${container}:${path}`, '-'], options)
    return code === 0 ? archive.entries : new Map<string, Buffer>()
  }
  try {
    const [text] = (await read(`${folder}/${MANIFEST}`, () => true)).values()
    if (text === undefined) {
      throw complain(`${folder}/${MANIFEST} is not in its image: let the build write it (Vite: build.manifest: true)`)
    }
    const pages = firstLoads(parse(text))
    if (pages.length === 0) throw complain(`${folder}/${MANIFEST} is no manifest of a build with an entry`)
    const wanted = new Set(pages.flat())
    const found = await read(`${folder}/.`, (path) => wanted.has(path))
    const missing = [...wanted].filter((path) => !found.has(path))
    if (missing.length > 0) throw complain(`its manifest names ${missing[0]}, which is not in ${folder} of its image`)
    return await heaviest(pages, found)
  } finally {
    await tryRun('docker', ['rm', '--force', '--volumes', container], { env: engine.env })
  }
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
  const sizes = new Map<string, number>()
  for (const [path, content] of found) sizes.set(path, (await compress(content)).length)
  const weights = pages.map((paths) => {
    const files = paths.map((path) => ({ path, bytes: sizes.get(path) ?? 0 })).sort((a, b) => b.bytes - a.bytes)
    return { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), files }
  })
  return weights.reduce((most, one) => (one.bytes > most.bytes ? one : most))
}
