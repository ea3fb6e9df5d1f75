// Runs on a server of the lab, by the Node that is copied beside it: a site that answers for every host, as a network's mirror and
// proxy do. node mirror.ts FOLDER KEY CERTIFICATE: TLS on :8443, and on :3128 a proxy that leads every CONNECT there.
// FOLDER holds <host>/<path>. The first part of a mirror's path says what is wrong with it: good, cut (half of the file arrives),
// wrong (the last byte is another).
import { readFileSync, statSync } from 'node:fs'
import { createServer as createProxy } from 'node:http'
import { createServer } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'

const [folder = '', key = '', cert = ''] = process.argv.slice(2)

createServer({ key: readFileSync(key), cert: readFileSync(cert) }, ({ url = '/', headers }, response) => {
  const { host = '' } = headers
  const [, fault = '', path = ''] = host.startsWith('mirror.lab')
    ? (/^\/(\w+)\/(.*)$/.exec(url) ?? [])
    : ['', 'good', `${host}${url}`]
  const file = join(folder, path)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404).end('nothing here')
    return
  }
  const content = readFileSync(file)
  if (fault === 'wrong') content[content.length - 1] = (content.at(-1) ?? 0) ^ 1
  response.writeHead(200, { 'content-length': content.length })
  if (fault === 'cut') response.write(content.subarray(0, content.length / 2), () => response.destroy())
  else response.end(content)
}).listen(8443, '127.0.0.1')

createProxy()
  .on('connect', ({ url = '' }, client) => {
    console.log(`CONNECT ${url}`)
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    client.pipe(connect(8443, '127.0.0.1')).pipe(client)
    client.on('error', () => {
      // The client may go at any time.
    })
  })
  .listen(3128, '127.0.0.1')
