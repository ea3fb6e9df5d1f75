// The agent listens on two sockets in /run/pacs. On agent.sock HTTP starts at once and the peer is a person at the console
// (or root). On ssh.sock the first line is the identity that `pacs-agent ssh` writes before it passes on a single byte of its
// remote side; sshd's forced command gives that program the name of the key. So whatever a remote peer sends comes after the
// line and is only HTTP: no header or body of its can claim another key, and sshd lets it reach no socket by itself.
import { chmod, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Layout } from '../layout.ts'
import type { AgentApi } from './api.ts'

/** What the transactions of a person at the server's console are recorded under. */
export const CONSOLE_KEY = 'console'

/** How an SSH key may be called: it stands in authorized_keys, in the preamble and in the audit. */
export const KEY_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/

const PREAMBLE = /^pacs-agent key=([^ ]+)$/
const MAX_PREAMBLE = 128
const PREAMBLE_LIMIT_MS = 5000
/** Longer than a client waits between two requests, so that it can use its connection again. */
const KEEP_ALIVE_MS = 60_000

/** The line by which the bridge introduces the key `name`. */
export function preamble(name: string): string {
  return `pacs-agent key=${name}\n`
}

export type Sockets = Pick<Layout, 'socket' | 'sshSocket'>

/** Which key each connection proved. */
export class ProvenKeys {
  readonly #names = new WeakMap<Socket, string>()

  set(socket: Socket, name: string): void {
    this.#names.set(socket, name)
  }

  of(socket: Socket): string {
    return this.#names.get(socket) ?? CONSOLE_KEY
  }
}

/**
 * Serves `api` on both sockets (mode 0660), after removing stale ones.
 * @returns a function that stops listening and cuts the connections that are left.
 */
export async function listen(api: AgentApi, keys: ProvenKeys, sockets: Sockets): Promise<() => Promise<void>> {
  const http = createHttpServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 30_000 },
    getRequestListener(api.fetch),
  )
  const ssh = createServer((socket) => {
    introduce(socket, (name) => {
      keys.set(socket, name)
      http.emit('connection', socket)
    })
  })
  await bind(http, sockets.socket)
  await bind(ssh, sockets.sshSocket)
  return async () => {
    await Promise.all([close(http), close(ssh), Promise.resolve(http.closeAllConnections())])
  }
}

async function bind(server: Server | HttpServer, path: string): Promise<void> {
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
  await chmod(path, 0o660)
}

function close(server: Server | HttpServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
  })
}

/** Reads the preamble of a connection and gives back what came after it; a peer without a proper one is cut off. */
function introduce(socket: Socket, accept: (name: string) => void): void {
  let seen = Buffer.alloc(0)
  const refuse = () => socket.destroy()
  const limit = setTimeout(refuse, PREAMBLE_LIMIT_MS)
  const onData = (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk])
    const end = seen.indexOf('\n')
    if (end < 0 && seen.length <= MAX_PREAMBLE) return
    clearTimeout(limit)
    socket.off('data', onData)
    socket.pause()
    const name = PREAMBLE.exec(seen.toString('latin1', 0, Math.max(end, 0)))?.[1]
    if (name === undefined || !KEY_NAME.test(name)) return refuse()
    const rest = seen.subarray(end + 1)
    if (rest.length > 0) socket.unshift(rest)
    socket.off('error', refuse)
    accept(name)
    socket.resume()
  }
  socket.on('error', refuse)
  socket.on('close', () => clearTimeout(limit))
  socket.on('data', onData)
}
