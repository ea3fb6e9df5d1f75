import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** The digest of a file, read to its end, in hex. */
export async function fileHash(file: string, algorithm: 'sha256' | 'md5'): Promise<string> {
  const hash = createHash(algorithm)
  for await (const piece of createReadStream(file)) hash.update(piece)
  return hash.digest('hex')
}
