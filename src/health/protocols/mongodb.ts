import type { Finding } from '../gate.ts'
import { type Address, exchange } from './exchange.ts'

const OP_MSG = 2013
/** More than any of the two answers. */
const MAX_MESSAGE = 1024 * 1024
/** Unauthorized, AuthenticationFailed. */
const WANTS_LOGIN: readonly unknown[] = [13, 18]

/**
 * Asks `hello`, which needs no login: a server that answers but is no writable primary (a secondary, one in recovery, a
 * read-only one) takes no write, whatever its port and its `ping` say. Asks for the names of the databases with it, without
 * a login: a server that tells them lets in whoever reaches it. That is no attempt to log in.
 */
export async function askMongodb(address: Address, signal: AbortSignal): Promise<Finding> {
  const asked = [{ hello: 1 }, { listDatabases: 1, nameOnly: 1 }]
  const messages = Buffer.concat(asked.map((command, n) => message(n + 1, { ...command, $db: 'admin' })))
  const [hello, names] = await exchange(address, messages, bothIn, signal)
  if (hello.get('ok') !== 1) return { ok: false, detail: `refuses hello: ${hello.get('errmsg') ?? 'without a reason'}` }
  if (names.get('ok') === 1) return { ok: false, detail: 'lets anyone in without a login' }
  if (hello.get('readOnly') === true) return { ok: false, detail: 'is read-only' }
  if (hello.get('isWritablePrimary') !== true) {
    const state = hello.get('secondary') === true ? 'a secondary' : 'no primary'
    return { ok: false, detail: `takes no writes: it is ${state}` }
  }
  if (!WANTS_LOGIN.includes(names.get('code')))
    return { ok: false, detail: `refuses listDatabases: ${names.get('errmsg') ?? 'without a reason'}` }
  const set = hello.get('setName')
  return { ok: true, detail: `writable${set === undefined ? '' : `, primary of ${set}`}` }
}

/** An OP_MSG with one document of numbers and texts. */
function message(id: number, fields: Readonly<Record<string, number | string>>): Buffer {
  const elements = Object.entries(fields).map(([name, value]) => {
    if (typeof value === 'number') return Buffer.concat([Buffer.from(`\x10${name}\0`), int32(value)])
    return Buffer.concat([Buffer.from(`\x02${name}\0`), int32(Buffer.byteLength(value) + 1), Buffer.from(`${value}\0`)])
  })
  const inner = Buffer.concat([...elements, Buffer.from([0])])
  const document = Buffer.concat([int32(inner.length + 4), inner])
  const body = Buffer.concat([int32(0), Buffer.from([0]), document])
  return Buffer.concat([int32(16 + body.length), int32(id), int32(0), int32(OP_MSG), body])
}

type Answer = Map<string, string | number | boolean>

/** A server answers in the order in which it was asked. @returns null until both are whole */
function bothIn(received: Buffer): [Answer, Answer] | null {
  const first = documentIn(received)
  const second = first && documentIn(received.subarray(received.readInt32LE(0)))
  return first && second && [first, second]
}

/** The values of the answer's top level that are texts, numbers or booleans; null until it is whole. */
function documentIn(received: Buffer): Answer | null {
  if (received.length < 16) return null
  const length = received.readInt32LE(0)
  if (received.readInt32LE(12) !== OP_MSG || length < 26 || length > MAX_MESSAGE) {
    throw new Error('is no MongoDB: its answer is no OP_MSG')
  }
  return received.length < length ? null : read(received.subarray(21, length))
}

/** Reads a BSON document as far as its elements have a size that is known here. */
function read(document: Buffer): Answer {
  const found: Answer = new Map()
  let at = 4
  for (;;) {
    const type = document[at++]
    if (type === undefined || type === 0) return found
    const end = document.indexOf(0, at)
    const name = document.toString('utf8', at, end)
    at = end + 1
    if (type === 0x01) found.set(name, document.readDoubleLE(at))
    else if (type === 0x02) found.set(name, document.toString('utf8', at + 4, at + 3 + document.readInt32LE(at)))
    else if (type === 0x08) found.set(name, document[at] === 1)
    else if (type === 0x10) found.set(name, document.readInt32LE(at))
    const size = sizeOf(type, document, at)
    if (size === null) return found
    at += size
  }
}

function sizeOf(type: number, document: Buffer, at: number): number | null {
  if (type === 0x01 || type === 0x09 || type === 0x11 || type === 0x12) return 8
  if (type === 0x02) return 4 + document.readInt32LE(at)
  if (type === 0x03 || type === 0x04) return document.readInt32LE(at)
  if (type === 0x05) return 5 + document.readInt32LE(at)
  if (type === 0x07) return 12
  if (type === 0x08) return 1
  if (type === 0x0a) return 0
  return type === 0x10 ? 4 : null
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
