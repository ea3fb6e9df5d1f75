import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askDicom } from '../../../src/health/protocols/dicom.ts'
import { parseChecksFile } from '../../../src/health/server/checks-file.ts'
import type { Listed } from '../../../src/health/server/containers.ts'
import { serviceCheck } from '../../../src/health/server/service-checks.ts'
import { tlsArchive } from '../../dicom/tls-archive.ts'
import { saying, silent } from '../../health/services.ts'

let secrets: string
const texts = new Map<string, string>()
const pem = (name: string) => texts.get(name) ?? ''

/** A certificate of its own signature, as modalities often have. */
async function certify(name: string, days: number): Promise<void> {
  const files = ['-keyout', join(secrets, `${name}.key`), '-out', join(secrets, `${name}.crt`)]
  const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', `${days}`]
  execFileSync('openssl', ['req', ...options, '-subj', `/CN=${name}`, ...files], { stdio: 'ignore' })
  for (const file of [`${name}.key`, `${name}.crt`]) texts.set(file, await readFile(join(secrets, file), 'utf8'))
}

beforeAll(async () => {
  secrets = await mkdtemp(join(tmpdir(), 'pacs-dicom-tls-'))
  await Promise.all([certify('archive', 90), certify('probe', 90), certify('stranger', 90)])
})
afterAll(() => rm(secrets, { recursive: true }))

/** An archive that knows the probe by its certificate, and nobody else. */
const archive = (minVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.2') =>
  tlsArchive({
    cert: pem('archive.crt'),
    key: pem('archive.key'),
    ca: pem('probe.crt'),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion,
  })

/** What the check of a checks file finds at `port`. */
function find(port: number, more: object, patience = 10_000) {
  const dicom = { kind: 'dicom', port, called: 'PACS', calling: 'HEALTHCHECK', ...more }
  const text = JSON.stringify({ project: 'p', services: { orthanc: { checks: [dicom] } } })
  const file = parseChecksFile('f', text, {})
  const [check] = file.services.orthanc?.checks ?? []
  if (!check) throw new Error('the file has no check')
  const container: Listed = {
    ...{ id: '0', name: 'p-orthanc-1', service: 'orthanc', project: 'p', state: 'running', status: 'Up' },
    ...{ address: '127.0.0.1', instance: null },
  }
  return serviceCheck(check, container, { secrets, limit: patience }).look(AbortSignal.timeout(patience))
}

const own = { ca: 'archive.crt', certificate: 'probe.crt', key: 'probe.key' }

it('associates by TLS with the certificate, key and authority that lie among the secrets', async () => {
  await using secure = await archive('TLSv1.3')
  const finding = await find(secure.port, { tls: own })
  expect(finding).toEqual({ ok: true, detail: 'associates with HEALTHCHECK, TLSv1.3, 89 days left' })
})

it('is not well without TLS where TLS is spoken, and says so of an archive that answers with an alert', async () => {
  await using secure = await archive()
  await expect(find(secure.port, {})).rejects.toThrow('closed the connection after 0 bytes')
  const unexpectedMessage = Buffer.from([21, 3, 1, 0, 2, 2, 10])
  await using alerting = await saying(unexpectedMessage)
  await expect(find(alerting.port, {})).rejects.toThrow('speaks TLS: its check needs `tls`')
})

it('believes no archive that shows another certificate, and none is believed with another one', async () => {
  await using secure = await archive()
  await expect(find(secure.port, { tls: { ...own, ca: 'stranger.crt' } })).rejects.toThrow(/self-signed certificate/)
  const stranger = { ...own, certificate: 'stranger.crt', key: 'stranger.key' }
  await expect(find(secure.port, { tls: stranger })).rejects.toThrow(/alert|ECONNRESET|closed the connection/)
})

it('is told by a rejection through TLS as by one without', async () => {
  await using secure = await archive()
  const finding = await find(secure.port, { tls: own, calling: 'OTHER' })
  expect(finding).toMatchObject({ ok: true, detail: expect.stringMatching(/^speaks DICOM \(rejects OTHER/) })
})

it('is degraded while the certificate that the archive shows ends soon', async () => {
  await using secure = await archive()
  const day = 86_400_000
  const tls = { ca: pem('archive.crt'), certificate: pem('probe.crt'), key: pem('probe.key') }
  const finding = await askDicom(
    { host: '127.0.0.1', port: secure.port },
    { called: 'PACS', calling: 'HEALTHCHECK', tls },
    AbortSignal.timeout(10_000),
    () => Date.now() + 70 * day,
  )
  expect(finding).toEqual({
    ok: true,
    degraded: true,
    detail: 'associates with HEALTHCHECK, TLSv1.3, 19 days left: renew the certificate',
  })
})

it('names the file that is not there, and shows no key that is none', async () => {
  await using secure = await archive()
  const missing = find(secure.port, { tls: { ...own, key: 'gone.key' } })
  await expect(missing).rejects.toThrow(/^the check's own gone\.key cannot be read in .*ENOENT/)
  await writeFile(join(secrets, 'broken.key'), 'not-a-key-but-secret')
  const broken = find(secure.port, { tls: { ...own, key: 'broken.key' } })
  await expect(broken).rejects.toThrow(/^(?!.*not-a-key)/)
})

it('tells one that never shakes hands from one that speaks without TLS', async () => {
  await using mute = await silent()
  await expect(find(mute.port, { tls: own }, 150)).rejects.toThrow('no TLS handshake in time')
  await using plain = await saying(Buffer.from([2, 0, 0, 0, 0, 2, 0, 1]))
  await expect(find(plain.port, { tls: own })).rejects.toThrow(/wrong version number|packet length too long/)
})
