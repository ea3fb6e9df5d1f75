// A client of the public entry that says what it wants and keeps what it gets: also what a browser would never send.
import { readFile } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request as plainRequest } from 'node:http'
import { request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { connect, type TLSSocket } from 'node:tls'
import type { Lab, Machine } from '../lab/index.ts'

export interface Reply {
  status: number
  /** Each header with all its values: one that is sent twice shows here. */
  headers: ReadonlyMap<string, string[]>
  body: Buffer
}

export interface Asking {
  method?: string
  headers?: OutgoingHttpHeaders
  body?: string | Buffer
  /** Plain HTTP, at the port of redirects. */
  plain?: boolean
}

/** Asks a server of the lab at its public entry. */
export async function ask(lab: Lab, server: Machine, path: string, asking: Asking = {}): Promise<Reply> {
  const { method = 'GET', headers = {}, body, plain = false } = asking
  const ca = await readFile(lab.ca)
  const port = server.port(plain ? 80 : 443)
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers: { host: server.hostname, ...headers } }
    const outgoing = plain
      ? plainRequest(options)
      : request({ ...options, servername: server.hostname, ca, agent: false })
    outgoing.setTimeout(30_000, () => outgoing.destroy(new Error(`no answer to ${path} within 30 s`)))
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const found = Object.entries(response.headersDistinct).map(([name, values]) => [name, values ?? []] as const)
        resolve({ status: response.statusCode ?? 0, headers: new Map(found), body: Buffer.concat(chunks) })
      })
    })
    outgoing.end(body)
  })
}

/**
 * Sends `bytes` of a body that is announced with twice as many, then hangs up as a lost network does.
 * @returns once the first half has left this machine
 */
export async function cutUpload(
  lab: Lab,
  server: Machine,
  path: string,
  headers: OutgoingHttpHeaders,
  { head, bytes }: { head: string; bytes: number },
): Promise<void> {
  const ca = await readFile(lab.ca)
  const outgoing = request({
    host: '127.0.0.1',
    port: server.port(443),
    path,
    method: 'POST',
    headers: { host: server.hostname, ...headers, 'content-length': bytes * 2 },
    servername: server.hostname,
    ca,
    agent: false,
  })
  outgoing.on('error', () => undefined)
  outgoing.write(head)
  const block = Buffer.alloc(1_048_576)
  for (let sent = 0; sent < bytes; sent += block.length) {
    if (outgoing.destroyed) throw new Error(`the upload was refused after ${sent} bytes`)
    // Also when it breaks: what was sent last is then told by the next round.
    if (!outgoing.write(block)) await moved(outgoing)
  }
  outgoing.destroy()
}

/**
 * Sends a body of `length` bytes block by block, none of which is kept.
 * @param blocks what is sent; a lost network where it throws
 * @returns the status and text of the answer
 */
export async function upload(
  lab: Lab,
  server: Machine,
  path: string,
  headers: OutgoingHttpHeaders,
  { length, blocks }: { length: number; blocks: () => Iterable<Buffer> },
): Promise<{ status: number; text: string }> {
  const ca = await readFile(lab.ca)
  const outgoing = request({
    ...{ host: '127.0.0.1', port: server.port(443), servername: server.hostname, ca, agent: false, path },
    method: 'POST',
    headers: { host: server.hostname, ...headers, 'content-length': length },
  })
  const answered = new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.on('response', resolve).on('error', reject),
  )
  const [response] = await Promise.all([answered, pipeline(Readable.from(blocks()), outgoing)])
  return { status: response.statusCode ?? 0, text: await text(response) }
}

/** Waits until there is room for more, or nobody who takes it. */
function moved(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done).off('close', done)
      resolve()
    }
    outgoing.on('drain', done).on('close', done)
  })
}

/** Shakes hands with the public entry of a server. @returns what both agreed on @throws what one of them refused */
export async function shake(
  lab: Lab,
  server: Machine,
  options: { servername?: string; maxVersion?: 'TLSv1.2' | 'TLSv1.3'; ciphers?: string } = {},
): Promise<string | null> {
  const ca = await readFile(lab.ca)
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({
      host: '127.0.0.1',
      port: server.port(443),
      servername: server.hostname,
      ca,
      ...options,
    })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      resolve(socket.getProtocol())
      socket.destroy()
    })
  })
}

/** Whether a TCP port of an address answers within 2 s. */
export function isOpen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port })
    const done = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.setTimeout(2000, () => done(false))
    socket.on('error', () => done(false))
    socket.on('connect', () => done(true))
  })
}
