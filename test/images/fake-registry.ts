import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'

/** An answer that a real registry cannot be made to give. */
export const faultSchema = z.object({
  method: z.string(),
  /** Pattern of the path. */
  path: z.string(),
  status: z.number(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(''),
  /** How often before the registry behaves again. */
  times: z.number().default(Number.MAX_SAFE_INTEGER),
})
export type Fault = z.input<typeof faultSchema>

/** A registry in memory, on loopback, without TLS (which engines allow there): the push half of the distribution API, and faults. */
export async function startFakeRegistry(port: number, faults: readonly Fault[]) {
  const blobs = new Map<string, Buffer>()
  const manifests = new Map<string, { type: string; bytes: Buffer }>()
  const uploads = new Map<string, Buffer[]>()
  const seen: string[] = []
  const pending = faults.map((fault) => faultSchema.parse(fault))

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://registry')
    const method = request.method ?? ''
    const body = await buffer(request)
    seen.push(`${method} ${url.pathname}`)
    const fault = pending.find(
      (one) => one.times > 0 && one.method === method && new RegExp(one.path).test(url.pathname),
    )
    if (fault) {
      fault.times -= 1
      return response.writeHead(fault.status, fault.headers).end(fault.body)
    }
    const [, name = '', kind, last = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|blobs\/uploads)\/([^/]*)$/.exec(url.pathname) ?? []
    if (kind === 'manifests') return manifest(method, `${name}/${last}`, request, body, response)
    if (kind === 'blobs') return blob(method, last, response)
    if (kind === 'blobs/uploads') return upload(method, name, last, url.searchParams, body, response)
    response.writeHead(200).end('{}')
  }

  function manifest(method: string, key: string, request: IncomingMessage, body: Buffer, response: ServerResponse) {
    if (method === 'PUT') {
      const entry = { type: request.headers['content-type'] ?? '', bytes: body }
      manifests.set(key, entry)
      manifests.set(key.replace(/[^/]+$/, digestOf(body)), entry)
      return response.writeHead(201, { 'docker-content-digest': digestOf(body) }).end()
    }
    const found = manifests.get(key)
    if (!found)
      return response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
    const headers = {
      'content-type': found.type,
      'docker-content-digest': digestOf(found.bytes),
      'content-length': found.bytes.length,
    }
    return response.writeHead(200, headers).end(method === 'HEAD' ? undefined : found.bytes)
  }

  function blob(method: string, digest: string, response: ServerResponse) {
    const found = blobs.get(digest)
    if (!found) return response.writeHead(404).end('{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}')
    const headers = { 'content-length': found.length, 'docker-content-digest': digest }
    return response.writeHead(200, headers).end(method === 'HEAD' ? undefined : found)
  }

  function upload(
    method: string,
    name: string,
    id: string,
    query: URLSearchParams,
    body: Buffer,
    response: ServerResponse,
  ) {
    const upload = method === 'POST' ? randomUUID() : id
    const parts = uploads.get(upload) ?? []
    uploads.set(upload, [...parts, body])
    const location = `/v2/${name}/blobs/uploads/${upload}`
    if (method !== 'PUT') {
      const length = parts.reduce((sum, part) => sum + part.length, body.length)
      const range = `0-${Math.max(0, length - 1)}`
      return response.writeHead(202, { location, range, 'docker-upload-uuid': upload }).end()
    }
    const digest = query.get('digest') ?? ''
    blobs.set(digest, Buffer.concat(uploads.get(upload) ?? []))
    return response.writeHead(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest }).end()
  }

  const server = createServer((request, response) => void answer(request, response))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    /** Requests so far, as `METHOD /path`. */
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
