import { type FileHandle, open } from 'node:fs/promises'
import { Collecting } from './collecting.ts'
import { documentLength } from './raw-document.ts'

/** How much is gathered before it is written, and read at once: 1 MiB. */
const PIECE = 1024 * 1024
/** Room before the first document of a piece, for whoever sends it on. */
const HEADROOM = 64

/** Writes raw documents one after another, as the stock tools do; one write is under way while the next is gathered. */
export class BsonFileWriter {
  readonly #file: FileHandle
  #gathered: Uint8Array[] = []
  #size = 0
  #writing: Promise<void> = Promise.resolve()

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** @throws the file system's error when `path` exists or cannot be made */
  static async create(path: string): Promise<BsonFileWriter> {
    return new BsonFileWriter(await open(path, 'wx', 0o600))
  }

  /** @returns a promise to wait for before the next document, or null while there is room. */
  add(document: Uint8Array): Promise<void> | null {
    this.#gathered.push(document)
    this.#size += document.length
    return this.#size >= PIECE ? this.#flush() : null
  }

  /** Waits for the piece before this one: at most two are in memory. */
  async #flush(): Promise<void> {
    const pieces = this.#gathered
    this.#gathered = []
    this.#size = 0
    await this.#writing
    this.#writing = writeAll(this.#file, pieces)
    // Awaited at the next flush; a rejection must not be called unhandled until then.
    this.#writing.catch(() => undefined)
  }

  /** Writes what is left. It is not synced: restic reads it at once, and no crash leaves a backup that counts. @throws the file system's error, of any write */
  async finish(): Promise<void> {
    await this.#flush()
    await this.#writing
    await this.#file.close()
  }

  async abandon(): Promise<void> {
    await this.#writing.catch(() => undefined)
    await this.#file.close().catch(() => undefined)
  }
}

async function writeAll(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  const [first] = pieces
  // A long document stands alone, and is not copied.
  const bytes = first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces)
  let written = 0
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten
}

/**
 * Reads a file of raw documents to its end and yields them in lots of about 1 MiB; a lot is valid until the next is asked for. What lies
 * before a document in memory is the document before it, or free.
 * @throws Error that names the file and the offset when it ends within a document or holds something else
 */
export async function* readBsonFile(path: string): AsyncGenerator<Buffer[]> {
  const file = await open(path, 'r')
  try {
    let rest: Buffer = Buffer.alloc(0)
    let offset = 0
    const collecting = new Collecting()
    for (;;) {
      const piece = await readPiece(file, rest, path, offset)
      rest = piece.rest
      offset += piece.end
      if (piece.documents.length > 0) yield piece.documents
      piece.documents.length = 0
      collecting.passed(piece.end)
      if (piece.isLast) break
    }
    if (rest.length > 0)
      throw new Error(`${path} is truncated: ${rest.length} bytes at ${offset} are no whole document`)
  } finally {
    await file.close()
  }
}

/** A function of its own: a generator that waits keeps what its variables held, which here is a whole piece. */
async function readPiece(file: FileHandle, rest: Buffer, path: string, offset: number) {
  // A long document is read in one go, beside what is left: joined piece by piece it would be copied as often.
  const wanted = Math.max(PIECE, rest.length < 4 ? 0 : lengthAt(rest, 0, path, offset) - rest.length)
  const room = Buffer.allocUnsafe(HEADROOM + rest.length + wanted)
  rest.copy(room, HEADROOM)
  const { bytesRead } = await file.read(room, HEADROOM + rest.length, wanted)
  const bytes = room.subarray(HEADROOM, HEADROOM + rest.length + bytesRead)
  const { documents, end } = split(bytes, path, offset)
  // A copy: what is left would keep the whole of it in memory.
  return { documents, end, rest: Buffer.from(bytes.subarray(end)), isLast: bytesRead === 0 }
}

function split(bytes: Buffer, path: string, offset: number): { documents: Buffer[]; end: number } {
  const documents: Buffer[] = []
  let end = 0
  while (end + 4 <= bytes.length) {
    const length = lengthAt(bytes, end, path, offset)
    if (end + length > bytes.length) break
    if (bytes[end + length - 1] !== 0) throw new Error(`${path} is damaged at ${offset + end}: a document has no end`)
    documents.push(bytes.subarray(end, end + length))
    end += length
  }
  return { documents, end }
}

function lengthAt(bytes: Buffer, at: number, path: string, offset: number): number {
  try {
    return documentLength(bytes, at)
  } catch (thrown) {
    throw new Error(`${path} is damaged at ${offset + at}: ${thrown instanceof Error ? thrown.message : ''}`)
  }
}
