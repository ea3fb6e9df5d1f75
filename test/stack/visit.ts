import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import type { Lab, Machine } from '../lab/index.ts'

export interface Visit {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
}

/**
 * Asks a server of the lab through its public TLS entry, checking its certificate.
 * @param body sent as JSON by POST; without it the request is a GET
 */
export async function visit(lab: Lab, server: Machine, path: string, body?: unknown): Promise<Visit> {
  const ca = await readFile(lab.ca)
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: server.port(443),
      servername: server.hostname,
      ca,
      path,
      timeout: 20_000,
      headers: { host: server.hostname, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      method: body === undefined ? 'GET' : 'POST',
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${path} within 20 s`)))
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
