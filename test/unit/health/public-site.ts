import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface PublicSite extends AsyncDisposable {
  url: string
  /** PEM of the authority that signed its certificate. */
  ca: string
}

/** A site on loopback with TLS of its own. */
export async function publicSite(answer: RequestListener): Promise<PublicSite> {
  const directory = mkdtempSync(join(tmpdir(), 'pacs-site-'))
  const files = ['-keyout', join(directory, 'key'), '-out', join(directory, 'crt')]
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const options = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  execFileSync('openssl', ['req', ...options, ...name, ...files], { stdio: 'ignore' })
  const [key, ca] = ['key', 'crt'].map((file) => readFileSync(join(directory, file), 'utf8'))
  rmSync(directory, { recursive: true })
  const server = createServer({ key, cert: ca }, answer)
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `https://localhost:${port}/`,
    ca: ca ?? '',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
