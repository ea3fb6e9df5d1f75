import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../src/lib/index.ts'
import { hostEnv } from './docker.ts'

/** Days that certificates of a lab hold. */
const DAYS = '30'
const HOST_BUNDLE = '/etc/ssl/certs/ca-certificates.crt'

/** Paths of a certificate and its key on the host. */
export interface Certificate {
  certificate: string
  key: string
}

/** A certificate authority of one lab, in a folder of the host. */
export class CertificateAuthority {
  /** Path of the authority's own certificate. */
  readonly certificate: string
  /** Path of the host's authorities together with this one: for programs that take one bundle only. */
  readonly bundle: string
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    this.certificate = join(folder, 'ca.crt')
    this.bundle = join(folder, 'ca-bundle.crt')
  }

  /** Makes the authority's key and certificate. */
  async create(name: string): Promise<void> {
    const subject = ['-subj', `/CN=pacs-deploy lab ${name}`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign']
    const out = ['-keyout', join(this.#folder, 'ca.key'), '-out', this.certificate]
    await openssl(['req', '-x509', ...newKey, ...subject, '-days', DAYS, ...out])
    const host = await readFile(HOST_BUNDLE, 'utf8').catch(() => '')
    await writeFile(this.bundle, `${host}\n${await readFile(this.certificate, 'utf8')}`)
  }

  /** Issues a server certificate for `hostnames` (the first names it) and the loopback. */
  async issue(hostnames: readonly [string, ...string[]]): Promise<Certificate> {
    const [name] = hostnames
    const certificate = join(this.#folder, `${name}.crt`)
    const key = join(this.#folder, `${name}.key`)
    const names = [...hostnames, 'localhost'].map((host) => `DNS:${host}`)
    const extensions = [
      ['subjectAltName', [...names, 'IP:127.0.0.1'].join(',')],
      ['extendedKeyUsage', 'serverAuth'],
      ['basicConstraints', 'critical,CA:FALSE'],
    ].flatMap(([extension, value]) => ['-addext', `${extension}=${value}`])
    const signer = ['-CA', this.certificate, '-CAkey', join(this.#folder, 'ca.key'), '-days', DAYS]
    await openssl([
      'req',
      '-x509',
      ...newKey,
      '-subj',
      `/CN=${name}`,
      ...extensions,
      ...signer,
      '-keyout',
      key,
      '-out',
      certificate,
    ])
    return { certificate, key }
  }

  /** Paths of a certificate that was issued before. */
  issued(name: string): Certificate {
    return { certificate: join(this.#folder, `${name}.crt`), key: join(this.#folder, `${name}.key`) }
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

async function openssl(args: readonly string[]): Promise<void> {
  await run('openssl', args, { env: hostEnv() })
}
