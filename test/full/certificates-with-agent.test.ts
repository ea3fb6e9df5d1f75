// A server with an agent and no certificate of its own gets one by ACME with its first deploy.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { addressOf, type Machine, waitFor } from '../lab/index.ts'
import { agent, repositoryRoot } from '../site/server.ts'
import { type Site, startSite } from '../site/site.ts'
import { ask } from '../site/transactions.ts'
import { type Authority, DIRECTORY, startAuthority } from '../stack/authority.ts'
import { laidInto } from '../stack/edge-certificates.ts'
import { shownBy, trustedBy } from '../stack/shown-certificate.ts'

const PRODUCTION = 'deployment/production'
const STORE = '/opt/pacs/acme/acme.json'
const QUICK = ['--watch', '2s', '--hold', '3s', '--keep-warm', '1s']

let site: Site
let server: Machine
let authority: Authority

beforeAll(async () => {
  site = await startSite(['clinic'])
  server = site.lab.server('clinic')
  authority = await startAuthority(site.lab, 90 * 86_400)
  await authority.leadTo(await addressOf(server.container))
  await server.run(['rm', '-r', '/opt/pacs/config/next/certs'])
  await server.run(['install', '-d', '-o', '65532', '-g', '65532', '-m', '0700', '/opt/pacs/acme'])
  await writeAsTheReadmeSays()
})

afterAll(() => site?.[Symbol.asyncDispose]())

/** The team's own stack: keys of one of the files in traefik.yml, and what is mounted in its one Compose file. */
async function writeAsTheReadmeSays(): Promise<void> {
  const { runner } = site.lab
  await runner.copyIn(site.lab.ca, `/srv/pacs/${PRODUCTION}/traefik/ca.crt`)
  const shipped = (path: string) => readFile(join(repositoryRoot, PRODUCTION, path), 'utf8').then(parse)
  const way = laidInto(await shipped('traefik/certificates/acme-http-01.yml'), {
    certificatesResolvers: { acme: { acme: { caServer: DIRECTORY, caCertificates: ['/etc/traefik/ca.crt'] } } },
    entryPoints: { websecure: { http: { tls: { domains: [{ main: server.hostname }] } } } },
  })
  await site.repository.edit(`${PRODUCTION}/traefik/traefik.yml`, (text) => stringify(laidInto(parse(text), way)))
  const { services } = await shipped('docker-compose.acme.yml')
  const trusted = { type: 'bind', source: './traefik/ca.crt', target: '/etc/traefik/ca.crt', read_only: true }
  const mounts = [...services.traefik.volumes, trusted].map((mount) => `      - ${JSON.stringify(mount)}\n`).join('')
  await site.repository.edit(`${PRODUCTION}/docker-compose.prod.yml`, (text) =>
    text.replace(/(?<=^ {2}traefik:\n(?: {4,}.*\n)*? {4}volumes:\n)/m, mounts),
  )
}

const log = async () => {
  const { stdout, stderr } = await server.exec(['docker', 'logs', 'pacs-traefik-1'])
  return stdout + stderr
}

test('the first deploy brings a certificate for the name of the server', async () => {
  const release = await site.repository.build()
  expect(await ask(server, ['migrate', release])).toMatchObject({ result: { outcome: 'done' } })
  expect(await ask(server, ['deploy', release, ...QUICK])).toMatchObject({ result: { outcome: 'deployed' } })
  const certificate = await trustedBy(server, authority.root, log)
  expect(certificate.checkHost(server.hostname)).toBe(server.hostname)
  expect(await server.run(['stat', '-c', '%a %u', STORE])).toBe('600 65532')
  // The modality of every server of the lab is the example's.
  expect((await agent(server, ['config', 'check'])).stderr).toMatch(/^[^\n]*DICOM_MODALITIES[^\n]*\n?$/)
  expect(await certificateByDoctor()).toMatchObject({ state: 'ok', what: expect.stringMatching(/ \d\d days left$/) })
})

test('a store that others can read is named by config check and set-up, what it leads to by the doctor', async () => {
  const { certificate } = await shownBy(server, authority.root)
  await server.run(['chmod', '0644', STORE])
  await server.run(['docker', 'restart', 'pacs-traefik-1'])
  await waitFor('a handshake', () => shownBy(server, authority.root), 30_000)
  expect(await agent(server, ['config', 'check'])).toMatchObject({
    code: 40,
    stderr: expect.stringContaining(`${STORE} can be read by others (mode 644)`),
  })
  expect((await agent(server, ['setup', '--check', '--json'])).stdout).toContain(STORE)
  expect(await certificateByDoctor()).toMatchObject({
    state: 'warning',
    what: expect.stringContaining('does not hold'),
  })
  await server.run(['chmod', '0600', STORE])
  await server.run(['docker', 'restart', 'pacs-traefik-1'])
  expect((await trustedBy(server, authority.root, log)).serialNumber).toBe(certificate.serialNumber)
})

const said = z.object({ remarks: z.array(z.object({ state: z.string(), what: z.string() })) })

/** What `pacs-deploy doctor` says of it, asked on the team's own machine. */
async function certificateByDoctor(): Promise<z.infer<typeof said>['remarks'][number] | undefined> {
  const { runner } = site.lab
  await runner.copyIn(site.lab.sshKey, '/srv/doctor/key', 0o600)
  await runner.copyIn(Buffer.from(authority.root), '/srv/doctor/authority.crt')
  const command = ['node', '/srv/pacs-deploy/dist/cli/index.js', 'doctor', '--ssh-key', '/srv/doctor/key', '--json']
  const env = { NODE_EXTRA_CA_CERTS: '/srv/doctor/authority.crt' }
  const { stdout } = await runner.exec(command, { cwd: '/srv/pacs', env })
  return said.parse(JSON.parse(stdout)).remarks.find(({ what }) => what.startsWith('the certificate of'))
}
