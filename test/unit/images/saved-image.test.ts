import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeByTarget, describeSavedImage } from '../../../src/images/saved-image.ts'
import { collectTarEntries } from '../../../src/images/tar.ts'
import { digestSchema } from '../../../src/release/index.ts'

const hex = (letter: string) => letter.repeat(64)
const documents = (files: Readonly<Record<string, unknown>>) =>
  new Map(Object.entries(files).map(([path, value]) => [path, Buffer.from(JSON.stringify(value))]))

describe('a saved image', () => {
  test('names its config in the layout of engines before 25', () => {
    const saved = documents({ 'manifest.json': [{ Config: `${hex('a')}.json`, Layers: [] }] })
    expect(describeSavedImage('x', saved)).toEqual({ config: `sha256:${hex('a')}`, manifestInIndex: null })
  })

  test('has no index where the engine holds one manifest', () => {
    const saved = documents({
      'manifest.json': [{ Config: `blobs/sha256/${hex('a')}` }],
      'index.json': { manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json' }] },
    })
    expect(describeSavedImage('x', saved).manifestInIndex).toBeNull()
  })

  test.each(['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'])(
    'finds the manifest of its config in a %s',
    (mediaType) => {
      const saved = documents({
        'manifest.json': [{ Config: `blobs/sha256/${hex('a')}` }],
        'index.json': { manifests: [{ mediaType }] },
        [`blobs/sha256/${hex('b')}`]: { config: { digest: `sha256:${hex('f')}` }, layers: [] },
        [`blobs/sha256/${hex('c')}`]: { config: { digest: `sha256:${hex('a')}` }, layers: [] },
      })
      saved.set(`blobs/sha256/${hex('d')}`, Buffer.from('{not json'))
      expect(describeSavedImage('x', saved).manifestInIndex).toBe(`sha256:${hex('c')}`)
    },
  )

  test('is refused without its manifest.json', () => {
    expect(() => describeSavedImage('x', new Map())).toThrow(/docker save x gave no image/)
  })
})

describe('the beginning of a saved image', () => {
  const target = digestSchema.parse(`sha256:${hex('b')}`)
  const of = (letter: string) => ({ config: { digest: `sha256:${hex(letter)}` }, layers: [] })
  const entry = (letter: string, architecture: string, os = 'linux') => ({
    digest: `sha256:${hex(letter)}`,
    platform: { os, architecture },
  })

  test('tells the config as soon as it holds the manifest by which the engine calls it', () => {
    const begun = documents({ [`blobs/sha256/${hex('a')}`]: of('f') })
    expect(describeByTarget(target, 'linux/amd64', begun)).toBeNull()
    begun.set(`blobs/sha256/${hex('b')}`, Buffer.from(JSON.stringify(of('e'))))
    expect(describeByTarget(target, 'linux/amd64', begun)).toEqual({
      config: `sha256:${hex('e')}`,
      manifestInIndex: null,
    })
  })

  test('tells it of an index when it holds the manifest for this platform, and not what is attested of it', () => {
    const manifests = [entry('c', 'arm64'), entry('d', 'amd64'), entry('9', 'unknown', 'unknown')]
    const begun = documents({ [`blobs/sha256/${hex('b')}`]: { manifests }, [`blobs/sha256/${hex('c')}`]: of('1') })
    expect(describeByTarget(target, 'linux/amd64', begun)).toBeNull()
    begun.set(`blobs/sha256/${hex('d')}`, Buffer.from(JSON.stringify(of('e'))))
    expect(describeByTarget(target, 'linux/amd64', begun)).toEqual({
      config: `sha256:${hex('e')}`,
      manifestInIndex: `sha256:${hex('d')}`,
    })
  })

  test('does not choose between two of one architecture, nor by a name that is the config', () => {
    const manifests = [entry('c', 'arm'), entry('d', 'arm')]
    const two = documents({ [`blobs/sha256/${hex('b')}`]: { manifests }, [`blobs/sha256/${hex('c')}`]: of('1') })
    expect(describeByTarget(target, 'linux/arm', two)).toBeNull()
    const config = documents({ [`blobs/sha256/${hex('b')}`]: { os: 'linux', rootfs: {} } })
    expect(describeByTarget(target, 'linux/amd64', config)).toBeNull()
  })
})

describe('a tar archive that streams by', () => {
  test.each([1, 511, 512, 513, 100_000])('gives the wanted small files, in pieces of %i bytes', (size) => {
    const directory = mkdtempSync(join(tmpdir(), 'tar-'))
    try {
      mkdirSync(join(directory, 'blobs'))
      writeFileSync(join(directory, 'blobs', 'large'), Buffer.alloc(70_000, 1))
      writeFileSync(join(directory, 'blobs', 'small'), 'small')
      writeFileSync(join(directory, 'empty'), '')
      writeFileSync(join(directory, 'other'), 'unwanted')
      const archive = execFileSync('tar', ['-C', directory, '-cf', '-', 'blobs', 'empty', 'other'])
      const entries = collectTarEntries((path) => path !== 'other', 1000)
      for (let at = 0; at < archive.length; at += size) entries.write(archive.subarray(at, at + size))
      expect(Object.fromEntries([...entries.entries].map(([path, bytes]) => [path, bytes.toString()]))).toEqual({
        'blobs/small': 'small',
        empty: '',
      })
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
