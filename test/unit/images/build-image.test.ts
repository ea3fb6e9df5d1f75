import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildImage } from '../../../src/images/build-image.ts'
import { sha256 } from '../../../src/release/index.ts'
import { engineAt } from './fake-engine.ts'

const [IMAGE, CONFIG] = [sha256('image'), sha256('config')]

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-build-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Builds with an engine that refuses the first `refusals` builds, as containerd's store does when another job was quicker. */
async function build(refusals: number) {
  return buildBy(`#!/bin/sh
echo x >> ${directory}/builds
[ "$(wc -l < ${directory}/builds)" -gt ${refusals} ] || {
  echo 'ERROR: failed to solve: image "ghcr.io/org/pacs/api:c0ffee": already exists' >&2; exit 1
}
echo '{"containerimage.config.digest": "${CONFIG}"}' > ${directory}/api.json
`)
}

async function buildBy(buildx: string) {
  await mkdir(join(directory, 'cli-plugins'))
  await writeFile(join(directory, 'cli-plugins/docker-buildx'), buildx, { mode: 0o755 })
  await using engine = await engineAt(directory, {
    'GET /images/ghcr.io/org/pacs/api:c0ffee/json': { Id: IMAGE, Os: 'linux', Architecture: 'amd64' },
  })
  return await buildImage(
    { kind: 'build', service: 'api', context: '.', dockerfile: 'Dockerfile', args: {} },
    {
      ...{ prefix: 'ghcr.io/org/pacs', commit: 'c0ffee', created: new Date(0), secrets: {}, platform: 'linux/amd64' },
      ...{ metadataDirectory: directory, env: { PATH: '/usr/bin:/bin', DOCKER_CONFIG: directory } },
      ...{ host: engine.host, redact: (text: string) => text },
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

test.each([
  "docker: 'buildx' is not a docker command.",
  'docker: unknown command: docker buildx',
  'unknown flag: --load',
  'ERROR: unknown flag: --sbom',
])('a machine without buildx, or with an old one, is refused: %s', async (said) => {
  await expect(buildBy(`#!/bin/sh\necho "${said}" >&2; exit 1\n`)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(/^docker buildx is missing, or too old .*: install 0\.10 or newer/),
  })
})

test('a step of a build that meets an unknown flag is no missing buildx', async () => {
  const said = ['#0 building', '#5 unknown flag: --x', 'ERROR: failed to solve: process "x" did not complete'].join(
    '\\n',
  )
  await expect(buildBy(`#!/bin/sh\nprintf '${said}\\n' >&2; exit 1\n`)).rejects.toThrow(
    /^build of api failed: failed to/,
  )
})

test.each([
  ['write /f: no space left on device', /device: make room where the engine keeps its images \(docker system prune\)$/],
  [
    'Canceled: walker is closed: context canceled',
    /canceled: the engine took no more .*: see what room it has \(df\)$/,
  ],
])('a full disk is told, also where BuildKit says only what came of it: %s', async (said, told) => {
  await expect(buildBy(`#!/bin/sh\necho "ERROR: ${said}" >&2; exit 1\n`)).rejects.toMatchObject({
    kind: 'error',
    message: expect.stringMatching(told),
  })
})
