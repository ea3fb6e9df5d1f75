import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parsePinned, releaseManifestSchema, sha256 } from '../../src/release/index.ts'
import { build, type Draft, IMAGE_STORES, pushOptions, resultOf, startBench, useImageStore } from '../images/bench.ts'
import { makeCheckout, type SampleCheckout } from '../images/checkout.ts'
import { type Fault, faultSchema } from '../images/fake-registry.ts'
import { call, type Outcome } from '../images/in-runner.ts'
import { pushResultSchema } from '../images/protocol.ts'
import { TINY } from '../images/vendor-images.ts'
import { tryDocker } from '../lab/docker.ts'
import type { Lab } from '../lab/index.ts'
import { tracedTo } from '../site/secrets.ts'

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const EMPTY = sha256('{}')
/** The manifest of an image that nobody built here. */
const FOREIGN = JSON.stringify({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', size: 2, digest: EMPTY },
  layers: [],
})
const INDEX = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    {
      mediaType: OCI_MANIFEST,
      digest: sha256(FOREIGN),
      size: FOREIGN.length,
      platform: { os: 'linux', architecture: 'amd64' },
    },
  ],
})

const served = (path: string, type: string, body: string): Fault => ({
  method: 'GET',
  path,
  status: 200,
  headers: { 'content-type': type },
  body,
})

let lab: Lab
beforeAll(async () => {
  lab = await startBench()
})
afterAll(() => lab?.down())

describe.each(IMAGE_STORES)('push from the image store %s', (store) => {
  const prefix = `registry.lab:5000/org/${store}`
  let checkout: SampleCheckout
  let draft: Draft
  beforeAll(async () => {
    await useImageStore(lab, store)
    checkout = await makeCheckout(lab.runner, '/srv/sample', { vendor: TINY })
    draft = await build(lab, checkout)
  })

  const push = async (change: Parameters<typeof pushOptions>[2] = {}) =>
    call(lab.runner, { use: 'push', options: pushOptions(checkout, draft, { prefix, ...change }) })
  const pushed = async (change: Parameters<typeof pushOptions>[2] = {}) =>
    pushResultSchema.parse(resultOf(await push(change)))
  const uploadsSeen = async () => {
    const { stdout, stderr } = await tryDocker(['logs', lab.registry.container])
    return `${stdout}\n${stderr}`.split('\n').filter((line) => /"(POST|PATCH) \/v2\/\S+\/blobs\/uploads/.test(line))
      .length
  }

  test('records what the registry itself holds, and uploads nothing the second time', async () => {
    const first = await pushed({ created: '2026-11-24T10:00:00.000Z' })
    expect(first.uploaded.toSorted()).toEqual(['api', 'queue', 'release', 'worker'])
    const manifest = releaseManifestSchema.parse(first.manifest)
    expect(manifest.id).toBe(`20261124t100000z-${checkout.commit.slice(0, 12)}`)
    for (const [service, image] of Object.entries(manifest.images)) {
      expect(image.ref).toBe(`${prefix}/${service}`)
      const raw = await rawManifest(lab, `${image.ref}@${image.digest}`)
      expect(raw.config.digest).toBe(image.config)
      expect(image.config).toBe(draft.images[service]?.config)
    }
    const uploads = await uploadsSeen()
    // A step that is run again is later.
    const second = await pushed({ created: '2026-11-24T10:07:00.000Z' })
    expect(second).toEqual({
      ...first,
      uploaded: [],
      known: expect.arrayContaining(['api', 'queue', 'release', 'worker']),
    })
    expect(await uploadsSeen()).toBe(uploads)
  })

  test('gives each release its own manifest, and no image a new one', async () => {
    const releases = []
    for (const created of ['2026-11-24T11:00:00.000Z', '2026-11-24T11:00:01.000Z'])
      releases.push(await pushed({ created, run: `https://github.example/org/pacs/actions/runs/${created}` }))
    const read = []
    for (const [index, { release }] of releases.entries()) {
      const into = `/srv/read-${store}-${index}`
      await lab.runner.run(['mkdir', into])
      const result = resultOf(await call(lab.runner, { use: 'read', options: { release, into } }))
      read.push(z.object({ manifest: releaseManifestSchema }).parse(result).manifest)
    }
    expect(read).toEqual(releases.map(({ manifest }) => manifest))
    expect(read[0]?.id).not.toBe(read[1]?.id)
    expect(read[0]?.images).toEqual(read[1]?.images)
    expect(read[0]?.stack).toBe(read[1]?.stack)
  })

  test('refuses an image that was moved since the build, and names both', async () => {
    const other = await makeCheckout(lab.runner, '/srv/other', { vendor: TINY, files: { 'src/main': 'other\n' } })
    const { images } = await build(lab, other)
    const [mine, theirs] = [draft.images.api, images.api]
    await lab.runner.run(['docker', 'tag', theirs?.local ?? '', mine?.local ?? ''])
    const { failure } = await push()
    expect(failure?.kind).toBe('refused')
    expect(failure?.message).toContain(`is now ${theirs?.config}, built was ${mine?.config}`)
    draft = await build(lab, checkout)
  })

  test('refuses what no scan has judged, or whose report is another one', async () => {
    const { draft: judged, evidence } = pushOptions(checkout, draft)
    const { api } = judged.images
    if (!api) throw new Error('the sample has no api')
    const unjudged = { ...judged, images: { ...judged.images, api: { ...api, verdict: null } } }
    expect((await push({ draft: unjudged })).failure).toEqual({
      kind: 'refused',
      message: expect.stringMatching(/^no scan has judged the image of api: build it without/),
    })
    const other = { ...evidence, api: { ...evidence.api, report: '{"Results":[]}', sbom: '{}' } }
    expect((await push({ evidence: other })).failure?.message).toMatch(/the report of the scan of api is not the one/)
    const moved = { ...judged, images: { ...judged.images, api: { ...api, image: sha256('another') } } }
    expect((await push({ draft: moved })).failure?.message).toMatch(
      /^the report of the scan of api is about image sha256:[0-9a-f]{64}, built was sha256:[0-9a-f]{64}: build again/,
    )
  })

  test('refuses an image that is gone', async () => {
    await lab.runner.run(['docker', 'image', 'rm', draft.images.api?.local ?? ''])
    const { failure } = await push()
    expect(failure).toEqual({ kind: 'refused', message: expect.stringMatching(/is not on this machine any more/) })
    draft = await build(lab, checkout)
  })
})

describe('push to a registry that refuses', () => {
  const PORT = 5999
  const prefix = `127.0.0.1:${PORT}/org/pacs`
  const password = 'registry-password-90ac1'
  let checkout: SampleCheckout
  let draft: Draft
  beforeAll(async () => {
    // The other store's client tries some of these again by itself.
    await useImageStore(lab, 'overlay2')
    checkout = await makeCheckout(lab.runner, '/srv/sample', { vendor: TINY })
    draft = await build(lab, checkout)
  })

  const push = (faults: readonly Fault[], times = 1, through: readonly string[] = []): Promise<Outcome> => {
    const registry = { server: `127.0.0.1:${PORT}`, username: 'releaser', password }
    const options = pushOptions(checkout, draft, { prefix, registry })
    const parsed = faults.map((fault) => faultSchema.parse(fault))
    return call(lab.runner, { use: 'push-to-fake', port: PORT, faults: parsed, times, options }, {}, through)
  }
  const error = (code: string, message: string) => JSON.stringify({ errors: [{ code, message }] })
  const html = '<html><body>Access denied by proxy</body></html>'

  test('pushes, and takes the login away', async () => {
    const outcome = await push([], 2, tracedTo('/srv/trace'))
    const [first, second] = z.array(pushResultSchema).parse(resultOf(outcome))
    expect(first?.uploaded).toHaveLength(4)
    expect(second?.known).toHaveLength(4)
    expect(parsePinned('release', first?.release ?? '').repository).toBe(`${prefix}/release`)
    const again = outcome.requests.slice(outcome.requests.indexOf('push 2'))
    expect(again.filter((request) => /^(POST|PUT|PATCH) /.test(request))).toEqual([])
    // What the last release is, the machine remembers; that it is still the last one, the registry says.
    expect(again.filter((request) => request.includes('/release/manifests/sha256:'))).toEqual([])
    expect(again.filter((request) => request.endsWith('/release/manifests/last'))).not.toEqual([])
    expect(outcome.requests.filter((request) => request.startsWith('POST '))).not.toEqual([])
    expect(await lab.runner.run(['ls', '-A', '/tmp/pacs-docker'])).not.toContain('config.json')
    expect(await lab.runner.run(['stat', '-c', '%a', '/tmp/pacs-docker'])).toBe('700')
    expect(outcome.output).not.toContain(password)
    const trail = await lab.runner.readText('/srv/trace')
    expect(trail).toMatch(/execve\("[^"]*docker", \[.*"push"/)
    for (const secret of [password, Buffer.from(`releaser:${password}`).toString('base64')])
      expect(trail).not.toContain(secret)
  })

  test.each<[string, Fault[], string, RegExp]>([
    [
      'a wrong password',
      [
        {
          method: 'GET',
          path: '^/v2/$',
          status: 401,
          headers: { 'www-authenticate': 'Basic realm="r"' },
          body: error('UNAUTHORIZED', 'authentication required'),
        },
      ],
      'refused',
      /^log in to 127.0.0.1:5999: the registry 127.0.0.1:5999 asks for another login \(401\): check/,
    ],
    [
      'a login without the right to push',
      [
        {
          method: 'POST',
          path: '/blobs/uploads/',
          status: 403,
          body: error('DENIED', 'requested access to the resource is denied'),
        },
      ],
      'refused',
      /^push \S+: the registry 127.0.0.1:5999 forbids it to this login \(403\): .*packages: write/,
    ],
    [
      'a registry that fails again and again',
      [{ method: 'PUT', path: '/manifests/', status: 500, body: error('UNKNOWN', 'internal server error') }],
      'error',
      /^push \S+: the registry 127.0.0.1:5999 did not do it: .*; try again later \(tried 4 times\)$/,
    ],
    [
      "a proxy's web page with 502",
      [{ method: 'PUT', path: '/manifests/', status: 502, headers: { 'content-type': 'text/html' }, body: html }],
      'error',
      /^push \S+: the registry 127.0.0.1:5999 did not do it: .*502.*\(tried 4 times\)$/,
    ],
    [
      'a web page instead of a manifest',
      [{ method: 'GET', path: '/manifests/', status: 200, headers: { 'content-type': 'text/html' }, body: html }],
      'refused',
      /127.0.0.1:5999 answered with a web page, no registry: is the address right/,
    ],
    [
      'an index in the place of the image',
      [
        served('/manifests/config-', 'application/vnd.oci.image.index.v1+json', INDEX),
        served(`/manifests/${sha256(FOREIGN)}`, OCI_MANIFEST, FOREIGN),
        served(`/blobs/${EMPTY}`, 'application/octet-stream', '{}'),
      ],
      'refused',
      /is an index of several platforms/,
    ],
    [
      'another image than the one that was pushed',
      [served('/manifests/', OCI_MANIFEST, FOREIGN), served(`/blobs/${EMPTY}`, 'application/octet-stream', '{}')],
      'refused',
      new RegExp(`the registry names the image configuration ${EMPTY}, built was sha256:[0-9a-f]{64}`),
    ],
    [
      'a registry that hides what it took',
      [{ method: 'GET', path: '/manifests/', status: 404, body: error('MANIFEST_UNKNOWN', 'manifest unknown') }],
      'refused',
      /was pushed, but 127.0.0.1:5999 does not give it back/,
    ],
  ])('says what to do about %s', async (_, faults, kind, message) => {
    const outcome = await push(faults)
    expect(outcome.failure).toEqual({ kind, message: expect.stringMatching(message) })
    expect(outcome.failure?.message).not.toContain('\n')
    expect(outcome.output).not.toContain(password)
    expect(await lab.runner.run(['ls', '-A', '/tmp/pacs-docker'])).not.toContain('config.json')
  })

  test('waits as long as a busy registry asks, and succeeds', async () => {
    const body = error('TOOMANYREQUESTS', 'retry-after: 7s, allowed: 44000/minute')
    const busy = { method: 'PUT', path: '/manifests/', status: 429, headers: { 'retry-after': '7' }, body, times: 2 }
    const outcome = await push([busy])
    expect(z.array(pushResultSchema).parse(resultOf(outcome))).toHaveLength(1)
    expect(outcome.log.filter((line) => line === 'pause of 7000 ms')).toHaveLength(2)
  })

  test('sends nothing when a login is for another registry, or the parts are not those of the draft', async () => {
    const start = (change: Parameters<typeof pushOptions>[2]) =>
      call(lab.runner, { use: 'push', options: pushOptions(checkout, draft, change) })
    const registry = { server: 'ghcr.io', username: 'releaser', password }
    expect((await start({ registry })).failure).toEqual({
      kind: 'bad-input',
      message: expect.stringMatching(/it is for ghcr.io, but prefix/),
    })
    const wrong = await start({
      prefix: 'Pacs',
      agentFile: '/srv/nowhere.js',
      agentVersion: 'one',
      stackDirectory: '/srv/nowhere',
    })
    expect(wrong.failure?.kind).toBe('bad-input')
    for (const said of [
      'prefix: "Pacs"',
      'agent version: "one"',
      '/srv/nowhere is no directory',
      '/srv/nowhere.js cannot be read',
    ]) {
      expect(wrong.failure?.message).toContain(said)
    }
    const other = await makeCheckout(lab.runner, '/srv/other', { vendor: TINY, files: { 'src/main': 'other\n' } })
    expect((await start({ directory: other.directory })).failure?.message).toMatch(/is at commit [0-9a-f]{40}, not at/)
  })
})

async function rawManifest(lab: Lab, reference: string) {
  const text = await lab.runner.run(['docker', 'manifest', 'inspect', reference])
  return z.object({ config: z.object({ digest: z.string() }) }).parse(JSON.parse(text))
}
