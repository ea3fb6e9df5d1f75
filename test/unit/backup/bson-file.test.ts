import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BSON } from 'mongodb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BsonFileWriter, readBsonFile } from '../../../src/backup/bson-file.ts'

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-bson-'))
  path = join(directory, 'reports.bson')
})
afterEach(() => rm(directory, { recursive: true }))

async function write(documents: readonly Uint8Array[]): Promise<void> {
  const file = await BsonFileWriter.create(path)
  for (const document of documents) await file.add(document)
  await file.finish()
}

async function readAll(): Promise<Buffer[]> {
  const all: Buffer[] = []
  for await (const documents of readBsonFile(path)) all.push(...documents.map((one) => Buffer.from(one)))
  return all
}

const documents = Array.from({ length: 3000 }, (_, index) =>
  BSON.serialize({ _id: index, text: 'x'.repeat(index), '20100010': 'a number as a name', a: 1 }),
)

test('what was written comes back byte for byte, across the pieces of reading', async () => {
  await write(documents)
  expect(Buffer.concat(await readAll()).equals(Buffer.concat(documents))).toBe(true)
  expect(await readAll()).toHaveLength(documents.length)
})

test('a document of 16 MB comes back', async () => {
  const large = BSON.serialize({ _id: 1, bytes: Buffer.alloc(16 * 1024 * 1024 - 64, 7) })
  await write([large])
  const [back] = await readAll()
  expect(back?.equals(large)).toBe(true)
})

test('an empty collection is an empty file', async () => {
  await write([])
  expect(await readAll()).toEqual([])
  expect(await readFile(path)).toHaveLength(0)
})

test('a truncated file is named, with the offset', async () => {
  await write(documents.slice(0, 10))
  const { length } = await readFile(path)
  await truncate(path, length - 3)
  await expect(readAll()).rejects.toThrow(/reports\.bson is truncated: \d+ bytes at \d+/)
})

test('a length that no document can have is named', async () => {
  await write(documents.slice(0, 10))
  const bytes = await readFile(path)
  bytes.writeInt32LE(0x7fff_ffff, documents[0]?.length ?? 0)
  await writeFile(path, bytes)
  await expect(readAll()).rejects.toThrow(/reports\.bson is damaged at \d+: a document cannot be 2147483647 bytes long/)
})

test('an existing file is never written over', async () => {
  await write(documents.slice(0, 1))
  await expect(BsonFileWriter.create(path)).rejects.toThrow(/EEXIST/)
})
