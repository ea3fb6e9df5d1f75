import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { layout } from '../../../src/agent/layout.ts'
import { checkAcmeStore, checkCertificate } from '../../../src/agent/server/check-certificate.ts'
import type { Certificate } from '../../../src/agent/transaction/traffic.ts'
import { Problems } from '../../../src/lib/index.ts'
import { CertificateAuthority } from '../../lab/certificates.ts'

const DAY = 86_400_000
let folder: string
let good: Certificate
let other: Certificate

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-certificate-'))
  const authority = new CertificateAuthority(folder)
  await authority.create('of a test')
  const read = async ({ certificate, key }: Certificate) => ({
    certificate: await readFile(certificate, 'utf8'),
    key: await readFile(key, 'utf8'),
  })
  good = await read(await authority.issue(['pacs.example.org']))
  other = await read(await authority.issue(['old.example.org']))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function problemsOf(certificate: Certificate, host = 'pacs.example.org', now = Date.now()): readonly string[] {
  const problems = new Problems()
  checkCertificate(certificate, host, now, problems)
  return problems.found
}

test('a certificate that browsers take has no problem', () => {
  expect(problemsOf(good)).toEqual([])
})

test.each([
  ['expired', () => problemsOf(good, undefined, Date.now() + 31 * DAY), /^config: certs\/tls\.crt expired on \d{4}-/],
  ['not valid yet', () => problemsOf(good, undefined, Date.now() - DAY), /valid from .* is the clock/],
  ['for another name', () => problemsOf(other), /is for DNS:old\.example\.org.*, not for pacs\.example\.org/],
  ["not its key's", () => problemsOf({ ...good, key: other.key }), /tls\.key is not the key of certs\/tls\.crt/],
  ['without a key', () => problemsOf({ ...good, key: 'a secret' }), /^(?!.*a secret).*tls\.key is no private key/],
  ['no certificate', () => problemsOf({ ...good, certificate: 'x' }), /tls\.crt is no certificate in PEM/],
])('one that is %s is refused in one line', (_what, found, says) => {
  expect(found()).toEqual([expect.stringMatching(says)])
})

test('a store of ACME that others can read is named with its mode; one that is closed, or not there, is not', async () => {
  const paths = layout(await mkdtemp(join(folder, 'opt-')), folder)
  const store = join(paths.root, 'acme/acme.json')
  const found = async () => {
    const problems = new Problems()
    await checkAcmeStore(paths, problems)
    return problems.found
  }
  expect(await found()).toEqual([])
  await mkdir(dirname(store))
  await writeFile(store, '{}')
  await chmod(store, 0o600)
  expect(await found()).toEqual([])
  await chmod(store, 0o640)
  expect(await found()).toEqual([
    expect.stringMatching(/acme\.json can be read by others \(mode 640\).*: chmod 600 it/),
  ])
})
