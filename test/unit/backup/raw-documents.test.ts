import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BSON } from 'bson'
import { expect, test } from 'vitest'
import { readBsonFile } from '../../../src/backup/bson-file.ts'
import { RawDocuments } from '../../../src/backup/raw-documents.ts'

class Seen extends RawDocuments {
  get bytes(): Buffer {
    return Buffer.from(this.toBin())
  }
}

/** A section of kind 1 as the protocol has it: its size, its name, its documents. */
function sectionOf(documents: readonly Uint8Array[]): Buffer {
  const name = Buffer.from('documents\0')
  const size = Buffer.alloc(4)
  size.writeInt32LE(4 + name.length + documents.reduce((sum, { length }) => sum + length, 0))
  return Buffer.concat([Buffer.from([1]), size, name, ...documents])
}

test('documents of a file go out as they lie there, alone or together, short and long', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-raw-'))
  try {
    const sizes = [10, 3_000_000, 20, 4_000_000, 4_000_000, 30, 40]
    const written = sizes.map((size, n) =>
      Buffer.from(BSON.serialize({ _id: n, '10': 'x', '2': Buffer.alloc(size, n) })),
    )
    await writeFile(join(folder, 'all.bson'), Buffer.concat(written))
    const sent: Buffer[] = []
    for await (const documents of readBsonFile(join(folder, 'all.bson'))) {
      for (const document of documents) sent.push(new Seen([document]).bytes)
    }
    expect(
      sent.map((section) => section.equals(sectionOf([written[sent.indexOf(section)] ?? Buffer.alloc(0)]))),
    ).toEqual(sizes.map(() => true))
    for await (const documents of readBsonFile(join(folder, 'all.bson'))) {
      const first = BSON.deserialize(documents[0] ?? Buffer.alloc(0))._id
      const bytes = new Seen(documents).bytes
      expect(bytes.equals(sectionOf(written.slice(first, first + documents.length)))).toBe(true)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
