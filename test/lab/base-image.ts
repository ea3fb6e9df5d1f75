import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../src/lib/index.ts'
import { docker, hostEnv, IMAGE_LABEL, tryDocker } from './docker.ts'
import { needPrograms } from './host-packages.ts'
import { buildFolder, ensureImage, imageExists, removeBuildFolder } from './images.ts'
import type { Progress } from './progress.ts'
import { stateRoot } from './state.ts'

export type Suite = 'trixie' | 'bookworm'

const DEBIAN = 'debian:trixie-slim'
/** What the vendor's slim image leaves out too. */
const LEFT_OUT = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/info/*', '/usr/share/locale/*']

/** As in the vendor's image too: without it every layer with a package holds apt's caches, 100 MB that are pushed and pulled. */
const APT_LEAVES_NOTHING = `DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
`

/** How long the attempt to pull may take, and for how long a "no" is believed, in milliseconds. */
const PULL_LIMIT = 60_000
const NO_LASTS = 60 * 60_000

/** Whether Docker Hub's images can be pulled here. A "no" is remembered for an hour. */
export async function hubAnswers(progress: Progress): Promise<boolean> {
  if (await wasPulled(DEBIAN)) return true
  const memory = join(await stateRoot(), 'docker-hub-does-not-answer')
  const remembered = await stat(memory).catch(() => undefined)
  if (remembered !== undefined && Date.now() - remembered.mtimeMs < NO_LASTS) return false
  const pulled = await progress.step(`ask Docker Hub for ${DEBIAN}`, async (detail) => {
    const pull = tryDocker(['pull', DEBIAN], { timeout: PULL_LIMIT, onLine: detail })
    return pull.then(
      ({ code }) => code === 0,
      () => false,
    )
  })
  if (!pulled) await writeFile(memory, '')
  return pulled
}

/** The image that others stand on: Debian, trixie for all but one, pulled, or made by debootstrap. @returns its tag */
export async function ensureBaseImage(fromHub: boolean, progress: Progress, suite: Suite = 'trixie'): Promise<string> {
  if (fromHub) {
    const folder = join(import.meta.dirname, 'recipes/base')
    return ensureImage({ name: 'base', folder, from: { DEBIAN: `debian:${suite}-slim` } }, progress)
  }
  const bootstrapped = bootstrappedTag(suite)
  if (!(await imageExists(bootstrapped))) await bootstrap(suite, bootstrapped, progress)
  return bootstrapped
}

/** The base image where Docker Hub does not answer. */
export function bootstrappedTag(suite: Suite = 'trixie'): string {
  return `pacs-deploy-lab/base:${suite}-minbase-3`
}

/** An image that somebody imported under this name has no digest of a registry. */
async function wasPulled(image: string): Promise<boolean> {
  const { code, stdout } = await tryDocker(['image', 'inspect', '--format', '{{len .RepoDigests}}', image])
  return code === 0 && stdout !== '0'
}

async function bootstrap(suite: Suite, tag: string, progress: Progress): Promise<void> {
  await needPrograms(['debootstrap', 'tar'], progress)
  await progress.step(`make Debian ${suite} by debootstrap`, async (detail) => {
    const work = await buildFolder()
    const root = join(work, 'root')
    const archive = join(work, 'root.tar')
    const env = hostEnv()
    try {
      await run('debootstrap', ['--variant=minbase', suite, root], { env, onLine: detail })
      await writeFile(join(root, 'etc/dpkg/dpkg.cfg.d/slim'), LEFT_OUT.map((path) => `path-exclude ${path}\n`).join(''))
      await writeFile(join(root, 'etc/apt/apt.conf.d/leave-nothing'), APT_LEAVES_NOTHING)
      const excluded = [...LEFT_OUT, '/var/cache/apt/archives/*.deb', '/var/lib/apt/lists/*'].map(
        (path) => `--exclude=.${path}`,
      )
      await run('tar', ['-C', root, ...excluded, '-cf', archive, '.'], { env })
      await docker(['import', '--change', `LABEL ${IMAGE_LABEL}=base`, archive, tag])
    } finally {
      await removeBuildFolder(work)
    }
  })
}
