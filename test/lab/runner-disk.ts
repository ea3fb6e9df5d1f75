import { docker, ids, tryDocker } from './docker.ts'
import { withLock } from './lock.ts'

/** What a runner keeps where it is kept: its engine's images, and the caches of its jobs. */
const KEPT = ['/var/lib/docker', '/var/lib/containerd', '/var/cache/lab']
/** Milliseconds after which it begins anew, so that what it keeps does not grow: a day. */
const LIMIT = 24 * 3_600_000

/**
 * Starts a runner on the disk of the one before it. While another lab has that disk the runner gets an empty one.
 * @param disk its name
 * @param start makes its container, given what that mounts: volume → path inside, or a path alone
 */
export function onKeptDisk<T>(disk: string, start: (mounts: readonly string[]) => Promise<T>): Promise<T> {
  return withLock(`runner disk ${disk}`, async () => {
    const volumes = KEPT.map((path) => `pacs-deploy-lab-${disk}${path.replaceAll('/', '-')}`)
    const users = await ids(['ps', '-aq', ...volumes.flatMap((volume) => ['--filter', `volume=${volume}`])])
    if (users.length > 0) return start(KEPT)
    const { code, stdout } = await tryDocker(['volume', 'inspect', '-f', '{{.CreatedAt}}', ...volumes])
    const made = stdout
      .split('\n')
      .filter(Boolean)
      .map((at) => Date.parse(at))
    if (code !== 0 || Math.min(...made) < Date.now() - LIMIT) await docker(['volume', 'rm', '-f', ...volumes])
    return start(volumes.map((volume, index) => `${volume}:${KEPT[index]}`))
  })
}
