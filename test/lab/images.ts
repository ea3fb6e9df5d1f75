import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { tryRun } from '../../src/lib/index.ts'
import { docker, hostEnv, IMAGE_LABEL, ids, LAB_LABEL, tryDocker } from './docker.ts'
import { fetchPackage, type NpmPackage } from './downloads.ts'
import { LabError } from './errors.ts'
import { onceAtATime } from './once.ts'
import type { Progress } from './progress.ts'
import { stateRoot } from './state.ts'

/** How one image of the lab is made: a folder with a Dockerfile, and what it stands on. */
export interface Recipe {
  name: string
  folder: string
  /** Build argument → tag of an image that it names in a FROM line. */
  from: Readonly<Record<string, string>>
  /** Packages that are put beside the Dockerfile, by file name. */
  packages?: Readonly<Record<string, NpmPackage>>
  /** Puts the host's CA bundle beside the Dockerfile as ca.crt: for builds that fetch from a registry in a network that inspects TLS. */
  hostCertificates?: boolean
}

/** Where the client has buildx: the engine's own builder, which knows the engine's images, and no attestations. */
const PLAIN_BUILD = { BUILDX_BUILDER: 'default', BUILDX_NO_DEFAULT_ATTESTATIONS: '1' }
/** The CA bundle of this machine. */
export const HOST_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

/** What the container of a build that outlives others' calls itself by its label. */
export const LONG_BUILD = 'long-build'

/** `pacs-deploy-lab/<name>:<hash>` over everything that decides the image's content. */
export async function imageTag(recipe: Recipe): Promise<string> {
  const hash = createHash('sha256')
  for (const file of await filesOf(recipe.folder)) {
    const { mode } = await stat(join(recipe.folder, file))
    const content = await readFile(join(recipe.folder, file))
    hash.update(`${file}\0${(mode & 0o111) === 0 ? '-' : 'x'}\0${content.length}\0`).update(content)
  }
  hash.update(JSON.stringify([recipe.from, recipe.packages ?? {}, recipe.hostCertificates ?? false]))
  return tagOf(recipe.name, hash.digest('hex'))
}

export function tagOf(name: string, hash: string): string {
  return `pacs-deploy-lab/${name}:${hash.slice(0, 12)}`
}

export async function imageExists(tag: string): Promise<boolean> {
  return (await tryDocker(['image', 'inspect', '--format', '{{.Id}}', tag])).code === 0
}

/**
 * Builds the image of `recipe` unless it is there.
 * @returns its tag. @throws LabError with the build's last lines
 */
export async function ensureImage(recipe: Recipe, progress: Progress): Promise<string> {
  const tag = await imageTag(recipe)
  if (!(await imageExists(tag))) await build(tag, recipe, progress)
  return tag
}

// Two names of one vendor image ask for the same image at once.
const build = onceAtATime(
  (tag: string, _recipe: Recipe, _progress: Progress) => tag,
  async (tag: string, recipe: Recipe, progress: Progress) => {
    await progress.step(`build the ${recipe.name} image`, async (detail) => {
      const context = await buildFolder()
      try {
        await cp(recipe.folder, context, { recursive: true })
        for (const [file, wanted] of Object.entries(recipe.packages ?? {}))
          await fetchPackage(wanted, join(context, file))
        if (recipe.hostCertificates) await cp(HOST_CERTIFICATES, join(context, 'ca.crt'), { dereference: true })
        const args = Object.entries(recipe.from).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`])
        const labels = ['--label', `${IMAGE_LABEL}=${recipe.name}`]
        // Which of the two streams names the cause depends on the builder: both, in the order of what was said.
        const said: string[] = []
        const onLine = (line: string) => {
          said.push(line)
          detail(line)
        }
        const command = ['build', '--force-rm', ...labels, ...args, '--tag', tag, context]
        const { code } = await tryDocker(command, { onLine, env: PLAIN_BUILD })
        if (code !== 0) throw new LabError(`the ${recipe.name} image does not build:\n${said.slice(-15).join('\n')}`)
      } finally {
        await removeBuildFolder(context)
      }
    })
  },
)

/**
 * Removes what builds left that failed, were killed, or had stages: containers of no lab, images without a name,
 * and folders.
 * Only while no build runs.
 */
export async function removeBuildLeftovers(): Promise<void> {
  const format = `{{.ID}}\t{{.Label "${IMAGE_LABEL}"}}\t{{.Labels}}`
  const lines = await ids(['ps', '-a', '--filter', `label=${IMAGE_LABEL}`, '--format', format])
  const leftovers = lines
    .map((line) => line.split('\t'))
    .flatMap(([id = '', image, labels = '']) => (image === LONG_BUILD || isOwned(labels) ? [] : [id]))
  if (leftovers.length > 0) await docker(['rm', '-fv', ...leftovers])
  await docker(['image', 'prune', '-f', '--filter', `label=${IMAGE_LABEL}`])
  const folders = join(await stateRoot(), 'builds')
  if (!existsSync(folders)) return
  for (const name of await readdir(folders)) await removeBuildFolder(join(folders, name))
}

/** Whether a container of a lab's image belongs to a lab, or to a backup, a proof or a restore that goes on. */
function isOwned(labels: string): boolean {
  return labels.split(',').some((label) => label.startsWith(`${LAB_LABEL}=`) || label.startsWith('pacs.'))
}

/** A fresh folder for one build. Builds run one process at a time, so what a killed one left can be told. */
export async function buildFolder(): Promise<string> {
  const parent = join(await stateRoot(), 'builds')
  await mkdir(parent, { recursive: true, mode: 0o700 })
  return mkdtemp(join(parent, 'build-'))
}

/** Removes a build's folder. A debootstrap that was ended left /proc mounted in it, and removing that would reach into the host's. */
export async function removeBuildFolder(folder: string): Promise<void> {
  const mounted = join(folder, 'root/proc')
  if (existsSync(mounted)) await tryRun('umount', ['-l', mounted], { env: hostEnv() })
  await rm(folder, { recursive: true, force: true })
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}
