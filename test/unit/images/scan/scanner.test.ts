import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findScanner, openScanner, type ScannerOptions } from '../../../../src/images/scan/scanner.ts'
import { run } from '../../../../src/lib/index.ts'
import { sha256 } from '../../../../src/release/index.ts'

const env = { PATH: process.env.PATH ?? '' }
const hex = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
const PROGRAM = '#!/bin/sh\necho the scanner\n'

let folder: string
let archive: Buffer
let answer: (count: number, path: string) => { status: number; body: Uint8Array }
let asked = 0
const server = createServer((request, response) => {
  const { status, body } = answer(++asked, request.url ?? '')
  response.writeHead(status, { 'retry-after': '0' }).end(body)
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scanner-'))
  await writeFile(join(folder, 'trivy'), PROGRAM)
  await run('tar', ['-C', folder, '-czf', join(folder, 'a.tar.gz'), 'trivy'], { env })
  archive = await readFile(join(folder, 'a.tar.gz'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

let cache: string
let said: string[]
beforeEach(async () => {
  cache = await mkdtemp(join(folder, 'cache-'))
  said = []
  asked = 0
  answer = () => ({ status: 200, body: archive })
})

function options(
  pins: { archive?: string; binary?: string | null } = {},
  more: Partial<ScannerOptions> = {},
): ScannerOptions {
  const { binary = hex(PROGRAM) } = pins
  const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const urls: [string, ...string[]] = [`${site}/trivy.tar.gz`, `${site}/other/trivy.tar.gz`]
  const platform = { urls, archive: pins.archive ?? hex(archive), ...(binary === null ? {} : { binary }) }
  return {
    pinned: { version: '0.74.0', platforms: { 'linux-x64': platform } },
    platform: 'linux-x64',
    cache,
    env,
    log: (line) => said.push(line),
    signal: new AbortController().signal,
    ...more,
  }
}

describe('the pinned scanner', () => {
  test('is fetched once, and is the program of the archive', async () => {
    const found = await findScanner(options())
    expect(found).toMatchObject({ version: '0.74.0', sha256: sha256(PROGRAM) })
    expect(await readFile(found.path, 'utf8')).toBe(PROGRAM)
    expect(await findScanner(options())).toEqual(found)
    expect(asked).toBe(1)
  })

  test('is fetched anew when what the cache gives back is another, and that is said', async () => {
    const { path } = await findScanner(options())
    await chmod(path, 0o700)
    await writeFile(path, '#!/bin/sh\necho poisoned\n')
    const found = await findScanner(options())
    expect(await readFile(found.path, 'utf8')).toBe(PROGRAM)
    expect(asked).toBe(2)
    expect(said.join('\n')).toMatch(/trivy has the SHA-256 sha256:[0-9a-f]{64}, pinned is [0-9a-f]{64}: fetched anew/)
  })

  test('is unpacked again from its archive where only that is pinned', async () => {
    const { path } = await findScanner(options({ binary: null }))
    await chmod(path, 0o700)
    await writeFile(path, 'poisoned')
    const found = await findScanner(options({ binary: null }))
    expect(await readFile(found.path, 'utf8')).toBe(PROGRAM)
    expect(asked).toBe(1)
  })

  test.each<
    [string, () => { status: number; body: Uint8Array }, { archive?: string; binary?: string }, string, RegExp]
  >([
    [
      'cut',
      () => ({ status: 200, body: archive.subarray(0, 100) }),
      {},
      'refused',
      /it was cut or replaced; nothing is run/,
    ],
    [
      'another archive',
      () => ({ status: 200, body: Buffer.from('evil') }),
      {},
      'refused',
      /has the SHA-256 sha256:[0-9a-f]{64}, pinned is/,
    ],
    [
      'an archive with another program',
      () => ({ status: 200, body: archive }),
      { binary: hex('other') },
      'refused',
      /the program in .* has the SHA-256/,
    ],
    [
      'gone',
      () => ({ status: 404, body: Buffer.from('') }),
      {},
      'error',
      /\/trivy.tar.gz could not be fetched \(.*404.*\); .*\/other\/trivy.tar.gz could not be fetched \(.*404.*\): see the network, or give a scanner/,
    ],
  ])(
    'is not there when the download is %s, and nothing is left in its place',
    async (_, given, pins, kind, message) => {
      answer = given
      await expect(findScanner(options(pins))).rejects.toMatchObject({ kind, message: expect.stringMatching(message) })
      const [directory = ''] = await readdir(cache)
      expect((await readdir(join(cache, directory))).filter((name) => name !== 'archive.tar.gz')).toEqual([])
    },
  )

  test.each([
    ['is gone', { status: 404, body: '' }, /could not be fetched/],
    ['was replaced', { status: 200, body: 'evil' }, /it was cut or replaced; nothing is run/],
  ])('comes from the next source when it %s at the first, and that is said', async (_, { status, body }, message) => {
    answer = (_count, path) =>
      path.startsWith('/other/') ? { status: 200, body: archive } : { status, body: Buffer.from(body) }
    await expect(findScanner(options())).resolves.toMatchObject({ sha256: sha256(PROGRAM) })
    expect(asked).toBe(2)
    expect(said.join('\n')).toMatch(message)
  })

  test('is tried again when the server is busy', async () => {
    answer = (count) =>
      count < 3 ? { status: count === 1 ? 429 : 503, body: Buffer.from('busy') } : { status: 200, body: archive }
    await expect(findScanner(options())).resolves.toMatchObject({ sha256: sha256(PROGRAM) })
    expect(asked).toBe(3)
  })

  test('is bad input on a machine that none is pinned for', async () => {
    await expect(findScanner(options({}, { platform: 'darwin-arm64' }))).rejects.toThrow(
      /Trivy 0.74.0 is not pinned for darwin-arm64: give one by scanner and scanner-sha256/,
    )
  })
})

describe('a scanner of the machine', () => {
  test('is taken when it has the hash given with it, and nothing is fetched', async () => {
    const given = { path: join(folder, 'trivy'), sha256: sha256(PROGRAM) }
    await expect(findScanner(options({}, { given }))).resolves.toEqual({ ...given, version: '0.74.0' })
    expect(asked).toBe(0)
  })

  test.each([
    [
      'another hash',
      () => join(folder, 'trivy'),
      /has the SHA-256 sha256:[0-9a-f]{64}, expected is .*: it is not run, and nothing is judged/,
    ],
    ['no file', () => '/nowhere/trivy', /is no file that can be read/],
  ])('is refused when it has %s', async (_, path, message) => {
    const given = { path: path(), sha256: sha256('other') }
    await expect(findScanner(options({}, { given }))).rejects.toThrow(message)
    await expect(openScanner(given)).rejects.toMatchObject({ kind: 'refused' })
  })
})
