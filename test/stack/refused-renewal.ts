// An authority that renews nothing any more: what is served meanwhile, and by what it is seen.
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { type Lab, type Machine, waitFor } from '../lab/index.ts'
import { readRules } from '../monitoring/rules.ts'
import { NODE } from '../monitoring/site.ts'
import { laidInto } from './edge-certificates.ts'

const TRAEFIK = join(import.meta.dirname, '../../deployment/production/traefik')
const IMAGE = 'traefik:v3.7.15'
const NAME = 'pacs.example.org'
const FOLDER = '/srv/renewal'
const PORT = '14000'
const DAYS_LEFT = 10

/** @param place a server with Node and an engine that has Traefik's image, whose ports of Traefik are free */
export function describeRefusedRenewal(place: () => { lab: Lab; server: Machine }): void {
  test('a renewal that the authority refuses leaves the old certificate, and the figure that its alert reads', async () => {
    const { lab, server } = place()
    await layDown(lab, server)
    const authority = [NODE, `${FOLDER}/authority.mjs`, PORT, `${FOLDER}/authority.crt`, `${FOLDER}/authority.key`]
    await server.run(['systemd-run', '--unit', 'refusing-authority', ...authority])
    const mounts = ['traefik.yml:/etc/traefik/traefik.yml:ro', 'ca.crt:/etc/traefik/ca.crt:ro', 'acme:/acme']
    const volumes = [...mounts.flatMap((one) => ['-v', `${FOLDER}/${one}`]), '--tmpfs', '/etc/traefik/dynamic']
    const container = ['--name', 'renewal', '--network', 'host', '--user', '0']
    await server.run(['docker', 'run', '--detach', ...container, ...volumes, IMAGE])
    try {
      const log = async () => {
        const { stdout, stderr } = await server.exec(['docker', 'logs', 'renewal'])
        return stdout + stderr
      }
      await waitFor('the refusal', async () => /Error renewing ACME certificate.*/.test(await log()), 60_000)
      expect(await log()).toMatch(/rateLimited.*too many certificates issued/)
      const kept = new X509Certificate(await server.readText(`${FOLDER}/old.crt`))
      const shake = `openssl s_client -connect 127.0.0.1:8443 -servername ${NAME} </dev/null | openssl x509`
      const shown = new X509Certificate(await server.run(['sh', '-c', shake]))
      expect(shown.fingerprint256).toBe(kept.fingerprint256)
      const figures = await server.run(['curl', '-fsS', 'http://127.0.0.1:8099/metrics'])
      const until = Number(
        new RegExp(`^traefik_tls_certs_not_after\\{cn="${NAME}".*\\} (\\S+)$`, 'm').exec(figures)?.[1],
      )
      expect(until).toBe(Date.parse(kept.validTo) / 1000)
      expect(until).toBeLessThan(Date.now() / 1000 + (await alarmedBefore()))
    } finally {
      await server.run(['docker', 'rm', '--force', 'renewal'])
      await server.run(['systemctl', 'stop', 'refusing-authority'])
    }
  })
}

/** The shipped way to a certificate with the authority's address in it, and an old certificate in Traefik's own store. */
async function layDown(lab: Lab, server: Machine): Promise<void> {
  const read = async (path: string): Promise<unknown> => parse(await readFile(join(TRAEFIK, path), 'utf8'))
  const shipped = laidInto(await read('traefik.yml'), await read('certificates/acme-tls-alpn-01.yml'))
  const acme = { caServer: `https://127.0.0.1:${PORT}/directory`, caCertificates: ['/etc/traefik/ca.crt'] }
  const configured = laidInto(shipped, { certificatesResolvers: { acme: { acme } } })
  await server.copyIn(Buffer.from(stringify(configured)), `${FOLDER}/traefik.yml`)
  await server.copyIn(await readFile(join(import.meta.dirname, 'refusing-authority.mjs')), `${FOLDER}/authority.mjs`)
  const { certificate, key } = lab.files.authority.issued(server.hostname)
  await server.copyIn(certificate, `${FOLDER}/authority.crt`)
  await server.copyIn(key, `${FOLDER}/authority.key`)
  await server.copyIn(lab.ca, `${FOLDER}/ca.crt`)
  await server.run([
    ...['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', `${DAYS_LEFT}`, '-subj', `/CN=${NAME}`],
    ...['-addext', `subjectAltName=DNS:${NAME}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', `${FOLDER}/old.key`, '-out', `${FOLDER}/old.crt`],
  ])
  const base64 = async (name: string) => Buffer.from(await server.readText(`${FOLDER}/${name}`)).toString('base64')
  const old = { certificate: await base64('old.crt'), key: await base64('old.key') }
  const store = { acme: { Account: null, Certificates: [{ domain: { main: NAME }, ...old, Store: 'default' }] } }
  await server.copyIn(Buffer.from(JSON.stringify(store)), `${FOLDER}/acme/acme.json`, 0o600)
}

/** Seconds before its end at which a certificate is alarmed of. */
async function alarmedBefore(): Promise<number> {
  const rule = (await readRules()).groups
    .flatMap(({ rules }) => rules)
    .find((one) => 'alert' in one && one.alert === 'CertificateExpiresSoon')
  const [, days] = /\(traefik_tls_certs_not_after\) - time\(\) < (\d+) \* 86400$/.exec(rule?.expr ?? '') ?? []
  return Number(days) * 86_400
}
