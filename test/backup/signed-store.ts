// S3 as restic's backend meets it: a server that keeps objects but asks nobody who he is, and before it a gate that does.
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'

export interface AccessKey {
  id: string
  secret: string
}

/** As S3 words them (its error responses). */
const WORDS = {
  AccessDenied: 'Access Denied',
  InvalidAccessKeyId: 'The AWS Access Key Id you provided does not exist in our records.',
  SignatureDoesNotMatch:
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
} as const

/** A gate on loopback; `requests` counts what it let through. */
export interface Gate extends AsyncDisposable {
  readonly port: number
  readonly requests: number
}

/** Lets to `target` what is signed with `key` (AWS Signature Version 4, in the header), and refuses all else in S3's words. */
export async function startGate(target: { host: string; port: number }, key: AccessKey): Promise<Gate> {
  let requests = 0
  const server = createServer((incoming, answer) => {
    const code = refusalOf(incoming, key)
    if (code !== null) {
      incoming.resume()
      const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${WORDS[code]}</Message></Error>`
      answer.writeHead(403, { 'content-type': 'application/xml' }).end(incoming.method === 'HEAD' ? undefined : body)
      return
    }
    requests += 1
    const { method, url, headers } = incoming
    const forward = request({ ...target, method, path: url, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(answer)
    })
    forward.on('error', () => answer.destroy())
    incoming.pipe(forward)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the gate does not listen')
  return {
    port: address.port,
    get requests() {
      return requests
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function refusalOf({ method = '', url = '', headers }: IncomingMessage, key: AccessKey): keyof typeof WORDS | null {
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  if (given === null) return 'AccessDenied'
  const [, id, day = '', region = '', signed = '', signature] = given
  if (id !== key.id) return 'InvalidAccessKeyId'
  const [path, query = ''] = url.split('?')
  const pairs = query.split('&').filter(Boolean)
  const canonical = [
    method,
    path,
    pairs
      .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
      .sort()
      .join('&'),
    ...signed.split(';').map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    signed,
    String(headers['x-amz-content-sha256'] ?? ''),
  ].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const hash = createHash('sha256').update(canonical).digest('hex')
  const text = ['AWS4-HMAC-SHA256', String(headers['x-amz-date'] ?? ''), scope, hash].join('\n')
  const derived = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${key.secret}`,
  )
  return createHmac('sha256', derived).update(text).digest('hex') === signature ? null : 'SignatureDoesNotMatch'
}
