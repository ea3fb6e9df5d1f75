// Commands of MongoDB's wire protocol as a test sees them: with the documents that they carry beside their body.
import { deserialize, serialize } from 'bson'
import { bodyOf, type Fields } from './stand-ins/mongo/wire.ts'

const SECTIONS = 20
const OP_MSG = 2013

interface Sequence {
  name: string
  start: number
  end: number
  documents: Buffer[]
}

/** A command whole: `{ update: 'reports', updates: [{ q, u }, …], $db: 'pacs' }`. */
export function commandOf(message: Buffer): Fields {
  const sequences = sequencesOf(message).map(({ name, documents }) => [
    name,
    documents.map((bytes) => deserialize(bytes, { promoteValues: false, bsonRegExp: true })),
  ])
  return { ...bodyOf(message), ...Object.fromEntries(sequences) }
}

/** The same command with the first half of its documents, or of those of its one update: what a server did of it that died in its middle. */
export function halfOf(message: Buffer): Buffer {
  const [first] = sequencesOf(message)
  const [only] = first?.documents ?? []
  if (first === undefined || only === undefined) return message
  const count = first.documents.length
  const half = count === 1 ? halfOfUpdate(only) : Buffer.concat(first.documents.slice(0, Math.floor(count / 2)))
  const name = Buffer.from(`${first.name}\0`)
  const size = Buffer.alloc(4)
  size.writeInt32LE(4 + name.length + half.length)
  const sequence = Buffer.concat([Buffer.from([1]), size, name, half])
  const shorter = Buffer.concat([message.subarray(0, first.start), sequence, message.subarray(first.end)])
  shorter.writeInt32LE(shorter.length, 0)
  return shorter
}

/** An update of documents by their `_id`s, of the first half of them; any other as it is. */
function halfOfUpdate(bytes: Buffer): Uint8Array {
  const { q, ...update } = deserialize(bytes, { promoteValues: false, bsonRegExp: true })
  const ids: unknown = q?._id?.$in
  if (!Array.isArray(ids)) return bytes
  return serialize({ q: { ...q, _id: { $in: ids.slice(0, Math.floor(ids.length / 2)) } }, ...update })
}

/** The documents that a command carries beside its body, as they were sent. */
export function sequencesOf(message: Buffer): Sequence[] {
  const found: Sequence[] = []
  if (message.readInt32LE(12) !== OP_MSG) return found
  for (let at = SECTIONS; at < message.length; ) {
    const end = at + 1 + message.readInt32LE(at + 1)
    if (message[at] === 1) {
      const nameEnd = message.indexOf(0, at + 5)
      const documents: Buffer[] = []
      for (let next = nameEnd + 1; next < end; next += message.readInt32LE(next)) {
        documents.push(message.subarray(next, next + message.readInt32LE(next)))
      }
      found.push({ name: message.toString('utf8', at + 5, nameEnd), start: at, end, documents })
    }
    at = end
  }
  return found
}
