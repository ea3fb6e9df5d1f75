import { join } from 'node:path'
import { BSON, NPM_ONLY } from './downloads.ts'
import { LabError } from './errors.ts'
import type { Recipe } from './images.ts'

/** The images that stand-ins are made from; each is made only when one asks. */
export type Parent = 'BASE' | 'NODE' | 'TOOLS' | 'FERRETDB' | 'DOCUMENTDB'
export type Parents = Readonly<Record<Parent, () => Promise<string>>>

/** An image of the lab that answers to a vendor's name where Docker Hub cannot be reached. */
interface StandIn {
  folder: string
  /** The tags that it is good for: those of versions that it really resembles. */
  tags: RegExp
  parents: readonly Parent[]
  packages?: Recipe['packages']
  hostCertificates?: Recipe['hostCertificates']
}

const standIns: Readonly<Record<string, StandIn>> = {
  node: { folder: 'node', tags: /^24\b/, parents: ['BASE', 'NODE'], packages: NPM_ONLY },
  'nginxinc/nginx-unprivileged': { folder: 'nginx', tags: /^1\.\d+/, parents: ['BASE'] },
  traefik: { folder: 'traefik', tags: /^v3\.7(\.15)?$/, parents: ['BASE', 'TOOLS'] },
  mongo: {
    folder: 'mongo',
    tags: /^8\.0\b/,
    parents: ['BASE', 'NODE', 'FERRETDB', 'DOCUMENTDB'],
    packages: BSON,
  },
  postgres: { folder: 'postgres', tags: /^17\b/, parents: ['BASE'] },
  redis: { folder: 'redis', tags: /^8\b/, parents: ['BASE'] },
  'prom/prometheus': { folder: 'monitoring', tags: /^v3\./, parents: ['BASE'] },
  'prom/alertmanager': { folder: 'monitoring', tags: /^v0\./, parents: ['BASE'] },
  'prom/node-exporter': { folder: 'monitoring', tags: /^v1\./, parents: ['BASE'] },
  'prom/blackbox-exporter': { folder: 'monitoring', tags: /^v0\./, parents: ['BASE'] },
  'oliver006/redis_exporter': { folder: 'monitoring', tags: /^v1\..+-alpine$/, parents: ['BASE'] },
  // Only the test that lays it over the stack asks for it: its build takes minutes.
  'percona/mongodb_exporter': {
    folder: 'mongodb-exporter',
    tags: /^0\.53$/,
    parents: ['BASE'],
    hostCertificates: true,
  },
  'orthancteam/orthanc': { folder: 'orthanc', tags: /^26\./, parents: ['BASE'] },
}

/**
 * How the image is made that stands in for `reference`, a vendor's image with its tag.
 * @throws LabError when there is no such image, or not of this version
 */
export async function standInRecipe(reference: string, parents: Parents): Promise<Recipe> {
  const { folder, parents: wanted, packages, hostCertificates } = standInFor(reference)
  const from = await Promise.all(wanted.map(async (name) => [name, await parents[name]()] as const))
  return {
    name: `stand-in-${folder}`,
    folder: join(import.meta.dirname, 'stand-ins', folder),
    from: Object.fromEntries(from),
    ...(packages === undefined ? {} : { packages }),
    ...(hostCertificates === undefined ? {} : { hostCertificates }),
  }
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
