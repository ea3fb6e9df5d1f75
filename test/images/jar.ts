import { crc32 } from 'node:zlib'

/** A jar with one file, stored as it is. */
export function jarWith(path: string, text: string): Buffer {
  const [name, content] = [Buffer.from(path), Buffer.from(text)]
  // Version, flags, method (stored), time and date (1980-01-01), checksum, both sizes, lengths of name and extra field.
  const facts = fields([20, 2], [0, 2], [0, 2], [0, 2], [0x21, 2], [crc32(content), 4], [content.length, 4])
  const about = Buffer.concat([facts, fields([content.length, 4], [name.length, 2], [0, 2])])
  const local = Buffer.concat([fields([0x04034b50, 4]), about, name, content])
  const directory = Buffer.concat([fields([0x02014b50, 4], [20, 2]), about, Buffer.alloc(14), name])
  const end = fields([0x06054b50, 4], [0, 4], [1, 2], [1, 2], [directory.length, 4], [local.length, 4], [0, 2])
  return Buffer.concat([local, directory, end])
}

/** Numbers as little-endian bytes. */
function fields(...numbers: readonly (readonly [value: number, bytes: number])[]): Buffer {
  return Buffer.concat(
    numbers.map(([value, bytes]) => {
      const buffer = Buffer.alloc(bytes)
      buffer.writeUIntLE(value, 0, bytes)
      return buffer
    }),
  )
}
