import { createReadStream, createWriteStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

const BLOCK = 512

/** Writes a tar archive (ustar) of one executable file, owned by root; `program` is streamed. @param name at most 100 ASCII characters */
export async function writeTar(archive: string, name: string, program: string): Promise<void> {
  const { size } = await stat(program)
  await writeFile(archive, header(name, size), { mode: 0o600 })
  await pipeline(createReadStream(program), createWriteStream(archive, { flags: 'a' }))
  const padding = (BLOCK - (size % BLOCK)) % BLOCK
  await writeFile(archive, Buffer.alloc(padding + 2 * BLOCK), { flag: 'a' })
}

function header(name: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0')
  header.write(name, 0, 100, 'ascii')
  header.write(octal(0o755, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(size, 12), 124)
  header.write(octal(0, 12), 136)
  header.write(' '.repeat(8), 148) // The checksum counts its own field as spaces.
  header.write('0', 156)
  header.write('ustar\x0000', 257, 'latin1')
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    )}\0 `,
    148,
    'latin1',
  )
  return header
}
