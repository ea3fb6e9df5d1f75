import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BSON, type Document, Long, Timestamp, UUID } from 'bson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HeldTtl } from '../../../src/backup/held-ttl.ts'
import { replaySlices, surveySlices } from '../../../src/backup/oplog-replay.ts'
import { oplogTime } from '../../../src/backup/oplog-time.ts'
import { MemoryDatabase } from '../../backup/memory-database.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacs-slices-'))
})
afterAll(() => rm(folder, { recursive: true }))

const entry = (second: number, more: Document = {}) => ({
  ...{ ts: new Timestamp({ t: second, i: 1 }), op: 'i', ns: 'pacs.a', o: { _id: second } },
  ...more,
})
const slice = async (name: string, entries: Document[]) => {
  const file = join(folder, name)
  await writeFile(file, Buffer.concat(entries.map((one) => BSON.serialize(one))))
  return file
}
const survey = (files: string[], from = '10.1', until = '20.0') =>
  surveySlices({ database: 'pacs', files, from: oplogTime(from), until: oplogTime(until) })

describe('slices of an oplog', () => {
  it('are read once where they overlap, after the dump and before the second that is asked for', async () => {
    const files = [
      await slice('first', [entry(9), entry(10), entry(11), entry(12)]),
      await slice('second', [entry(11), entry(12), entry(13), entry(20)]),
    ]
    expect((await survey(files)).entries).toBe(3)
  })

  it('tell which transactions had not ended by then', async () => {
    const part = (second: number, number: number, o: Document) =>
      entry(second, {
        op: 'c',
        ns: 'admin.$cmd',
        o,
        lsid: { id: new UUID('00'.repeat(16)) },
        txnNumber: Long.fromNumber(number),
      })
    const applyOps: Document[] = []
    const file = await slice('transactions', [
      part(11, 1, { applyOps, partialTxn: true }),
      part(12, 1, { applyOps }),
      part(13, 2, { applyOps, partialTxn: true }),
      part(21, 2, { applyOps }),
    ])
    expect([...(await survey([file])).unfinished]).toHaveLength(1)
    expect([...(await survey([file], '10.1', '22.0')).unfinished]).toEqual([])
  })

  it('with something that is not replayed are refused, with the last second that can be had', async () => {
    const file = await slice('view', [entry(11), entry(15, { ns: 'pacs.system.views' })])
    await expect(survey([file])).rejects.toThrow(
      'the oplog tells of a change of system.views, as of a view, which is not replayed: --to 1970-01-01T00:00:15Z is the last that can be had',
    )
    expect((await survey([file], '10.1', '15.0')).entries).toBe(1)
  })

  it('that are torn are found', async () => {
    const file = await slice('torn', [entry(11)])
    await writeFile(file, Buffer.from(BSON.serialize(entry(11))).subarray(0, -3))
    await expect(survey([file])).rejects.toThrow(/torn is truncated/)
  })
})

describe('a replay', () => {
  const update = (second: number, _id: unknown, o: Document | ReadonlyMap<string, unknown>) =>
    entry(second, { op: 'u', o, o2: { _id } })
  const command = (second: number, o: Document) => entry(second, { op: 'c', ns: 'pacs.$cmd', o })
  const { signal } = new AbortController()
  const replay = async (database: MemoryDatabase, entries: Document[]) => {
    const files = [await slice('replayed', entries)]
    const slices = { database: 'pacs', files, from: oplogTime('10.1'), until: oplogTime('20.0') }
    const ttl = new HeldTtl()
    await replaySlices(database.db, slices, await surveySlices(slices), ttl, signal, () => undefined)
    return ttl
  }
  const hex = (...documents: (Document | ReadonlyMap<string, unknown>)[]) =>
    documents.map((one) => Buffer.from(BSON.serialize(one)).toString('hex')).sort()

  it('does what the entries tell, in their order, and leaves the bytes of each document', async () => {
    await using database = await MemoryDatabase.start()
    database.hold('a', { _id: 1, x: 1 }, { _id: 2, x: 2 }, { _id: 3 })
    const odd = new Map<string, unknown>([
      ['_id', 7],
      ['20100010', 'A'],
      ['3', 'B'],
    ])
    await replay(database, [
      entry(11, { o: odd }),
      entry(12, { o: { _id: 8, x: 0 } }),
      update(13, 8, { $v: 2, diff: { u: { x: 9 } } }),
      update(14, 7, { $v: 2, diff: { i: { y: 1 } } }),
      update(15, 2, { _id: 2, z: 2 }),
      entry(16, { op: 'd', o: { _id: 1 } }),
    ])
    expect(database.bytesOf('a')).toEqual(
      hex(new Map([...odd, ['y', 1]]), { _id: 8, x: 9 }, { _id: 2, z: 2 }, { _id: 3 }),
    )
    expect(database.commands).toEqual(['insert', 'update', 'update', 'update', 'delete'])
  })

  it('leaves out a transaction that had not ended', async () => {
    await using database = await MemoryDatabase.start()
    database.hold('a')
    const of = (second: number, number: number, _id: number, more: Document = {}) =>
      entry(second, {
        ...{ op: 'c', ns: 'admin.$cmd', lsid: { id: new UUID('00'.repeat(16)) }, txnNumber: Long.fromNumber(number) },
        o: { applyOps: [{ op: 'i', ns: 'pacs.a', o: { _id } }], ...more },
      })
    await replay(database, [of(11, 1, 1, { partialTxn: true }), of(12, 2, 2, { partialTxn: true }), of(13, 1, 3)])
    expect(database.bytesOf('a')).toEqual(hex({ _id: 1 }, { _id: 3 }))
  })

  it('makes collections and indexes, of which none lets a document expire before its end', async () => {
    await using database = await MemoryDatabase.start()
    const ttl = await replay(database, [
      command(11, { create: 'b' }),
      command(12, { createIndexes: 'b', key: { at: 1 }, name: 'old', expireAfterSeconds: 60 }),
      command(13, { collMod: 'b', index: { name: 'old', expireAfterSeconds: 90 } }),
      command(14, { collMod: 'b', validationLevel: 'off' }),
      command(15, { renameCollection: 'pacs.b', to: 'pacs.c' }),
    ])
    expect(database.commands).toEqual(['create', 'createIndexes', 'collMod', 'renameCollection'])
    expect(Number(database.collections.get('c')?.indexes[0]?.expireAfterSeconds)).toBe(2_147_483_647)
    await ttl.release(database.db)
    const { index } = database.collections.get('c')?.options ?? {}
    expect([String(index.name), Number(index.expireAfterSeconds)]).toEqual(['old', 90])
  })

  it.each([
    ['delete', entry(11, { op: 'd', o: { _id: 9 } })],
    ['patch', entry(11, { op: 'u', o: { $v: 2, diff: { u: { x: 9 } } }, o2: { _id: 9 } })],
    ['replace', entry(11, { op: 'u', o: { _id: 9 }, o2: { _id: 9 } })],
  ])('ends at a %s of what is not there, and names the entry', async (kind, one) => {
    await using database = await MemoryDatabase.start()
    database.hold('a', { _id: 1 })
    await expect(replay(database, [one])).rejects.toThrow(
      `the oplog does not fit the backup: ${kind} in a at 1970-01-01T00:00:11Z (11.1): the document is not there`,
    )
  })
})
