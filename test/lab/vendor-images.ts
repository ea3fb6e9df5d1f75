import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

const PRODUCTION = join(import.meta.dirname, '../../deployment/production')

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string().optional(),
      build: z.unknown().optional(),
      profiles: z.array(z.string()).default([]),
    }),
  ),
})

/**
 * The vendors' images that a release of the shipped stack names: `FROM` in its Dockerfiles, `image` of services that are not built.
 * Services of profiles are none of a release.
 */
export async function vendorImages(folder: string = PRODUCTION): Promise<string[]> {
  if (!existsSync(folder)) return []
  const found = new Set<string>()
  for (const name of await readdir(folder)) {
    const text = async () => readFile(join(folder, name), 'utf8')
    if (name.startsWith('Dockerfile')) for (const image of imagesOfDockerfile(await text())) found.add(image)
    // What lies over it is fetched by the test that wants it.
    if (name === 'docker-compose.prod.yml') for (const image of imagesOfCompose(await text())) found.add(image)
  }
  return [...found].sort()
}

export function imagesOfDockerfile(text: string): string[] {
  const stages = new Set<string>(['scratch'])
  const images: string[] = []
  const argument = new Map<string, string>()
  for (const line of text.split('\n')) {
    const arg = /^ARG\s+(\w+)=(\S+)/i.exec(line)
    if (arg?.[1] !== undefined && arg[2] !== undefined) argument.set(arg[1], arg[2])
    const from = /^FROM\s+(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?/i.exec(line)
    if (from?.[1] === undefined) continue
    const image = from[1].replace(/\$\{?(\w+)\}?/g, (whole, name) => argument.get(name) ?? whole)
    if (!stages.has(image)) images.push(image)
    if (from[2] !== undefined) stages.add(from[2])
  }
  return images
}

/** @param profile whose services are meant; those of none when left out */
export function imagesOfCompose(text: string, profile?: string): string[] {
  const { services } = composeFile.parse(parse(text, { merge: true }))
  return Object.values(services).flatMap(({ image, build, profiles }) => {
    const isMeant = profile === undefined ? profiles.length === 0 : profiles.includes(profile)
    return image === undefined || build !== undefined || !isMeant ? [] : [image]
  })
}
