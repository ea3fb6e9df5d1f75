import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildImage } from '../../../src/images/build-image.ts'
import { sha256 } from '../../../src/release/index.ts'

const [IMAGE, CONFIG] = [sha256('image'), sha256('config')]

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-build-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Builds with an engine that refuses the first `refusals` builds, as containerd's store does when another job was quicker. */
async function build(refusals: number) {
  const docker = `#!/bin/sh
case "$1 $2" in
  'image inspect') echo '${IMAGE} linux/amd64' ;;
  'buildx build')
    echo x >> ${directory}/builds
    [ "$(wc -l < ${directory}/builds)" -gt ${refusals} ] || {
      echo 'ERROR: failed to solve: image "ghcr.io/org/pacs/api:c0ffee": already exists' >&2; exit 1
    }
    echo '{"containerimage.config.digest": "${CONFIG}"}' > ${directory}/api.json ;;
esac
`
  await writeFile(join(directory, 'docker'), docker, { mode: 0o755 })
  return buildImage(
    { kind: 'build', service: 'api', context: '.', dockerfile: 'Dockerfile', args: {} },
    {
      ...{ prefix: 'ghcr.io/org/pacs', commit: 'c0ffee', created: new Date(0), secrets: {}, platform: 'linux/amd64' },
      ...{ metadataDirectory: directory, env: { PATH: `${directory}:/usr/bin:/bin` }, redact: (text: string) => text },
      ...{ log: () => undefined, signal: new AbortController().signal },
    },
  )
}

const builds = async () => (await readFile(join(directory, 'builds'), 'utf8')).split('\n').length - 1

test('an image that another job of the machine names at the same moment is built again, once', async () => {
  expect((await build(1)).image).toMatchObject({ image: IMAGE, config: CONFIG, built: true })
  expect(await builds()).toBe(2)
})

test('one that cannot be named the second time fails by BuildKit’s reason', async () => {
  await expect(build(2)).rejects.toThrow(/^build of api failed: failed to solve: image .* already exists$/)
  expect(await builds()).toBe(2)
})
