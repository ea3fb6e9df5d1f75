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

async function buildBy(buildx: string, more: Partial<Parameters<typeof buildImage>[1]> = {}) {
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
      ...more,
    },
  )
}

const builds = async () => (await readFile(join(directory, 'builds'), 'utf8')).split('\n').length - 1

test('an image that another job of the machine names at the same moment is built again, once', async () => {
  expect((await build(1)).image).toMatchObject({ image: IMAGE, config: CONFIG, built: true })
  expect(await builds()).toBe(2)
})

test('buildx gets what GitHub’s cache needs, and what the image says of its origin', async () => {
  const recording = `#!/bin/sh
printf '%s\\n' "$@" > ${directory}/argv; env > ${directory}/env
echo '{"containerimage.config.digest": "${CONFIG}"}' > ${directory}/api.json
`
  const cache = { ACTIONS_RUNTIME_TOKEN: 'token-of-the-cache', ACTIONS_RESULTS_URL: 'https://results.example' }
  const recorded = async (name: string) => (await readFile(join(directory, name), 'utf8')).split('\n')
  await buildBy(recording, {
    cache,
    version: '1.2.3',
    source: 'https://github.com/org/pacs',
    created: new Date(90_000),
  })
  const argv = await recorded('argv')
  const given = (option: string) => argv.flatMap((word, index) => (argv[index - 1] === option ? [word] : []))
  expect(given('--cache-from')).toEqual(['type=gha,scope=pacs-api'])
  expect(given('--cache-to')).toEqual(['type=gha,scope=pacs-api,mode=max,ignore-error=true'])
  expect(await recorded('env')).toEqual(expect.arrayContaining(Object.entries(cache).map((one) => one.join('='))))
  expect(argv.join('\n')).not.toContain('token-of-the-cache')
  expect(given('--label')).toEqual([
    'org.opencontainers.image.revision=c0ffee',
    'org.opencontainers.image.version=1.2.3',
    'org.opencontainers.image.created=1970-01-01T00:01:30.000Z',
    'org.opencontainers.image.source=https://github.com/org/pacs',
  ])
  expect(given('--build-arg')).toContain('SOURCE_DATE_EPOCH=90')
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
