import type { Machine } from '../lab/index.ts'

/** Vendors' images by the names under which the runner's engine finds them in its mirror of docker.io. */
export const TINY = 'tiny:1'
/** An index of two platforms, as vendors publish. */
export const MANY_PLATFORMS = 'many:1'

const MIRROR = 'registry.lab:5000/library'

/** Publishes {@link TINY} and {@link MANY_PLATFORMS} in the lab's registry. */
export async function publishVendorImages(runner: Machine): Promise<void> {
  await publish(runner, `${MIRROR}/tiny:1`, 'linux/amd64')
  const parts = []
  for (const arch of ['amd64', 'arm64']) {
    const part = `${MIRROR}/many:1-${arch}`
    await publish(runner, part, `linux/${arch}`)
    parts.push(part)
  }
  await publishIndex(runner, `${MIRROR}/many:1`, parts)
}

/** Publishes an index over images that lie in the registry. */
export async function publishIndex(runner: Machine, name: string, parts: readonly string[]): Promise<void> {
  await runner.run(['docker', 'manifest', 'create', '--amend', name, ...parts])
  await runner.run(['docker', 'manifest', 'push', '--purge', name])
}

async function publish(runner: Machine, name: string, platform: string): Promise<void> {
  const options = ['--provenance=false', '--sbom=false', '--load', '--platform', platform, '--label', `for=${platform}`]
  await runner.run(['docker', 'buildx', 'build', ...options, '--tag', name, '--file', '-', '/etc/apt'], {
    input: 'FROM scratch\nCOPY . /files\n',
  })
  await runner.run(['docker', 'push', name])
  // The engine must get it from the registry, as it gets a vendor's.
  await runner.run(['docker', 'image', 'rm', name])
}
