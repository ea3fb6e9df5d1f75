// What an entry of MongoDB's oplog does to one database.
import { BSON, type Document } from 'mongodb'
import { UNTOUCHED } from './definition.ts'
import type { OplogTime } from './oplog-time.ts'
import { documentOf, elementsOf, type RawElement } from './raw-document.ts'

export type Operation =
  | { kind: 'insert'; collection: string; document: Buffer }
  | { kind: 'replace'; collection: string; id: RawElement; document: Buffer }
  /** An update by what it changes. */
  | { kind: 'patch'; collection: string; id: RawElement; diff: Buffer }
  | { kind: 'delete'; collection: string; id: RawElement }
  | { kind: 'create'; collection: string; options: Document }
  | { kind: 'drop'; collection: string }
  | { kind: 'createIndexes'; collection: string; indexes: Document[] }
  | { kind: 'dropIndex'; collection: string; index: string }
  | { kind: 'collMod'; collection: string; change: Document }
  | { kind: 'rename'; collection: string; to: string; dropsTarget: boolean }

/** An entry as it stands in the oplog. */
export interface OplogEntry {
  /** To which transaction it belongs, and whether that goes on in a later entry; null for none. */
  transaction: { id: string; goesOn: boolean } | null
  operations: Operation[]
}

/** What cannot be replayed, in words; the rest can be, up to there. */
export class Unreplayable extends Error {}

/**
 * Reads an entry of the oplog.
 * @returns what it does to `database`: nothing where it concerns others
 * @throws Unreplayable for what is not carried over
 */
export function parseEntry(entry: Buffer, database: string): OplogEntry {
  const fields = fieldsOf(entry)
  return { transaction: transactionOf(fields), operations: operationsOf(fields, database) }
}

/** When an entry was written. */
export function timeOf(entry: Buffer): OplogTime {
  return objectOf(fieldsOf(entry), 'ts').readBigUInt64LE(0)
}

type Fields = ReadonlyMap<string, RawElement>

function fieldsOf(document: Buffer): Fields {
  return new Map(elementsOf(document).map((one) => [one.name, one]))
}

/** The entries of one transaction have the same session and number. What was not prepared is written when it commits, all of it. */
function transactionOf(fields: Fields): OplogEntry['transaction'] {
  const session = fields.get('lsid')
  const number = fields.get('txnNumber')
  if (textOf(fields, 'op') !== 'c' || session === undefined || number === undefined) return null
  const goesOn = fieldsOf(objectOf(fields, 'o')).has('partialTxn')
  return { id: `${session.value.toString('base64')} ${number.value.toString('hex')}`, goesOn }
}

function operationsOf(fields: Fields, database: string): Operation[] {
  const kind = textOf(fields, 'op')
  if (kind === 'n') return []
  const [name, collection] = splitNamespace(textOf(fields, 'ns'))
  if (kind === 'c') return ofCommand(fields, name, database)
  if (name !== database) return []
  if (collection.startsWith('system.')) throw new Unreplayable(`a change of ${collection}, as of a view`)
  const object = objectOf(fields, 'o')
  if (kind === 'i') return [{ kind: 'insert', collection, document: object }]
  if (kind === 'd') return [{ kind: 'delete', collection, id: idOf(object) }]
  if (kind !== 'u') throw new Unreplayable(`an operation "${kind}"`)
  const id = idOf(objectOf(fields, 'o2'))
  const change = elementsOf(object)
  if (change[0]?.name !== '$v') return [{ kind: 'replace', collection, id, document: object }]
  const diff = change.find(({ name: part }) => part === 'diff')
  if (diff === undefined) throw new Unreplayable('an update as servers before 5.0 wrote it')
  return [{ kind: 'patch', collection, id, diff: diff.value }]
}

/** What begins or ends an index and changes nothing that can be read; a dropped database was emptied before. */
const WITHOUT_EFFECT = new Set(['startIndexBuild', 'abortIndexBuild', 'setMultikeyMetadata', 'dropDatabase'])

function ofCommand(fields: Fields, name: string, database: string): Operation[] {
  const object = objectOf(fields, 'o')
  const parts = elementsOf(object)
  const [first] = parts
  const command = first?.name ?? ''
  if (command === 'applyOps') {
    if (parts.some((part) => part.name === 'prepare')) throw new Unreplayable('a prepared transaction')
    return elementsOf(first?.value ?? object).flatMap(({ value }) => operationsOf(fieldsOf(value), database))
  }
  // The end of one that was prepared.
  if (command === 'commitTransaction' || command === 'abortTransaction')
    throw new Unreplayable('a prepared transaction')
  if (name !== database || WITHOUT_EFFECT.has(command)) return []
  const { [command]: about, ...rest } = BSON.deserialize(object, UNTOUCHED)
  const collection = String(about)
  if (collection.startsWith('system.')) throw new Unreplayable(`${command} of ${collection}, as for a view`)
  switch (command) {
    case 'create': {
      const { idIndex: _, temp: __, ...options } = rest
      if ('timeseries' in options || 'viewOn' in options) throw new Unreplayable(`the creation of ${collection}`)
      return [{ kind: 'create', collection, options }]
    }
    case 'drop':
      return [{ kind: 'drop', collection }]
    case 'createIndexes':
      return [{ kind: 'createIndexes', collection, indexes: indexesOf([rest]) }]
    case 'commitIndexBuild':
      return [{ kind: 'createIndexes', collection, indexes: indexesOf(rest.indexes) }]
    case 'dropIndexes':
      return [{ kind: 'dropIndex', collection, index: String(rest.index) }]
    case 'collMod':
      return [{ kind: 'collMod', collection, change: rest }]
    case 'renameCollection': {
      const [[from, old], [into, to]] = [splitNamespace(collection), splitNamespace(String(rest.to))]
      if (from !== into) throw new Unreplayable(`${collection} was renamed to ${rest.to}`)
      return [{ kind: 'rename', collection: old, to, dropsTarget: dropsTarget(rest.dropTarget) }]
    }
    default:
      throw new Unreplayable(`${command} of ${collection}`)
  }
}

/** Newer servers write an index as `spec`, beside what only they need. */
function indexesOf(written: readonly Document[]): Document[] {
  return written.map((one) => one.spec ?? one)
}

/** The identity of the collection that was dropped for it, or a boolean. */
function dropsTarget(value: unknown): boolean {
  return value !== undefined && String(value) !== 'false'
}

function splitNamespace(namespace: string): [database: string, collection: string] {
  const dot = namespace.indexOf('.')
  return dot < 0 ? [namespace, ''] : [namespace.slice(0, dot), namespace.slice(dot + 1)]
}

function idOf(document: Buffer): RawElement {
  const id = elementsOf(document).find(({ name }) => name === '_id')
  if (id === undefined) throw new Unreplayable('a change of a document without _id')
  return id
}

function objectOf(fields: Fields, name: string): Buffer {
  const element = fields.get(name)
  if (element === undefined) throw new Error(`an entry of the oplog has no ${name}`)
  return element.value
}

function textOf(fields: Fields, name: string): string {
  const element = fields.get(name)
  if (element === undefined) throw new Error(`an entry of the oplog has no ${name}`)
  // A length before it, a zero after.
  return element.value.subarray(4, -1).toString('utf8')
}

/** `{ _id }` alone. */
export function selecting(id: RawElement): Buffer {
  return documentOf([{ ...id, name: '_id' }])
}
