import { join } from 'node:path'
import { bootstrappedTag, ensureBaseImage, hubAnswers } from './base-image.ts'
import { docker } from './docker.ts'
import { NODE_AND_NPM, NODE_ONLY } from './downloads.ts'
import { ensureImage, imageExists, imageTag, type Recipe, removeBuildLeftovers } from './images.ts'
import { ensureLibrary } from './library.ts'
import { withLock } from './lock.ts'
import type { Progress } from './progress.ts'
import { type Parents, standInRecipe } from './stand-ins.ts'
import { beginTrivy } from './trivy.ts'
import { vendorImages } from './vendor-images.ts'

/** Tags on the host's engine of all images that a lab runs. */
export interface ImageSet {
  server: string
  runner: string
  /** The registry, with the vendors' images in it. */
  library: string
}

/** For the fixtures of tests, whatever the stack names. */
const ALWAYS = ['node:24-slim']

/** Builds what is missing, side by side where one does not stand on the other; one process of the machine at a time. */
export async function ensureImages(progress: Progress): Promise<ImageSet> {
  return withLock('images', async () => {
    const fromHub = await hubAnswers(progress)
    const base = await ensureBaseImage(fromHub, progress)
    await beginTrivy(base, progress)
    const names = [...new Set([...ALWAYS, ...(await vendorImages())])]
    const images = buildAll(base, names, fromHub, progress)
    // All builds have ended, well or not, before their leftovers are removed.
    await Promise.allSettled(images)
    await removeBuildLeftovers()
    const [server, runner, library] = await Promise.all(images)
    return { server, runner, library }
  })
}

/**
 * One vendor's image, or what stands in for it. One that is there is found without waiting for builds of other processes.
 * @returns its tag on the host's engine, and whether it is the vendor's
 */
export async function ensureVendorImage(name: string, progress: Progress): Promise<{ image: string; real: boolean }> {
  if (await hubAnswers(progress)) return { image: await pullVendorImage(name, progress), real: true }
  const image = await imageTag(await standInRecipe(name, onBase(bootstrappedTag(), imageTag)))
  if (await imageExists(image)) return { image, real: false }
  return withLock('images', async () => {
    const base = await ensureBaseImage(false, progress)
    return { image: await ensureStandIn(name, base, progress), real: false }
  })
}

function buildAll(
  base: string,
  names: readonly string[],
  fromHub: boolean,
  progress: Progress,
): [server: Promise<string>, runner: Promise<string>, library: Promise<string>] {
  const tools = onBase(base, (wanted) => ensureImage(wanted, progress)).TOOLS()
  const server = ensureImage(recipe('server', { BASE: base }), progress)
  const runner = Promise.all([server, tools]).then(([SERVER, TOOLS]) =>
    ensureImage({ ...recipe('runner', { SERVER, TOOLS }), packages: NODE_AND_NPM }, progress),
  )
  const registry = ensureImage(recipe('registry', { BASE: base }), progress)
  const vendors = names.map(async (name): Promise<[string, string]> => {
    if (fromHub) return [name, await pullVendorImage(name, progress)]
    return [name, await ensureStandIn(name, base, progress)]
  })
  const library = Promise.all([registry, ...vendors]).then(([image, ...found]) =>
    ensureLibrary(image, new Map(found), progress),
  )
  return [server, runner, library]
}

async function ensureStandIn(name: string, base: string, progress: Progress): Promise<string> {
  const parents = onBase(base, (wanted) => ensureImage(wanted, progress))
  return ensureImage(await standInRecipe(name, parents), progress)
}

/** The images that stand-ins are made from. @param image makes the image of a recipe, once however many ask for it at a time, or names it */
function onBase(base: string, image: (recipe: Recipe) => Promise<string>): Parents {
  const fetching = (name: string) => () => image({ ...recipe(name, { BASE: base }), hostCertificates: true })
  return {
    BASE: async () => base,
    TOOLS: fetching('tools'),
    FERRETDB: fetching('ferretdb'),
    NODE: () => image({ ...recipe('node', { BASE: base }), packages: NODE_ONLY }),
    DOCUMENTDB: () => image(recipe('documentdb', { BASE: base })),
  }
}

function recipe(name: string, from: Recipe['from']): Recipe {
  return { name, folder: join(import.meta.dirname, 'recipes', name), from }
}

async function pullVendorImage(name: string, progress: Progress): Promise<string> {
  if (!(await imageExists(name))) {
    await progress.step(`pull ${name}`, (detail) =>
      docker(['pull', '--platform', 'linux/amd64', name], { onLine: detail }),
    )
  }
  return name
}
