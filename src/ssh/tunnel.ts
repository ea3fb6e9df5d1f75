import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { badInput, Failure, messageOf } from '../lib/index.ts'
import type { Connection } from './connection.ts'

/** sockaddr_un holds 108 bytes, the last of them zero. */
const MAX_SOCKET_PATH = 107

/** A way to one port of a server's own loopback. */
export interface Tunnel {
  /** Path of a unix socket on this machine; its name ends in `.sock`, by which the MongoDB driver knows it. */
  readonly socket: string
  /** Why the newest connection through the tunnel came to nothing; undefined while all is well. */
  readonly failure: Failure | undefined
  /** Ends every connection through the tunnel and removes the socket. */
  close(): Promise<void>
}

/**
 * Opens a tunnel to `port` on the loopback of the server: a socket in `directory` (0700, this user's alone), each connection
 * to which is a channel of `connection`. A connection that broke is made anew for the next one, so that a client which
 * connects again goes on. Nothing is asked of the other end here: a tunnel is open once the database has answered through it.
 */
export async function openTunnel(
  connection: Pick<Connection, 'forward'>,
  { port, directory }: { port: number; directory: string },
): Promise<Tunnel> {
  const socket = join(directory, 'tunnel.sock')
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH) {
    throw badInput(`${directory} is too long a path for a socket: give the runner a shorter RUNNER_TEMP`)
  }
  const clients = new Set<Socket>()
  let failure: Failure | undefined

  function remember(thrown: unknown): void {
    if (thrown instanceof Failure) failure = thrown
  }

  async function relay(client: Socket): Promise<void> {
    clients.add(client)
    client.once('close', () => clients.delete(client))
    client.on('error', () => undefined)
    try {
      const stream = await connection.forward(port)
      stream.once('data', () => {
        failure = undefined
      })
      stream.on('error', remember)
      await pipeline(client, stream, client)
    } catch (thrown) {
      remember(thrown)
      client.destroy()
    }
  }

  const server = createServer({ allowHalfOpen: true }, (client) => void relay(client))
  server.listen(socket)
  try {
    await once(server, 'listening')
  } catch (thrown) {
    throw new Failure('error', `no socket can be made in ${directory}: ${messageOf(thrown)}`)
  }
  return {
    socket,
    get failure() {
      return failure
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const client of clients) client.destroy()
      await closed
    },
  }
}
