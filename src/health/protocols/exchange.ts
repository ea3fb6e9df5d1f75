import { connect } from 'node:net'
import { messageOf } from '../../lib/index.ts'

export interface Address {
  host: string
  port: number
}

/**
 * Connects, says `hello` and reads until `answerIn` finds a whole answer in what came, as a client of a protocol does.
 * @throws Error that tells a port where nothing listens from one that accepts and stays silent.
 */
export function exchange<T>(
  { host, port }: Address,
  hello: Uint8Array,
  answerIn: (received: Buffer) => T | null,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    let received = Buffer.alloc(0)
    let connected = false
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      settle()
    }
    const fail = (why: string) => end(() => reject(new Error(why)))
    const onAbort = () => fail(connected ? 'accepts connections but does not answer' : 'no connection in time')
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('connect', () => {
      connected = true
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
