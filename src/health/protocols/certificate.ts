import { connect, type PeerCertificate } from 'node:tls'
import { messageOf } from '../../lib/index.ts'
import type { Check, Finding } from '../gate.ts'
import type { Address } from './exchange.ts'

const DAY_MS = 86_400_000
/** Of a certificate's life that must be left: a third, as renewals begin there. */
const LEAST_LEFT = 1 / 3

/** Checks the certificate that the server of an https URL shows. */
export function certificateCheck(url: string, ca: string | undefined): Check {
  const { hostname, port } = new URL(url)
  const name = hostname.replace(/^\[|\]$/g, '')
  return {
    name: 'certificate',
    look: (signal) => askCertificate({ host: name, port: Number(port || 443) }, { name, ca }, signal),
  }
}

/** Whether the server at `address` shows a certificate for `name` that holds, and for how long: for good, or soon no more. */
function askCertificate(
  address: Address,
  { name, ca }: { name: string; ca: string | undefined },
  signal: AbortSignal,
): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = connect({
      ...address,
      servername: name,
      ...(ca === undefined ? {} : { ca }),
      rejectUnauthorized: false,
    })
    const settle = (finding: Finding) => {
      socket.destroy()
      resolve(finding)
    }
    signal.addEventListener('abort', () => settle({ ok: false, detail: 'no TLS handshake in time' }), { once: true })
    socket.on('error', (error) => settle({ ok: false, detail: messageOf(error) }))
    socket.on('secureConnect', () => {
      const trouble = socket.authorized ? null : String(socket.authorizationError)
      settle(judgeCertificate(socket.getPeerCertificate(), socket.getProtocol(), trouble, Date.now()))
    })
  })
}

/** What a certificate is worth: nothing with `trouble`, and it is degraded when little of its life is left. */
export function judgeCertificate(
  certificate: PeerCertificate,
  protocol: string | null,
  trouble: string | null,
  now: number,
): Finding {
  if (trouble !== null) return { ok: false, detail: `the certificate does not hold: ${trouble}` }
  const [from, to] = [Date.parse(certificate.valid_from), Date.parse(certificate.valid_to)]
  const days = Math.floor((to - now) / DAY_MS)
  const detail = `${protocol}, ${days} days left`
  if (to - now < (to - from) * LEAST_LEFT)
    return { ok: true, degraded: true, detail: `${detail}: renew the certificate` }
  return { ok: true, detail }
}
