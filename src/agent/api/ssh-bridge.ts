import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { badInput, Failure, messageOf } from '../../lib/index.ts'
import { KEY_NAME, preamble } from './listen.ts'

export interface BridgeOptions {
  /** The name of the key that sshd accepted: from authorized_keys, never from the peer. */
  key: string
  sshSocket: string
  stdin: Readable
  stdout: Writable
  /** Milliseconds for which an agent that is restarting is waited for. */
  patience?: number
}

const PAUSE_MS = 50

/**
 * Joins an SSH session to the agent: a plain pipe, but for the line that introduces the key. Ends when the agent ends the
 * connection or the peer is gone; the end of one direction is passed on and the other goes on.
 * @throws Failure `bad-input` for a key name that could not stand in the audit, `unreachable` when no agent listens in time.
 */
export async function bridge({ key, sshSocket, stdin, stdout, patience = 15_000 }: BridgeOptions): Promise<void> {
  if (!KEY_NAME.test(key)) throw badInput(`--key: ${JSON.stringify(key)} must match ${KEY_NAME.source}`)
  const socket = await connectPatiently(sshSocket, patience)
  socket.write(preamble(key))
  stdin.pipe(socket)
  socket.pipe(stdout)
  stdin.on('error', () => socket.destroy())
  stdout.on('error', () => socket.destroy())
  // A cut is the follower's to judge, by the missing result; here it is an end like any other.
  socket.on('error', () => socket.destroy())
  await once(socket, 'close')
  stdin.unpipe(socket)
  stdin.destroy()
}

async function connectPatiently(path: string, patience: number): Promise<Socket> {
  for (let waited = 0; ; waited += PAUSE_MS) {
    const socket = connect(path)
    try {
      await once(socket, 'connect')
      return socket
    } catch (thrown) {
      if (waited >= patience) {
        const seconds = Math.round(patience / 1000)
        throw new Failure(
          'unreachable',
          `no agent listens (${messageOf(thrown)}, tried for ${seconds} s); on the server: systemctl status pacs-agent`,
        )
      }
    }
    await delay(PAUSE_MS)
  }
}
