import { connect } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { messageOf } from '../../lib/index.ts'

export interface Address {
  host: string
  port: number
}

/**
 * Connects, says `hello` and reads until `answerIn` finds a whole answer in what came, as a client of a protocol does.
 * @param tls how to speak TLS, where that is spoken; `secured` then sees the connection before anything is said on it
 * @throws Error that tells a port where nothing listens from one that accepts and stays silent.
 */
export function exchange<T>(
  { host, port }: Address,
  hello: Uint8Array,
  answerIn: (received: Buffer) => T | null,
  signal: AbortSignal,
  tls?: ConnectionOptions & { secured?: (socket: TLSSocket) => void },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = tls ? connectTls({ ...tls, host, port }) : connect({ host, port })
    let received = Buffer.alloc(0)
    let connected = false
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      settle()
    }
    const fail = (why: string) => end(() => reject(new Error(why)))
    const silent = tls ? 'no TLS handshake in time' : 'no connection in time'
    const onAbort = () => fail(connected ? 'accepts connections but does not answer' : silent)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on(tls ? 'secureConnect' : 'connect', () => {
      connected = true
      if (socket instanceof TLSSocket) tls?.secured?.(socket)
      socket.write(hello)
    })
    socket.on('error', (error) => fail(messageOf(error)))
    socket.on('close', () => fail(`closed the connection after ${received.length} bytes of an answer`))
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes])
      try {
        const answer = answerIn(received)
        if (answer !== null) end(() => resolve(answer))
      } catch (thrown) {
        fail(messageOf(thrown))
      }
    })
  })
}
