import type { Finding } from '../gate.ts'
import { type Address, exchange } from './exchange.ts'

/**
 * Logs in as `user`, who needs no password, and pings. A server that loads its data, cannot write it to a full disk (MISCONF) or
 * demands another login says so here, while its port and `redis-cli` (which ends with 0) look well.
 */
export async function askRedis(address: Address, user: string | undefined, signal: AbortSignal): Promise<Finding> {
  const commands = [...(user === undefined ? [] : [['AUTH', user, 'none']]), ['PING'], ['ROLE']]
  const replies = await exchange(address, Buffer.from(commands.map(encode).join('')), linesOf(commands.length), signal)
  const role = replies.at(-1) ?? ''
  const bad = replies.slice(0, -1).find((reply) => reply.startsWith('-'))
  if (bad !== undefined) return { ok: false, detail: `answers ${bad.slice(1, 200)}` }
  if (replies.at(-2) !== '+PONG')
    return { ok: false, detail: `answers no PONG to PING: ${replies.at(-2)?.slice(0, 100)}` }
  // A user who may only ping is refused here, which tells nothing.
  if (role === 'slave') return { ok: false, detail: 'is a read-only replica: writes are refused' }
  return { ok: true, detail: 'PONG' }
}

function encode(parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`
}

/** The first `count` replies: simple ones as they are, of an array its first string. */
function linesOf(count: number): (received: Buffer) => string[] | null {
  return (received) => {
    const lines = received.toString('latin1').split('\r\n').slice(0, -1)
    const replies: string[] = []
    for (let at = 0; replies.length < count; at++) {
      const line = lines[at]
      if (line === undefined) return null
      if (!line.startsWith('*')) {
        if (!/^[+\-:]/.test(line)) throw new Error(`is no Redis: it answers ${JSON.stringify(line.slice(0, 40))}`)
        replies.push(line)
        continue
      }
      const first = lines[at + 2]
      if (first === undefined) return null
      replies.push(first)
      // ROLE is asked last, so what follows in its array is of no interest.
      at = lines.length
    }
    return replies
  }
}
