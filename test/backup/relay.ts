import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a server that can break. */
export interface Relay extends AsyncDisposable {
  readonly port: number
  /** Breaks every connection, and admits no other, once the client has sent so many bytes more. */
  breakAfter(bytes: number): void
  /** How often a connection was broken or not admitted. */
  readonly broken: number
  mend(): void
}

export async function startRelay(target: { host: string; port: number }): Promise<Relay> {
  const sockets = new Set<Socket>()
  let left = Number.POSITIVE_INFINITY
  let broken = 0
  const breakAll = () => {
    broken += 1
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((client) => {
    if (left <= 0) {
      broken += 1
      client.destroy()
      return
    }
    const end = connect(target)
    for (const socket of [client, end]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    client.on('data', (bytes) => {
      left -= bytes.length
      if (left <= 0) breakAll()
    })
    client.pipe(end).pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the relay does not listen')
  return {
    port: address.port,
    breakAfter(bytes) {
      left = bytes
    },
    get broken() {
      return broken
    },
    mend() {
      left = Number.POSITIVE_INFINITY
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
