// Messages of MongoDB's wire protocol, as far as a proxy needs to understand them.
import { deserialize, serialize } from 'bson'

/** A command or a reply; numbers keep their BSON types, so that what is read can be written again as it was. */
export type Fields = Record<string, unknown>

const HEADER = 16
const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013
const MORE_TO_COME = 2

/** Cuts a stream into whole messages. */
export class MessageReader {
  #chunks: Buffer[] = []
  #length = 0

  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    const first = this.#chunks[0]
    if (first === undefined || (first.length >= 4 && this.#length < first.readInt32LE(0))) return []
    let all = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks)
    const messages: Buffer[] = []
    while (all.length >= 4 && all.length >= all.readInt32LE(0)) {
      const length = Math.max(all.readInt32LE(0), HEADER)
      messages.push(all.subarray(0, length))
      all = all.subarray(length)
    }
    this.#chunks = all.length === 0 ? [] : [all]
    this.#length = all.length
    return messages
  }
}

export function requestIdOf(message: Buffer): number {
  return message.readInt32LE(4)
}

/** The id of the request that this message answers. */
export function responseToOf(message: Buffer): number {
  return message.readInt32LE(8)
}

/** Whether the sender wants no answer (`w: 0`). */
export function wantsNoReply(message: Buffer): boolean {
  return message.readInt32LE(12) === OP_MSG && (message.readUInt32LE(HEADER) & MORE_TO_COME) !== 0
}

/** The same message, whose sender wants an answer. */
export function wantingReply(message: Buffer): Buffer {
  const copy = Buffer.from(message)
  copy.writeUInt32LE(copy.readUInt32LE(HEADER) & ~MORE_TO_COME, HEADER)
  return copy
}

/** The command or reply in a message, without the documents that an insert carries beside it. */
export function bodyOf(message: Buffer): Fields {
  const at = bodyAt(message)
  if (at === undefined) return {}
  const body = message.subarray(at, at + message.readInt32LE(at))
  return deserialize(body, { promoteValues: false, bsonRegExp: true })
}

/** The name of the command in a message: its body's first field. Legacy queries, the first hello of a connection, are `hello`. */
export function commandName(message: Buffer): string {
  if (message.readInt32LE(12) === OP_QUERY) return 'hello'
  const at = bodyAt(message)
  if (at === undefined) return ''
  return message.toString('utf8', at + 5, message.indexOf(0, at + 5))
}

function bodyAt(message: Buffer): number | undefined {
  const opCode = message.readInt32LE(12)
  if (opCode === OP_REPLY) return HEADER + 20
  if (opCode === OP_QUERY) return message.indexOf(0, HEADER + 4) + 9
  if (opCode !== OP_MSG) return undefined
  for (let at = HEADER + 4; at < message.length; at += 1 + message.readInt32LE(at + 1)) {
    if (message[at] === 0) return at + 1
  }
  return undefined
}

/** A command as one message. */
export function request(requestId: number, command: Fields): Buffer {
  return message(requestId, 0, Buffer.concat([Buffer.alloc(5), serialize(command)]), OP_MSG)
}

/** The same message with another body. */
export function withBody(message: Buffer, body: Fields): Buffer {
  const at = bodyAt(message)
  if (at === undefined) return message
  const changed = Buffer.concat([message.subarray(0, at), serialize(body)])
  changed.writeInt32LE(changed.length, 0)
  return changed
}

/** `body` as the answer to `asked`, in the form in which that was asked. */
export function replyTo(asked: Buffer, body: Fields): Buffer {
  const document = serialize(body)
  const id = requestIdOf(asked)
  if (asked.readInt32LE(12) !== OP_QUERY) return message(id + 1, id, Buffer.concat([Buffer.alloc(5), document]), OP_MSG)
  const head = Buffer.alloc(20)
  head.writeInt32LE(8, 0)
  head.writeInt32LE(1, 16)
  return message(id + 1, id, Buffer.concat([head, document]), OP_REPLY)
}

function message(requestId: number, responseTo: number, content: Buffer, opCode: number): Buffer {
  const head = Buffer.alloc(HEADER)
  head.writeInt32LE(HEADER + content.length, 0)
  head.writeInt32LE(requestId, 4)
  head.writeInt32LE(responseTo, 8)
  head.writeInt32LE(opCode, 12)
  return Buffer.concat([head, content])
}
