import { BSON, type Document, Int32, Long, Timestamp, UUID } from 'bson'
import { describe, expect, it } from 'vitest'
import { parseEntry, selecting, timeOf, Unreplayable } from '../../../src/backup/oplog-operations.ts'
import { oplogTimeText } from '../../../src/backup/oplog-time.ts'

const ui = new UUID().toBinary()
const bytes = (entry: Document) =>
  Buffer.from(BSON.serialize({ ts: new Timestamp({ t: 1_800_000_000, i: 7 }), ui, ...entry }))
const parse = (entry: Document) => parseEntry(bytes(entry), 'pacs')
const seen = (entry: Document) =>
  parse(entry).operations.map((operation) => {
    const { kind, collection } = operation
    if (kind === 'insert') return [kind, collection, BSON.deserialize(operation.document)]
    if (kind === 'delete') return [kind, collection, BSON.deserialize(selecting(operation.id))]
    if (kind === 'replace')
      return [kind, collection, BSON.deserialize(selecting(operation.id)), BSON.deserialize(operation.document)]
    if (kind === 'patch')
      return [kind, collection, BSON.deserialize(selecting(operation.id)), BSON.deserialize(operation.diff)]
    const { kind: _, collection: __, ...rest } = operation
    return [kind, collection, rest]
  })
const command = (o: Document, ns = 'pacs.$cmd') => ({ op: 'c', ns, o })

describe('an entry of the oplog', () => {
  it('has its time', () => {
    expect(oplogTimeText(timeOf(bytes({ op: 'n', ns: '', o: {} })))).toBe('1800000000.7')
  })

  it.each<[Document, unknown[]]>([
    [{ op: 'i', ns: 'pacs.a.b', o: { _id: 1, x: 2 } }, ['insert', 'a.b', { _id: 1, x: 2 }]],
    [{ op: 'd', ns: 'pacs.a', o: { _id: 1 } }, ['delete', 'a', { _id: 1 }]],
    [{ op: 'u', ns: 'pacs.a', o: { _id: 1, x: 3 }, o2: { _id: 1 } }, ['replace', 'a', { _id: 1 }, { _id: 1, x: 3 }]],
    [
      { op: 'u', ns: 'pacs.a', o: { $v: 2, diff: { u: { x: 3 } } }, o2: { _id: 1 } },
      ['patch', 'a', { _id: 1 }, { u: { x: 3 } }],
    ],
    [command({ drop: 'a' }), ['drop', 'a', {}]],
    [
      command({ create: 'a', validator: { x: 'y' }, idIndex: { name: '_id_' } }),
      ['create', 'a', { options: { validator: { x: 'y' } } }],
    ],
    [
      command({ createIndexes: 'a', key: { x: 'text' }, name: 'x' }),
      ['createIndexes', 'a', { indexes: [{ key: { x: 'text' }, name: 'x' }] }],
    ],
    [
      command({ commitIndexBuild: 'a', indexBuildUUID: ui, indexes: [{ name: 'x' }] }),
      ['createIndexes', 'a', { indexes: [{ name: 'x' }] }],
    ],
    [command({ dropIndexes: 'a', index: 'x' }), ['dropIndex', 'a', { index: 'x' }]],
    [command({ collMod: 'a', validationLevel: 'off' }), ['collMod', 'a', { change: { validationLevel: 'off' } }]],
    [
      command({ renameCollection: 'pacs.a', to: 'pacs.b', dropTarget: ui }),
      ['rename', 'a', { to: 'b', dropsTarget: true }],
    ],
    [
      command({ renameCollection: 'pacs.a', to: 'pacs.b', dropTarget: false }),
      ['rename', 'a', { to: 'b', dropsTarget: false }],
    ],
  ])('%j is read', (entry, expected) => {
    expect(seen(entry)).toEqual([expected])
  })

  it.each<Document>([
    { op: 'n', ns: 'pacs.a', o: {} },
    { op: 'i', ns: 'pacs_restored.a', o: { _id: 1 } },
    { op: 'i', ns: 'config.transactions', o: { _id: 1 } },
    command({ drop: 'a' }, 'other.$cmd'),
    command({ dropDatabase: 1 }),
    command({ startIndexBuild: 'a', indexes: [] }),
  ])('%j does nothing to the database', (entry) => {
    expect(seen(entry)).toEqual([])
  })

  it('of a transaction or of many writes at once holds several, and those of other databases are left out', () => {
    const applyOps = [
      { op: 'i', ns: 'pacs.a', ui, o: { _id: 1 } },
      { op: 'i', ns: 'other.a', ui, o: { _id: 2 } },
      { op: 'd', ns: 'pacs.b', ui, o: { _id: 3 } },
    ]
    expect(seen(command({ applyOps }, 'admin.$cmd'))).toEqual([
      ['insert', 'a', { _id: 1 }],
      ['delete', 'b', { _id: 3 }],
    ])
  })

  it('of a transaction names it, and says whether it goes on', () => {
    const session = { lsid: { id: ui }, txnNumber: Long.fromNumber(3) }
    const first = parse({ ...command({ applyOps: [], partialTxn: true }, 'admin.$cmd'), ...session }).transaction
    const last = parse({ ...command({ applyOps: [] }, 'admin.$cmd'), ...session }).transaction
    expect([first?.goesOn, last?.goesOn, first?.id === last?.id]).toEqual([true, false, true])
    expect(parse({ op: 'i', ns: 'pacs.a', o: { _id: 1 }, ...session }).transaction).toBeNull()
  })

  it.each<[Document, RegExp]>([
    [command({ applyOps: [], prepare: true }, 'admin.$cmd'), /a prepared transaction/],
    [command({ commitTransaction: 1 }, 'admin.$cmd'), /a prepared transaction/],
    [{ op: 'i', ns: 'pacs.system.views', o: { _id: 'pacs.v' } }, /a change of system\.views, as of a view/],
    [command({ create: 'a', timeseries: { timeField: 't' } }), /the creation of a/],
    [command({ convertToCapped: 'a', size: new Int32(1) }), /convertToCapped of a/],
    [command({ renameCollection: 'pacs.a', to: 'other.a' }), /pacs\.a was renamed to other\.a/],
    [{ op: 'u', ns: 'pacs.a', o: { $v: 1, $set: { x: 1 } }, o2: { _id: 1 } }, /servers before 5\.0/],
    [{ op: 'xi', ns: 'pacs.a', o: {} }, /an operation "xi"/],
  ])('%j is not replayed', (entry, why) => {
    expect(() => parse(entry)).toThrow(Unreplayable)
    expect(() => parse(entry)).toThrow(why)
  })
})
