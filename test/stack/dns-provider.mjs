// What the makers of a zone offer for DNS-01: an API that sets a record for who knows the token (httpreq of Traefik's list of providers).
// Usage: node dns-provider.mjs PORT USER TOKEN RECORDS
import { createServer } from 'node:http'

const [port, user, token, records] = process.argv.slice(2)
const wanted = `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`
const actions = { '/present': 'set-txt', '/cleanup': 'clear-txt' }

createServer(async (request, response) => {
  const action = actions[request.url]
  if (request.headers.authorization !== wanted || !action) return response.writeHead(403).end()
  const { fqdn, value } = JSON.parse(Buffer.concat(await request.toArray()).toString())
  const { status } = await fetch(`${records}/${action}`, {
    method: 'POST',
    body: JSON.stringify({ host: fqdn, value }),
  })
  response.writeHead(status).end()
}).listen(Number(port))
