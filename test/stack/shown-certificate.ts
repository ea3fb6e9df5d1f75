// What a browser gets of a server's public entry.
import type { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { type Machine, waitFor } from '../lab/index.ts'

export interface Shown {
  certificate: X509Certificate
  /** Whether it holds for the server's name, for who trusts the given authority alone. */
  trusted: boolean
}

/** @param ca PEM text of whom the browser trusts */
export function shownBy(server: Machine, ca: string): Promise<Shown> {
  const to = { host: '127.0.0.1', port: server.port(443), servername: server.hostname }
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, ca, rejectUnauthorized: false, timeout: 5000 })
    socket.on('error', reject)
    socket.on('timeout', () => socket.destroy(new Error('no handshake within 5 s')))
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate()
      socket.destroy()
      if (certificate === undefined) reject(new Error('no certificate'))
      else resolve({ certificate, trusted: socket.authorized })
    })
  })
}

/**
 * Waits for a trusted certificate, another one than `before`.
 * @param log tells what Traefik said, for the case that none comes
 */
export function trustedBy(
  server: Machine,
  ca: string,
  log: () => Promise<string>,
  before?: X509Certificate,
): Promise<X509Certificate> {
  return waitFor(
    before ? 'another certificate' : 'a certificate',
    async () => {
      const { certificate, trusted } = await shownBy(server, ca)
      if (!trusted) throw new Error(`${certificate.subject} is not trusted:\n${(await log()).slice(-1500)}`)
      return certificate.serialNumber !== before?.serialNumber && certificate
    },
    90_000,
  )
}
