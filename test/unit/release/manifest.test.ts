import { describe, expect, test } from 'vitest'
import {
  contentHash,
  formatManifest,
  parseManifest,
  parsePinned,
  readManifest,
  releaseId,
  releaseManifestSchema,
  requireVerdicts,
  sha256,
  verdictSchema,
} from '../../../src/release/index.ts'

const verdict = verdictSchema.parse({
  built: false,
  scanner: { version: '0.74.0', sha256: sha256('trivy') },
  database: '2026-11-24T06:00:00.000Z',
  judged: '2026-11-24T10:15:00.000Z',
  found: { critical: 0, high: 1, medium: 2, low: 3, unknown: 0 },
  open: ['CVE-2026-1 in openssl'],
  waived: [],
  report: sha256('report'),
  sbom: sha256('sbom'),
})
const digest = (text: string) => sha256(text)
const manifest = releaseManifestSchema.parse({
  schema: 1,
  id: '20261124t101500z-abc1234def01',
  commit: 'abc1234def01'.padEnd(40, '0'),
  repository: 'org/pacs',
  actor: 'releaser',
  run: '',
  created: '2026-11-24T10:15:00.000Z',
  images: {
    api: {
      ref: 'ghcr.io/org/pacs/api',
      digest: digest('m'),
      config: digest('c'),
      platform: 'linux/arm64/v8',
      verdict: null,
    },
  },
  migrations: [],
  stack: digest('stack'),
  agent: { version: '1.2.3', sha256: digest('agent') },
})

describe('release manifest', () => {
  test('survives its own writing', () => {
    expect(parseManifest('release.json', JSON.stringify(manifest))).toEqual(manifest)
  })

  test.each([
    ['cut JSON', '{"schema": 1', /release.json is not JSON/],
    ['another schema', '{"schema": 7}', /has schema 7, this version reads schema 1/],
    ['an unknown field', JSON.stringify({ ...manifest, extra: 1 }), /extra/],
    [
      'an id with capitals',
      JSON.stringify({ ...manifest, id: '20261124T101500Z-abc1234def01' }),
      /id: is no release id/,
    ],
    [
      'an image by tag',
      JSON.stringify({ ...manifest, images: { api: { ...manifest.images.api, ref: 'ghcr.io/org/pacs/api:1' } } }),
      /images.api.ref: is no repository/,
    ],
  ])('is refused with %s', (_, text, message) => {
    expect(() => parseManifest('release.json', text)).toThrow(message)
  })

  test('has the same content hash whoever makes it and when, and another for other content', () => {
    const again = {
      ...manifest,
      id: releaseId(manifest.commit, new Date(0)),
      actor: 'other',
      run: 'x',
      created: '2027-01-01T00:00:00Z',
    }
    expect(contentHash(again)).toBe(contentHash(manifest))
    const [[service, image] = []] = Object.entries(manifest.images)
    if (service === undefined || image === undefined) throw new Error('the manifest has no image')
    const judged = { ...image, verdict }
    expect(contentHash({ ...manifest, images: { ...manifest.images, [service]: judged } })).toBe(contentHash(manifest))
    expect(contentHash({ ...manifest, images: {} })).not.toBe(contentHash(manifest))
    expect(contentHash({ ...manifest, stack: digest('other') })).not.toBe(contentHash(manifest))
  })

  test('takes its id from time and commit', () => {
    expect(releaseId(manifest.commit, new Date('2026-11-24T10:15:00.900Z'))).toBe(manifest.id)
  })
})

describe('a manifest', () => {
  test('of which any byte was changed, left out or added is refused by the hash that was kept of it', () => {
    const judged = {
      ...manifest,
      images: Object.fromEntries(Object.entries(manifest.images).map(([name, image]) => [name, { ...image, verdict }])),
    }
    const bytes = Buffer.from(formatManifest(releaseManifestSchema.parse(judged)))
    const kept = sha256(bytes)
    const refusal = expect.objectContaining({ kind: 'refused' })
    expect(readManifest('release.json', bytes, kept)).toEqual(judged)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
      expect(() => readManifest('release.json', changed, kept), `byte ${at}`).toThrow(refusal)
      const cut = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
      expect(() => readManifest('release.json', cut, kept), `without byte ${at}`).toThrow(refusal)
    }
    expect(() => readManifest('release.json', Buffer.concat([bytes, Buffer.from('\n')]), kept)).toThrow(refusal)
    expect(() => readManifest('release.json', bytes, '')).toThrow(/kept of it is none/)
  })
})

describe('a release', () => {
  const [[service, image] = []] = Object.entries(manifest.images)
  const withImages = (images: object) => releaseManifestSchema.parse({ ...manifest, images })

  test('is refused when an image has no verdict, by the name of each', () => {
    const images = {
      [service ?? '']: { ...image, verdict },
      queue: { ...image, verdict: null },
      web: { ...image, verdict: null },
    }
    expect(() => requireVerdicts(withImages(images))).toThrow(
      /no scan has judged the image of queue, web: build it without/,
    )
  })

  test('runs when each has one', () => {
    expect(() => requireVerdicts(withImages({ api: { ...image, verdict }, web: { ...image, verdict } }))).not.toThrow()
  })

  test('is no release with a verdict of another shape', () => {
    for (const wrong of [true, {}, { ...verdict, passed: true }, { ...verdict, scanner: 'trivy' }]) {
      expect(
        releaseManifestSchema.safeParse({ ...manifest, images: { api: { ...image, verdict: wrong } } }).success,
      ).toBe(false)
    }
  })
})

describe('image by digest', () => {
  const d = digest('x')
  test.each([`ghcr.io/org/pacs/release@${d}`, `localhost/release@${d}`, `127.0.0.1:5000/a/b-c__d.e@${d}`])(
    '%s is one',
    (text) => {
      expect(parsePinned('release', text).digest).toBe(d)
    },
  )

  test.each([
    `release@${d}`,
    `org/release@${d}`,
    'ghcr.io/org/release:tag',
    `ghcr.io/org/release:tag@${d}`,
    `ghcr.io/Org/release@${d}`,
    `ghcr.io/org/release@${d} `,
    `-ghcr.io/org/release@${d}`.replace('-ghcr.io', '--flag'),
    `ghcr.io/org/../release@${d}`,
    `ghcr.io/org/release@${d.slice(0, -1)}`,
  ])('%s is none', (text) => {
    expect(() => parsePinned('release', text)).toThrow(/^release: .* is no image by digest/)
  })

  test('says where an empty one comes from', () => {
    expect(() => parsePinned('release', '')).toThrow(/release is empty: GitHub drops a job output/)
  })
})
