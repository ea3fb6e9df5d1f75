import type { Finding } from '../gate.ts'
import { type Address, exchange } from './exchange.ts'

const PROTOCOL_3 = 196_608

/**
 * Begins to log in as `user` and stops where a password would be due: a server that starts up, recovers or is full of
 * connections says so before it, and one that demands none lets in whoever reaches it.
 */
export async function askPostgres(address: Address, user: string, signal: AbortSignal): Promise<Finding> {
  const parameters = Buffer.from(`user\0${user}\0database\0${user}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + parameters.length, 0)
  head.writeInt32BE(PROTOCOL_3, 4)
  const { type, text } = await exchange(address, Buffer.concat([head, parameters]), messageIn, signal)
  // What it demands, as a number of 32 bits; 0 is nothing.
  if (type === 'R' && text.startsWith('\0\0\0\0')) return { ok: false, detail: `lets ${user} in without a password` }
  if (type === 'R') return { ok: true, detail: 'takes logins' }
  const fields = new Map(text.split('\0').map((field) => [field[0] ?? '', field.slice(1)]))
  // A refused login is the answer of a server that works; this one has no password to offer.
  if (fields.get('C')?.startsWith('28')) return { ok: true, detail: 'takes logins' }
  return { ok: false, detail: `${fields.get('C') ?? 'error'}: ${fields.get('M') ?? 'without a reason'}` }
}

function messageIn(received: Buffer): { type: string; text: string } | null {
  if (received.length < 5) return null
  const type = received.toString('latin1', 0, 1)
  if (type !== 'R' && type !== 'E') throw new Error(`is no PostgreSQL: it answers ${JSON.stringify(type)}`)
  const length = received.readInt32BE(1)
  return received.length < length + 1 ? null : { type, text: received.toString('utf8', 5, length + 1) }
}
