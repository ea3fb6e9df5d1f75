import { join } from 'node:path'
import { NODE_AND_NPM } from './downloads.ts'
import { LabError } from './errors.ts'
import { ensureImage, type Recipe } from './images.ts'
import type { Progress } from './progress.ts'

/** An image of the lab that answers to a vendor's name where Docker Hub cannot be reached. */
interface StandIn {
  folder: string
  /** The tags that it is good for: those of versions that it really resembles. */
  tags: RegExp
  parents: readonly ('BASE' | 'TOOLS')[]
  packages?: Recipe['packages']
}

const standIns: Readonly<Record<string, StandIn>> = {
  node: { folder: 'node', tags: /^24\b/, parents: ['BASE'], packages: NODE_AND_NPM },
  'nginxinc/nginx-unprivileged': { folder: 'nginx', tags: /^1\.\d+/, parents: ['BASE'] },
  traefik: { folder: 'traefik', tags: /^v3\.7(\.15)?$/, parents: ['BASE', 'TOOLS'] },
  'orthancteam/orthanc': { folder: 'orthanc', tags: /^26\./, parents: ['BASE'] },
}

/**
 * Builds the image that stands in for `reference`, a vendor's image with its tag.
 * @returns its tag on the host's engine. @throws LabError when there is no such image, or not of this version
 */
export async function ensureStandIn(
  reference: string,
  parents: Readonly<Record<'BASE' | 'TOOLS', string>>,
  progress: Progress,
): Promise<string> {
  const { folder, parents: wanted, packages } = standInFor(reference)
  return ensureImage(
    {
      name: `stand-in-${folder}`,
      folder: join(import.meta.dirname, 'stand-ins', folder),
      from: Object.fromEntries(wanted.map((name) => [name, parents[name]])),
      ...(packages === undefined ? {} : { packages }),
    },
    progress,
  )
}

/** @throws LabError when nothing stands in for `reference` */
export function standInFor(reference: string): StandIn {
  const [repository = '', tag = 'latest'] = reference.replace(/^docker\.io\/(library\/)?/, '').split(/[:@]/, 2)
  const found = standIns[repository]
  if (found === undefined || reference.includes('@')) {
    const known = Object.keys(standIns).join(', ')
    throw new LabError(
      `nothing in the lab stands in for ${reference} (there are, by tag: ${known}): add a folder to test/lab/stand-ins`,
    )
  }
  if (!found.tags.test(tag)) {
    throw new LabError(
      `the lab's stand-in for ${repository} is good for tags like ${found.tags.source}, not for "${tag}": see test/lab/stand-ins.ts`,
    )
  }
  return found
}
