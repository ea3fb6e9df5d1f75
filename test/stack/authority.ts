// An authority that issues by ACME: Let's Encrypt's own for tests (Pebble), on the network of a lab, with a name server of its own.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { probe } from '../../src/health/index.ts'
import { addressOf, docker, ensureToolImage, LAB_LABEL, type Lab, waitFor } from '../lab/index.ts'

const HOST = 'acme.lab'

/** Where Traefik asks for certificates. */
export const DIRECTORY = `https://${HOST}:14000/dir`
/** Where TXT records are set: `set-txt`, `clear-txt`. */
export const RECORDS = `http://${HOST}:8055`
/** Where names are asked for. */
export const NAME_SERVER_PORT = 8053

export interface Authority {
  /** The container's address in the lab's network. */
  address: string
  /** PEM text of what it signs by. */
  root: string
  /** Where it finds every name from now on. */
  leadTo(address: string): Promise<void>
  log(): Promise<string>
}

/**
 * Starts it. It validates on ports 80 and 443 as Let's Encrypt does, and anew for every order; its own certificate is of the lab's authority.
 * @param lifetime seconds that its certificates hold
 */
export async function startAuthority(lab: Lab, lifetime: number): Promise<Authority> {
  const image = await ensureToolImage('pebble')
  const { certificate, key } = await lab.files.authority.issue([HOST])
  const ports = { listenAddress: ':14000', managementListenAddress: ':15000', httpPort: 80, tlsPort: 443 }
  const files = { certificate: '/tls.crt', privateKey: '/tls.key' }
  const configuration = join(lab.files.folder, 'pebble.json')
  await writeFile(
    configuration,
    JSON.stringify({ pebble: { ...ports, ...files, certificateValidityPeriod: lifetime } }),
  )
  const container = `pacs-lab-${lab.name}-acme`
  const mounts = Object.entries({ [configuration]: '/pebble.json', [certificate]: '/tls.crt', [key]: '/tls.key' })
  const names = `pebble-challtestsrv -http01 '' -https01 '' -tlsalpn01 '' -defaultIPv6 ''`
  const env = { PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0' }
  await docker([
    ...['run', '--detach', '--name', container, '--label', `${LAB_LABEL}=${lab.name}`],
    ...['--network', lab.network, '--network-alias', HOST],
    ...mounts.flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]),
    ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...[image, 'sh', '-c', `${names} & exec pebble -config /pebble.json -dnsserver 127.0.0.1:${NAME_SERVER_PORT}`],
  ])
  const address = await addressOf(container)
  const ca = await readFile(lab.ca, 'utf8')
  const root = await waitFor(
    'the authority',
    async () => {
      const at = { host: address, port: 15_000 }
      const answer = await probe(`https://${HOST}:15000/roots/0`, { ca, at, timeout: 5000 })
      if (!answer.ok) throw new Error(answer.error)
      return answer.body
    },
    30_000,
  )
  return {
    address,
    root,
    async leadTo(ip) {
      const body = JSON.stringify({ ip })
      const { ok, status } = await fetch(`http://${address}:8055/set-default-ipv4`, { method: 'POST', body })
      if (!ok) throw new Error(`the name server answered ${status}`)
    },
    log: () => docker(['logs', container]),
  }
}
