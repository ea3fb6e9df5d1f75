import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../src/lib/index.ts'
import { CertificateAuthority } from './certificates.ts'
import { hostEnv } from './docker.ts'

/** Host name and port of the registry inside a lab. */
export const REGISTRY = 'registry.lab:5000'

/** A file that a container gets before it starts. */
export interface InitialFile {
  content: string | Uint8Array
  mode: number
}

/** What a lab keeps in its folder on the host: its authority and certificates, and the key that opens its servers. */
export class LabFiles {
  readonly folder: string
  readonly authority: CertificateAuthority
  /** Path of the private ed25519 key, without passphrase; `.pub` beside it. */
  readonly sshKey: string

  constructor(folder: string) {
    this.folder = folder
    this.authority = new CertificateAuthority(folder)
    this.sshKey = join(folder, 'id_ed25519')
  }

  /** Makes keys and certificates for the registry and for the public names of `servers`. */
  async create(lab: string, servers: readonly string[]): Promise<void> {
    const env = hostEnv()
    await Promise.all([
      run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `pacs-deploy lab ${lab}`, '-f', this.sshKey], { env }),
      this.authority.create(lab),
    ])
    await Promise.all(['registry', ...servers].map((name) => this.authority.issue([`${name}.lab`])))
  }

  /**
   * Files of a server or runner: the engine's settings, whom it trusts, and root's key.
   * @param features of the engine
   */
  async forMachine(features: Readonly<Record<string, boolean>> = {}): Promise<Map<string, InitialFile>> {
    // dnsmasq answers at the bridge's address (recipes/server/dnsmasq.conf), which is outside the pools of the outer engine.
    const mirrors = [`https://${REGISTRY}`]
    const engine = { 'registry-mirrors': mirrors, mtu: 1400, bip: '10.213.0.1/24', dns: ['10.213.0.1'], features }
    const bundle = await readFile(this.authority.bundle)
    return new Map<string, InitialFile>([
      ['/etc/docker/daemon.json', { content: `${JSON.stringify(engine, null, 2)}\n`, mode: 0o644 }],
      [`/etc/docker/certs.d/${REGISTRY}/ca.crt`, { content: await readFile(this.authority.certificate), mode: 0o644 }],
      ['/etc/ssl/certs/ca-certificates.crt', { content: bundle, mode: 0o644 }],
      ['/root/.ssh/authorized_keys', { content: await readFile(`${this.sshKey}.pub`), mode: 0o600 }],
    ])
  }

  /** Files of the registry: its certificate. */
  async forRegistry(): Promise<Map<string, InitialFile>> {
    const { certificate, key } = this.authority.issued('registry.lab')
    return new Map<string, InitialFile>([
      ['/etc/docker-registry/tls/server.crt', { content: await readFile(certificate), mode: 0o644 }],
      ['/etc/docker-registry/tls/server.key', { content: await readFile(key), mode: 0o600 }],
    ])
  }
}
