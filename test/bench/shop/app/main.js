import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'

await setTimeout(1000)
const answers = {
  'GET /': ['text/html', '<title>Shop</title>'],
  'GET /ready': ['application/json', '{}'],
  'GET /api/version': ['application/json', JSON.stringify({ commit: process.env.COMMIT })],
  'POST /api/studies/search': ['application/json', '[]'],
}
const server = createServer((request, response) => {
  const [type, body] = answers[`${request.method} ${request.url}`] ?? ['text/plain', null]
  request.resume()
  response.writeHead(body === null ? 404 : 200, { 'content-type': type }).end(body ?? 'not here')
})
server.listen(3000)
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  // Kept open without a request: one that Traefik made ahead, or whose last request came meanwhile. An answer takes milliseconds here.
  setTimeout(1000).then(() => server.closeAllConnections())
})
