import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  build,
  COMPOSE_FILE,
  configureEngine,
  DOCKER_CONFIG,
  IMAGE_STORES,
  PREFIX,
  resultOf,
  startBench,
  useImageStore,
} from '../images/bench.ts'
import { makeCheckout, type SampleCheckout } from '../images/checkout.ts'
import { call, type Outcome } from '../images/in-runner.ts'
import { type Call, draftSchema } from '../images/protocol.ts'
import { BUILD_SCRIPT, installSuite } from '../images/suite.ts'
import { MANY_PLATFORMS, TINY } from '../images/vendor-images.ts'
import { type Lab, waitFor } from '../lab/index.ts'
import { tracedTo } from '../site/secrets.ts'

type Options = (Call & { use: 'build' })['options']

let lab: Lab
beforeAll(async () => {
  lab = await startBench()
})
afterAll(() => lab?.down())

describe.each(IMAGE_STORES)('build on the image store %s', (store) => {
  beforeAll(async () => {
    await useImageStore(lab, store)
  })

  test('names every image of the stack by the configuration that the engine holds', async () => {
    const checkout = await makeCheckout(lab.runner, '/srv/plain', { vendor: TINY })
    const draft = await build(lab, checkout)
    expect(Object.keys(draft.images)).toEqual(['api', 'queue', 'worker'])
    for (const image of Object.values(draft.images)) {
      expect(image.config).toBe(await savedConfig(image.local))
      expect(image.platform).toBe('linux/amd64')
    }
    expect(draft.images.worker).toEqual(draft.images.api)
    expect(draft.images.queue).toMatchObject({ local: TINY, built: false })
  })

  test('takes one platform out of an index', async () => {
    const checkout = await makeCheckout(lab.runner, '/srv/many', { vendor: MANY_PLATFORMS })
    const { queue } = (await build(lab, checkout)).images
    const platform = (await inspect(queue?.local ?? '', '{{index .Config.Labels "for"}}')).trim()
    expect(platform).toBe('linux/amd64')
    expect(queue?.config).toBe(await savedConfig(queue?.local ?? ''))
  })

  test('gives a build its commit, version and time, and the same image for the same commit', async () => {
    const checkout = await makeCheckout(lab.runner, '/srv/labels', { vendor: TINY })
    const origin = { version: '3.1.4', source: 'https://github.com/org/sample' }
    const first = resultOf(await start(checkout, origin))
    const seconds = await lab.runner.run(['git', '-C', checkout.directory, 'log', '-1', '--format=%ct'])
    const committed = new Date(Number(seconds) * 1000)
    const local = `${PREFIX}/api:${checkout.commit}`
    const labels = await inspect(local, '{{json .Config.Labels}}')
    expect(JSON.parse(labels)).toMatchObject({
      'org.opencontainers.image.revision': checkout.commit,
      'org.opencontainers.image.version': '3.1.4',
      'org.opencontainers.image.created': committed.toISOString(),
      'org.opencontainers.image.source': origin.source,
    })
    expect(new Date((await inspect(local, '{{.Created}}')).trim())).toEqual(committed)
    expect(await inspect(local, '{{json .Config.Env}}')).toContain(`COMMIT=${checkout.commit}`)
    expect(await inspect(local, '{{json .Config.Env}}')).toContain('FLAVOUR=plain')
    expect(resultOf(await start(checkout, origin))).toEqual(first)
  })

  const start = ({ directory, commit }: SampleCheckout, change: Partial<Options> = {}): Promise<Outcome> =>
    call(lab.runner, {
      use: 'build',
      options: {
        directory,
        commit,
        composeFile: COMPOSE_FILE,
        prefix: PREFIX,
        dockerConfigDirectory: DOCKER_CONFIG,
        ...change,
      },
    })
  const inspect = (name: string, format: string) =>
    lab.runner.run(['docker', 'image', 'inspect', '--format', format, name])
  const savedConfig = async (name: string) => {
    const manifest = await lab.runner.run(['sh', '-c', 'docker save "$1" | tar -xO manifest.json', 'sh', name])
    return `sha256:${/"Config":"(?:blobs\/sha256\/)?([0-9a-f]{64})/.exec(manifest)?.[1]}`
  }
})

describe('build', () => {
  const start = (
    { directory, commit }: SampleCheckout,
    change: Partial<Options> = {},
    env: Readonly<Record<string, string>> = {},
    through: readonly string[] = [],
  ) => {
    const options = {
      ...{ directory, commit, composeFile: COMPOSE_FILE, prefix: PREFIX, dockerConfigDirectory: DOCKER_CONFIG },
      ...change,
    }
    return call(lab.runner, { use: 'build', options }, env, through)
  }
  const checkoutWith = (files: Readonly<Record<string, string>>) =>
    makeCheckout(lab.runner, '/srv/faulty', { vendor: TINY, files })

  test('hands CA bundle and secrets to BuildKit, and shows no secret that a build prints', async () => {
    const sentinel = 'build-secret-5d1c0a'
    await lab.runner.copyIn(Buffer.from(sentinel), '/srv/token')
    const checkout = await checkoutWith({
      'stack/Dockerfile': `FROM node:24.19-slim
RUN --mount=type=secret,id=ca,required=true --mount=type=secret,id=token,required=true \\
    head -1 /run/secrets/ca && echo "token is $(cat /run/secrets/token)"
`,
    })
    const given = { ca: '/etc/ssl/certs/ca-certificates.crt', secrets: { token: '/srv/token' } }
    const outcome = await start(checkout, given, {}, tracedTo('/srv/trace'))
    resultOf(outcome)
    expect(outcome.log.join('\n')).toContain('BEGIN CERTIFICATE')
    expect(outcome.log.join('\n')).toContain('token is ***')
    expect(outcome.output).not.toContain(sentinel)
    const image = await lab.runner.run(['docker', 'history', '--no-trunc', `${PREFIX}/api:${checkout.commit}`])
    expect(image).not.toContain(sentinel)
    const trail = await lab.runner.readText('/srv/trace')
    expect(trail).toMatch(/execve\("[^"]*docker-buildx", \[.*"build".*"id=token,src=/)
    expect(trail).not.toContain(sentinel)
  })

  test('says in one line which build failed and why', async () => {
    const checkout = await checkoutWith({ 'stack/Dockerfile': 'FROM scratch\nCOPY nothing /\n' })
    const { failure } = await start(checkout)
    expect(failure?.kind).toBe('error')
    expect(failure?.message).toMatch(/^build of api failed: .*nothing.*not found/)
    expect(failure?.message).not.toContain('\n')
  })

  test('says what is wrong with a stack before anything is built, all at once', async () => {
    const checkout = await checkoutWith({
      'stack/docker-compose.prod.yml': `
name: sample
services:
  gone: { build: { context: .., dockerfile: stack/Nowhere }, networks: [inner] }
  outside: { build: { context: ../.. }, networks: [inner] }
  remote: { build: { context: "https://example.org/x.git" }, networks: [inner] }
  floating: { image: "queue:\${TAG}", networks: [inner] }
  odd: { build: { context: .., dockerfile: stack/Dockerfile, no_cache: true, args: { URL: "\${URL}" } }, networks: [inner] }
networks:
  inner: { name: sample-inner }
`,
    })
    const { failure, log } = await start(checkout)
    expect(failure?.kind).toBe('bad-input')
    for (const said of [
      'gone: build.dockerfile stack/Nowhere does not exist',
      'outside: build.context /srv lies outside the checkout',
      'remote: build.context https://example.org/x.git is not in the checkout',
      'floating: its image queue:',
      'odd: build.no_cache cannot be had here',
      'odd: build.args.URL takes its value from the environment',
    ]) {
      expect(failure?.message).toContain(said)
    }
    expect(log).toEqual([])
  })

  test('builds nothing of a stack that the gate blocks', async () => {
    const file = 'stack/docker-compose.prod.yml'
    const { directory } = await checkoutWith({})
    const text = await lab.runner.readText(`${directory}/${file}`)
    const blocked = text.replace('    command: [work]\n', '    command: [work]\n    privileged: true\n')
    const { failure, log } = await start(await checkoutWith({ [file]: blocked }))
    expect(failure?.kind).toBe('refused')
    const line = blocked.split('\n').indexOf('    privileged: true') + 1
    expect(failure?.message).toMatch(
      new RegExp(`\\n${COMPOSE_FILE.split('/').at(-1)}:${line}: worker: privileged: .*\\[privileged\\]$`),
    )
    expect(log).toEqual([])
  })

  test.each([
    [
      'a commit that is not checked out',
      { commit: '0'.repeat(40) },
      'bad-input',
      /is at commit [0-9a-f]{40}, not at 0{40}/,
    ],
    ['no commit', { commit: 'main' }, 'bad-input', /"main" is no commit/],
    ['a folder that is no checkout', { directory: '/srv' }, 'bad-input', /\/srv is no git checkout/],
    [
      'a missing CA bundle',
      { ca: '/srv/nowhere.pem' },
      'bad-input',
      /build secret ca: the file \/srv\/nowhere.pem cannot be read/,
    ],
    ['a prefix without registry', { prefix: 'pacs' }, 'bad-input', /prefix: "pacs" is no repository/],
    ['a missing Compose file', { composeFile: 'nowhere.yml' }, 'bad-input', /nowhere.yml/],
  ])('refuses %s', async (_, change, kind, message) => {
    const { failure, log } = await start(await checkoutWith({}), change)
    expect(failure).toEqual({ kind, message: expect.stringMatching(message) })
    expect(failure?.message.split('\n')).toHaveLength(1)
    expect(log).toEqual([])
  })

  test('names a vendor image that does not exist', async () => {
    const checkout = await makeCheckout(lab.runner, '/srv/faulty', { vendor: 'nobody/nothing:1' })
    const { failure } = await start(checkout)
    expect(failure?.message).toMatch(
      /queue: there is no image nobody\/nothing:1|pull nobody\/nothing:1: the registry docker.io/,
    )
  })

  test('says that docker, its engine, or buildx is missing', async () => {
    const checkout = await checkoutWith({})
    await lab.runner.run(['sh', '-c', 'mkdir -p /srv/bare && ln -sf $(command -v git) $(command -v node) /srv/bare/'])
    expect((await start(checkout, {}, { PATH: '/srv/bare' })).failure).toEqual({
      kind: 'refused',
      message: expect.stringMatching(/docker could not be run here/),
    })
    expect((await start(checkout, {}, { DOCKER_HOST: 'unix:///srv/nowhere.sock' })).failure).toEqual({
      kind: 'refused',
      message: expect.stringMatching(/the Docker engine does not answer at .*nowhere.sock: /),
    })
    await lab.runner.run([
      'sh',
      '-c',
      'for d in /usr/lib*/docker/cli-plugins; do mv $d/docker-buildx /srv/; echo $d > /srv/plugins; done',
    ])
    try {
      expect((await start(checkout)).failure).toEqual({
        kind: 'refused',
        message: expect.stringMatching(/docker buildx is missing, .*: install/),
      })
    } finally {
      await lab.runner.run(['sh', '-c', 'mv /srv/docker-buildx "$(cat /srv/plugins)/"'])
    }
  })

  test('says that the disk is too small', async () => {
    const checkout = await checkoutWith({})
    await lab.runner.run(['sh', '-c', 'mkdir -p /srv/small && mount -t tmpfs -o size=100m small /srv/small'])
    await configureEngine(lab, { 'data-root': '/srv/small' })
    try {
      expect((await start(checkout)).failure).toEqual({
        kind: 'refused',
        message: expect.stringMatching(
          /the disk of \/srv\/small has 0.1 GiB free and a build needs 2.0 GiB: make room/,
        ),
      })
    } finally {
      await configureEngine(lab, { 'data-root': '/var/lib/docker' })
    }
  })

  test('says that the disk filled up while it built, and builds once there is room', async () => {
    const checkout = await checkoutWith({})
    // A disk is full when it can take no more files, too: that needs no gigabytes. The checkout has room on it once, its copy has not:
    // of a disk that fills up while the checkout is sent, BuildKit may say no reason.
    await lab.runner.run(['sh', '-c', 'mkdir -p /srv/full && mount -t tmpfs -o size=3g,nr_inodes=3000 full /srv/full'])
    const many = `${checkout.directory}/src/many`
    await configureEngine(lab, { 'data-root': '/srv/full', features: { 'containerd-snapshotter': false } })
    try {
      // The engine makes the folder for what it takes in once in its life: one that could not then, cannot ever.
      resultOf(await start(checkout))
      await lab.runner.run(['sh', '-c', 'mkdir "$1" && cd "$1" && seq 2000 | xargs touch', 'sh', many])
      const { result, failure } = await start(checkout)
      expect(result).toBeUndefined()
      expect(failure).toEqual({
        kind: 'error',
        message: expect.stringMatching(/^build of api failed: .*no space left on device.*: make room/),
      })
      expect(failure?.message).not.toContain('\n')
      await lab.runner.run(['rm', '-rf', many])
      await lab.runner.run(['docker', 'system', 'prune', '--force'])
      // What the build that failed had under way ends, and what was pruned goes, behind the answers to both.
      await waitFor('a build with room', async () => resultOf(await start(checkout)), 60_000)
    } finally {
      await configureEngine(lab, { 'data-root': '/var/lib/docker' })
    }
  })
})

describe('build.sh', () => {
  const inCheckout = (directory: string, args: readonly string[]) =>
    lab.runner.exec([BUILD_SCRIPT, '--no-scan', ...args], { cwd: directory })

  beforeAll(() => installSuite(lab.runner))

  test('makes the same images of a checkout as the action, and says where their draft is', async () => {
    const checkout = await makeCheckout(lab.runner, '/srv/by-hand', { vendor: TINY })
    const args = [PREFIX, '--compose-file', COMPOSE_FILE]
    const { code, stdout, stderr } = await inCheckout(checkout.directory, args)
    expect(code, `${stdout}${stderr}`).toBe(0)
    const draft = draftSchema.parse(JSON.parse(await lab.runner.readText(stdout.trim().split('\n').at(-1) ?? '')))
    expect(draft.commit).toBe(checkout.commit)
    expect(draft).toEqual(await build(lab, checkout))
  })

  test('ends with the class of what went wrong', async () => {
    const broken = await makeCheckout(lab.runner, '/srv/by-hand', {
      vendor: TINY,
      files: { 'stack/Dockerfile': 'FROM scratch\nCOPY nothing /\n' },
    })
    const failed = await inCheckout(broken.directory, [PREFIX, '--compose-file', COMPOSE_FILE])
    expect(failed.code).toBe(22)
    expect(failed.stdout + failed.stderr).toMatch(/build of api failed: .*nothing/)
    await lab.runner.copyIn(Buffer.from('changed\n'), `${broken.directory}/src/main`)
    expect(await inCheckout(broken.directory, [PREFIX])).toMatchObject({
      code: 40,
      stderr: expect.stringMatching(/changes that are in no commit/),
    })
    expect(await inCheckout(broken.directory, [])).toMatchObject({
      code: 40,
      stderr: expect.stringMatching(/where will the images live/),
    })
  })
})
