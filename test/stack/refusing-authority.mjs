// An ACME authority (RFC 8555) that makes accounts and orders nothing: it has issued too many certificates already.
// Usage: node refusing-authority.mjs PORT CERTIFICATE KEY
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const [port, certificate, key] = process.argv.slice(2)
let nonces = 0

createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  const base = `https://${request.headers.host}`
  response.setHeader('Replay-Nonce', `nonce${nonces++}`)
  const answer = (status, body, type = 'application/json') =>
    response
      .writeHead(status, { 'content-type': type })
      .end(request.method === 'HEAD' ? undefined : JSON.stringify(body))
  request.resume().on('end', () => {
    switch (request.url) {
      case '/directory':
        return answer(200, {
          newNonce: `${base}/nonce`,
          newAccount: `${base}/account`,
          newOrder: `${base}/order`,
          revokeCert: `${base}/revoke`,
          keyChange: `${base}/key`,
        })
      case '/nonce':
        return answer(200, {})
      case '/account':
        response.setHeader('Location', `${base}/account/1`)
        return answer(201, { status: 'valid' })
      default:
        return answer(
          429,
          { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many certificates issued', status: 429 },
          'application/problem+json',
        )
    }
  })
}).listen(Number(port))
