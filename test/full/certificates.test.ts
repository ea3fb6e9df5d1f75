// Each way to a certificate that ships, followed as traefik/certificates/README.md says, to a certificate of a real ACME authority.
import type { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { addressOf, type Lab, type Machine, startLab, waitFor } from '../lab/index.ts'
import { NODE } from '../monitoring/site.ts'
import { type Authority, DIRECTORY, NAME_SERVER_PORT, RECORDS, startAuthority } from '../stack/authority.ts'
import { laidInto } from '../stack/edge-certificates.ts'
import { shownBy, trustedBy } from '../stack/shown-certificate.ts'
import { compose, configure, copyDeployment, STACK } from '../stack/standalone.ts'

const TRAEFIK = join(import.meta.dirname, '../../deployment/production/traefik')
const STORE = '/opt/pacs/acme/acme.json'
const CONTAINER = 'pacs-standalone-traefik-1'
const OVER = ['-f', 'docker-compose.acme.yml', '-f', 'own.yml']
/** Seconds that a certificate lives: past one look of Traefik for what to renew, which it does once a minute, and not past three. */
const LIFETIME = 150
const DNS_TOKEN = 'a-token-of-the-zone'
const DNS_PROVIDER_PORT = 8053

let lab: Lab
let server: Machine
let authority: Authority

beforeAll(async () => {
  lab = await startLab({ servers: ['staging'], runner: false })
  server = lab.server('staging')
  authority = await startAuthority(lab, LIFETIME)
  await authority.leadTo(await addressOf(server.container))
  await server.copyIn(process.execPath, NODE, 0o755)
  await copyDeployment(server)
  await configure(server)
  await server.copyIn(lab.ca, `${STACK}/traefik/ca.crt`)
  await server.copyIn(Buffer.from(authority.root), '/srv/authority.crt')
  const provider = await readFile(join(import.meta.dirname, '../stack/dns-provider.mjs'))
  await server.copyIn(provider, '/srv/dns-provider.mjs')
  const asked = [String(DNS_PROVIDER_PORT), 'pacs', DNS_TOKEN, RECORDS]
  await server.run(['systemd-run', '--unit', 'dns-provider', NODE, '/srv/dns-provider.mjs', ...asked])
  await server.copyIn(Buffer.from(DNS_TOKEN), `${STACK}/secrets/dns-token`)
})

afterAll(() => lab?.down())

/** What a person writes into traefik.yml beside the file's own keys: the own name, and how the authority of this lab is found. */
const acme = { caServer: DIRECTORY, caCertificates: ['/etc/traefik/ca.crt'], certificatesDuration: 1 }
const dnsChallenge = {
  provider: 'httpreq',
  resolvers: [`acme.lab:${NAME_SERVER_PORT}`],
  propagation: { disableChecks: true },
}

/** Starts Traefik anew, without a certificate, with the keys of one file laid into traefik.yml. */
async function startTraefik(file: string, resolver: object = {}): Promise<void> {
  const read = async (path: string): Promise<unknown> => parse(await readFile(join(TRAEFIK, path), 'utf8'))
  const shipped = laidInto(await read('traefik.yml'), await read(join('certificates', file)))
  const configured = laidInto(shipped, {
    certificatesResolvers: { acme: { acme: { ...acme, ...resolver } } },
    entryPoints: { websecure: { http: { tls: { domains: [{ main: server.hostname }] } } } },
  })
  await server.copyIn(Buffer.from(stringify(configured)), `${STACK}/traefik/traefik.yml`)
  const trusted = { type: 'bind', source: './traefik/ca.crt', target: '/etc/traefik/ca.crt', read_only: true }
  const environment = {
    HTTPREQ_ENDPOINT: `http://${server.hostname}:${DNS_PROVIDER_PORT}`,
    HTTPREQ_USERNAME: 'pacs',
    HTTPREQ_PASSWORD_FILE: '/run/secrets/dns-token',
  }
  const own = {
    services: { traefik: { volumes: [trusted], environment, secrets: ['dns-token'] } },
    secrets: { 'dns-token': { file: './secrets/dns-token' } },
  }
  await server.copyIn(Buffer.from(JSON.stringify(own)), `${STACK}/own.yml`)
  await compose(server, [...OVER, 'down'])
  await server.run(['rm', '-rf', '/opt/pacs/acme'])
  await server.run(['install', '-d', '-o', '65532', '-g', '65532', '-m', '0700', '/opt/pacs/acme'])
  await compose(server, [...OVER, 'up', '--detach', 'traefik'])
}

const shown = () => shownBy(server, authority.root)
const issued = (before?: X509Certificate) => trustedBy(server, authority.root, log, before)

async function log(): Promise<string> {
  const { stdout, stderr } = await server.exec(['docker', 'logs', CONTAINER])
  return stdout + stderr
}

const modeOfStore = () => server.run(['stat', '-c', '%a %u', STORE])

describe.each([
  ['acme-http-01.yml', {}],
  ['acme-tls-alpn-01.yml', {}],
  ['acme-internal-ca.yml', {}],
  ['acme-dns-01.yml', { dnsChallenge }],
])('%s', (file, resolver) => {
  test('brings a certificate for the name, kept where nobody else reads it', async () => {
    await startTraefik(file, resolver)
    const certificate = await issued()
    expect(certificate.checkHost(server.hostname)).toBe(server.hostname)
    expect(await modeOfStore()).toBe('600 65532')
  })
})

describe('a certificate by HTTP-01', () => {
  test('is renewed by itself as long as the authority reaches the name; then the old one is shown, and the health check says so', async () => {
    await startTraefik('acme-http-01.yml')
    const first = await issued()
    const second = await issued(first)
    expect(second.validToDate.getTime()).toBeGreaterThan(first.validToDate.getTime())
    expect(await healthOfCertificate()).toMatchObject({ state: 'up' })
    // An address of nobody: the name moved, or a firewall shut port 80.
    await authority.leadTo('198.51.100.1')
    try {
      await waitFor('the refusal', async () => /Error renewing ACME certificate/.test(await log()), 150_000)
      const kept = await shown()
      expect(kept.trusted).toBe(true)
      await waitFor(
        'the health check to warn',
        async () => {
          const { state, detail } = await healthOfCertificate()
          if (state !== 'degraded') throw new Error(`${state}: ${detail}`)
          return /renew the certificate$/.test(detail)
        },
        150_000,
      )
    } finally {
      await authority.leadTo(await addressOf(server.container))
    }
  })
})

test('with a store that others can read Traefik has no certificate to show, and says why', async () => {
  await startTraefik('acme-tls-alpn-01.yml')
  await issued()
  await server.run(['chmod', '0644', STORE])
  await compose(server, [...OVER, 'restart', 'traefik'])
  await waitFor(
    'Traefik to say so',
    async () => /permissions 644 for \/acme\/acme.json are too open/.test(await log()),
    30_000,
  )
  const { certificate, trusted } = await waitFor('a handshake', shown, 30_000)
  expect(trusted).toBe(false)
  expect(certificate.subject).toBe('CN=TRAEFIK DEFAULT CERT')
  expect(await healthOfCertificate()).toMatchObject({ state: 'down', detail: expect.stringMatching(/does not hold/) })
  await server.run(['chmod', '0600', STORE])
  await compose(server, [...OVER, 'restart', 'traefik'])
  await issued()
})

const found = z.object({ service: z.string(), check: z.string(), state: z.string(), detail: z.string() })

/** What the shipped health check says of the certificate. */
async function healthOfCertificate(): Promise<z.infer<typeof found>> {
  const { stdout } = await server.exec([
    ...[NODE, `${STACK}/monitoring/health-check.js`, '--format', 'json', '--timeout', '10s'],
    ...['--url', `https://${server.hostname}/`, '--ca-file', '/srv/authority.crt', '--secrets', `${STACK}/secrets`],
  ])
  const { checks } = z.object({ checks: z.array(found) }).parse(JSON.parse(stdout))
  const one = checks.find(({ service, check }) => service === 'public' && check === 'certificate')
  if (one === undefined) throw new Error(`no check of the certificate in ${stdout}`)
  return one
}
