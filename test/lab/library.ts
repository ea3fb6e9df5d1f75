import { createHash } from 'node:crypto'
import { docker, IMAGE_LABEL, tryDocker } from './docker.ts'
import { imageExists, tagOf } from './images.ts'
import type { Progress } from './progress.ts'
import { waitFor } from './wait.ts'

/**
 * The registry's image with the vendors' images already in it, so that a lab that starts pushes nothing.
 * @param images vendor's name with tag → tag on the host's engine
 * @returns the image's tag
 */
export async function ensureLibrary(
  registry: string,
  images: ReadonlyMap<string, string>,
  progress: Progress,
): Promise<string> {
  const content = JSON.stringify([registry, [...images].sort()])
  const tag = tagOf('library', createHash('sha256').update(content).digest('hex'))
  if (await imageExists(tag)) return tag
  await progress.step(`put ${images.size} vendor images into the registry`, async (detail) => {
    const serve = ['docker-registry', 'serve', '/etc/docker-registry/plain.yml']
    const container = await docker(['run', '-d', '-p', '127.0.0.1::5000', registry, ...serve])
    try {
      const address = (await docker(['port', container, '5000/tcp'])).split('\n')[0] ?? ''
      await waitFor('the registry to answer', async () => (await fetch(`http://${address}/v2/`)).ok, 20_000)
      for (const [name, local] of images) {
        detail(name)
        const remote = `${address}/${repositoryPath(name)}`
        await docker(['tag', local, remote])
        try {
          await docker(['push', remote])
        } finally {
          await docker(['rmi', remote])
        }
      }
      await docker(['stop', container])
      const back = ['--change', 'CMD ["docker-registry","serve","/etc/docker-registry/tls.yml"]']
      await docker(['commit', ...back, '--change', `LABEL ${IMAGE_LABEL}=library`, container, tag])
    } finally {
      await tryDocker(['rm', '-fv', container])
    }
  })
  return tag
}

/** Where a mirror of docker.io looks for an image: `node:24` → `library/node:24`. */
export function repositoryPath(name: string): string {
  const plain = name.replace(/^docker\.io\//, '')
  return plain.includes('/') ? plain : `library/${plain}`
}
