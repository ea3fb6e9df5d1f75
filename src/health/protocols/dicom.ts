import type { Finding } from '../gate.ts'
import { judgeCertificate } from './certificate.ts'
import { type Address, exchange } from './exchange.ts'

const VERIFICATION = '1.2.840.10008.1.1'
const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2'
const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1'
/** Our implementation class: a UUID-derived UID, as PS3.5 B.2 allows anybody. */
const IMPLEMENTATION = '2.25.325814562311458124751236945120471254'

const TLS_ALERT = 21

/** What a secure transport connection takes (PS3.15 annex B); PEM texts. */
export interface DicomTls {
  /** The authorities, or the archive's own certificate, that it is known by: modalities check no name. */
  ca: string
  certificate: string
  key: string
}

/**
 * Asks to associate as `calling` with `called`. An archive that admits only its modalities rejects that in the protocol's own
 * words, which proves that it speaks DICOM as well as an acceptance does; an abort, or another protocol, does not.
 */
export async function askDicom(
  address: Address,
  { called, calling, tls }: { called: string; calling: string; tls?: DicomTls | undefined },
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<Finding> {
  const hello = associateRequest(called, calling)
  if (tls === undefined) return judge(await exchange(address, hello, pduIn, signal), called, calling)
  let shown: Finding | undefined
  const answer = await exchange(address, hello, pduIn, signal, {
    ca: tls.ca,
    cert: tls.certificate,
    key: tls.key,
    checkServerIdentity: () => undefined,
    secured: (socket) => {
      shown = judgeCertificate(socket.getPeerCertificate(), socket.getProtocol(), null, now())
    },
  })
  const said = judge(answer, called, calling)
  return said.ok && shown ? { ...shown, detail: `${said.detail}, ${shown.detail}` } : said
}

function judge(answer: { type: number; body: Buffer }, called: string, calling: string): Finding {
  if (answer.type === 2) return { ok: true, detail: `associates with ${calling}` }
  if (answer.type === 7) return { ok: false, detail: 'aborts the association' }
  const [, result, source, reason] = answer.body
  // Source 3, reason 1: temporary congestion; 2: local limit exceeded.
  if (source === 3) return { ok: false, detail: `is too busy to associate (reason ${reason})` }
  if (source === 1 && reason === 7)
    return { ok: false, detail: `is not called ${called} (called AE title not recognised)` }
  return {
    ok: true,
    detail: `speaks DICOM (rejects ${calling}, which is no modality: result ${result}, reason ${reason})`,
  }
}

/** An A-ASSOCIATE-RQ (PS3.8 9.3.2) that proposes Verification alone. */
function associateRequest(called: string, calling: string): Buffer {
  const title = (text: string) => Buffer.from(text.slice(0, 16).padEnd(16))
  const presentation = [
    Buffer.from([1, 0, 0, 0]),
    item(0x30, Buffer.from(VERIFICATION)),
    item(0x40, Buffer.from(IMPLICIT_LITTLE_ENDIAN)),
  ]
  const user = [item(0x51, Buffer.from([0, 0, 0x40, 0])), item(0x52, Buffer.from(IMPLEMENTATION))]
  const body = Buffer.concat([
    Buffer.from([0, 1, 0, 0]),
    title(called),
    title(calling),
    Buffer.alloc(32),
    item(0x10, Buffer.from(APPLICATION_CONTEXT)),
    item(0x20, Buffer.concat(presentation)),
    item(0x50, Buffer.concat(user)),
  ])
  const head = Buffer.from([1, 0, 0, 0, 0, 0])
  head.writeUInt32BE(body.length, 2)
  return Buffer.concat([head, body])
}

function item(type: number, content: Buffer): Buffer {
  const head = Buffer.from([type, 0, 0, 0])
  head.writeUInt16BE(content.length, 2)
  return Buffer.concat([head, content])
}

/** A-ASSOCIATE-AC (2), A-ASSOCIATE-RJ (3) or A-ABORT (7). */
function pduIn(received: Buffer): { type: number; body: Buffer } | null {
  const type = received[0]
  if (type === TLS_ALERT) throw new Error('speaks TLS: its check needs `tls`, with a certificate')
  if (type !== 2 && type !== 3 && type !== 7) throw new Error(`is no DICOM service: its answer begins with ${type}`)
  if (received.length < 6) return null
  const length = received.readUInt32BE(2)
  return received.length < 6 + length ? null : { type, body: received.subarray(6, 6 + length) }
}
