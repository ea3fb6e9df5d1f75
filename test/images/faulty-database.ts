// A registry on loopback that gives no vulnerability database, each repository in a way of its own: `s404/db`, `s429/db`, `s503/db`
// answer with that status, `cut/db` ends in the middle of the database. The port below takes connections and says nothing.
// Runs in the lab's runner: node faulty-database.ts PORT
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { createServer as createSilentServer } from 'node:net'

const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`
const layer = 'x'.repeat(10_000)
const described = (mediaType: string, content: string) => ({
  mediaType,
  size: content.length,
  digest: digestOf(content),
})
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST,
  config: described('application/vnd.aquasec.trivy.config.v1+json', '{}'),
  layers: [
    {
      ...described('application/vnd.aquasec.trivy.db.layer.v1.tar+gzip', layer),
      annotations: { 'org.opencontainers.image.title': 'db.tar.gz' },
    },
  ],
})

createServer((request, response) => {
  const { url = '' } = request
  const status = Number(/^\/v2\/s(\d{3})\//.exec(url)?.[1] ?? 200)
  if (status !== 200) {
    const error = { errors: [{ code: 'UNKNOWN', message: `as asked: ${status}` }] }
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(error))
  } else if (url.includes('/manifests/')) {
    response
      .writeHead(200, { 'content-type': MANIFEST, 'docker-content-digest': digestOf(manifest) })
      .end(request.method === 'HEAD' ? '' : manifest)
  } else if (url.endsWith(digestOf('{}'))) response.writeHead(200).end('{}')
  else if (url.includes('/blobs/')) {
    response.writeHead(200, { 'content-length': layer.length })
    response.write(layer.slice(0, 5000), () => response.destroy())
  } else response.writeHead(200).end('{}')
}).listen(Number(process.argv[2]), '127.0.0.1')
createSilentServer().listen(Number(process.argv[2]) - 1, '127.0.0.1')
