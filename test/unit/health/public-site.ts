import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface PublicSite extends AsyncDisposable {
  url: string
  /** PEM of the authority that signed its certificate. */
  ca: string
}

/** What is wrong with a site's certificate. */
interface Faults {
  /** The host that it is for. */
  name?: string
  expired?: boolean
}

/** A site on loopback with TLS of its own. */
export async function publicSite(answer: RequestListener, faults: Faults = {}): Promise<PublicSite> {
  const { key, ca } = makeCertificate(faults)
  const server = createServer({ key, cert: ca }, answer)
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `https://localhost:${port}/`,
    ca,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function makeCertificate({ name = 'localhost', expired = false }: Faults): { key: string; ca: string } {
  const directory = mkdtempSync(join(tmpdir(), 'pacs-site-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key']
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
  try {
    if (expired) {
      // Only an authority signs for a time that is over.
      writeFileSync(join(directory, 'index'), '')
      writeFileSync(join(directory, 'config'), AUTHORITY)
      openssl('req', ...key, ...subject, '-out', 'request')
      const dates = ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z']
      openssl(
        'ca',
        '-batch',
        '-config',
        'config',
        '-selfsign',
        '-keyfile',
        'key',
        '-in',
        'request',
        ...dates,
        '-out',
        'crt',
      )
    } else openssl('req', '-x509', ...key, ...subject, '-days', '1', '-out', 'crt')
    const [secret = '', certificate = ''] = ['key', 'crt'].map((file) => readFileSync(join(directory, file), 'utf8'))
    return { key: secret, ca: certificate }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const AUTHORITY = `[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
copy_extensions = copy
policy = any
[any]
commonName = supplied
`
