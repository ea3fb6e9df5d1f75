import type { Db, Document } from 'mongodb'
import type { HistoryLine, LedgerEntry } from './ledger.ts'

/** Who holds the lease. */
export interface LeaseHolder {
  token: string
  run: string
  actor: string
  host: string
  /** The process that renews it, by `processIdentity`; null where that is not known. */
  process: string | null
  /** What is done under it, like `migrate`. */
  purpose: string
}

/** A lease that is ours now, and the token of the one before it, null when there was none; or who has it. */
type LeaseAnswer =
  | { isOurs: true; previous: string | null }
  | { isOurs: false; holder: LeaseHolder & { expiresAt: Date } }

/** The one document that lets one owner work; compared and renewed by the server's clock. */
export interface LeaseStore {
  /** @param over the token of a lease that ends now, whose process has ended */
  take(holder: LeaseHolder, ttl: number, over: string | null): Promise<LeaseAnswer>
  /** @returns whether `token` still owns it, for `ttl` more milliseconds. */
  renew(token: string, ttl: number): Promise<boolean>
  release(token: string): Promise<void>
}

/** Ledger and history as they stand. */
export interface LedgerState {
  entries: LedgerEntry[]
  history: HistoryLine[]
  /** The token of the lease that was given back last, null before the first; undefined while someone may hold one. Read before the rest. */
  rest: string | null | undefined
}

export interface LedgerStore {
  /** The server's time. */
  now(): Date
  read(): Promise<LedgerState>
  append(line: HistoryLine): Promise<void>
  /** Writes `entry` if the one that stands there is owned by `expected` (null: none stands there). @returns whether it did */
  put(entry: LedgerEntry, expected: string | null): Promise<boolean>
  /** {@link put} over what `expected` owns, then gives the lease of the entry's owner back, by one command. */
  putLast(entry: LedgerEntry, expected: string): Promise<boolean>
  remove(id: string, owner: string): Promise<boolean>
}

/** One guarded change: it happens only while the document still has the values of `guard`. */
export interface DocumentUpdate {
  id: unknown
  guard: Document
  set: Document
  unset: readonly string[]
  /** About the bytes of the guard: those of the document as it was read, and of what it lacks. */
  size: number
}

/** Documents as their BSON bytes, so that what is kept is exact. */
export interface DocumentStore {
  /** Batches in `_id` order, `_id` after `after` when given. */
  walk(
    collection: string,
    query: { filter: Document; after: { id: unknown } | null; size: number; fields: readonly string[] | null },
  ): AsyncIterable<Uint8Array[]>
  /** Those of `ids` that match `filter`. */
  find(collection: string, ids: readonly unknown[], filter: Document): Promise<Uint8Array[]>
  matches(collection: string, filter: Document): Promise<boolean>
  estimate(collection: string): Promise<number>
  /** @returns how many matched their guard. */
  update(collection: string, updates: readonly DocumentUpdate[]): Promise<number>
  /** Puts a whole document in the place of one that still has the values of `guard`; inserts it when `guard` is null. @returns whether it did */
  put(collection: string, id: unknown, guard: Document | null, bytes: Uint8Array): Promise<boolean>
}

/** What a document was before a migration wrote it, and the hash of what was written. */
export interface BeforeImage {
  migration: string
  collection: string
  id: unknown
  before: Uint8Array
  /** Empty where somebody edited what was written before it was written again: then the document counts as edited. */
  writtenHash: string
}

export interface BeforeStore {
  /** `fresh` promises that none of these is kept already, which is faster. */
  save(images: readonly BeforeImage[], fresh: boolean): Promise<void>
  has(migration: string): Promise<boolean>
  find(migration: string, collection: string, ids: readonly unknown[]): Promise<BeforeImage[]>
  /** Takes back images of documents that were not written after all. */
  forget(migration: string, collection: string, ids: readonly unknown[]): Promise<void>
  walk(migration: string): AsyncIterable<BeforeImage[]>
  remove(migration: string): Promise<void>
}

export interface IndexState {
  name: string
  key: Document
  /** unique, sparse, partialFilterExpression, expireAfterSeconds, collation, hidden… as far as set. */
  options: Document
}

export interface Validation {
  /** `{ $jsonSchema }`, or whatever a collection had before. */
  validator: Document
  level: 'off' | 'moderate' | 'strict'
  action: 'warn' | 'error' | 'errorAndLog'
}

/** What a collection is. */
export interface CollectionState {
  /** Options of creation without those of validation. */
  options: Document
  validation: Validation | null
  indexes: IndexState[]
}

/** What is asked for and is so already is done: a command of a cut connection may have been carried out meanwhile. */
export interface CatalogStore {
  describe(name: string): Promise<CollectionState | null>
  create(name: string, options: Document, validation: Validation | null): Promise<void>
  setValidation(name: string, validation: Validation | null): Promise<void>
  createIndexes(name: string, indexes: readonly IndexState[]): Promise<void>
  setExpiry(name: string, index: string, seconds: number): Promise<void>
  dropIndex(name: string, index: string): Promise<void>
  drop(name: string): Promise<void>
  /** Documents that `schema` would refuse. */
  countInvalid(name: string, schema: Document): Promise<number>
  /** Groups of documents that share the values of a unique index. */
  countDuplicates(name: string, index: IndexState): Promise<number>
  /** Documents that a TTL index would delete now. */
  countExpired(name: string, index: IndexState): Promise<number>
  count(name: string, filter: Document): Promise<number>
}

/** A database as the engine needs it. */
export interface Store {
  lease: LeaseStore
  ledger: LedgerStore
  documents: DocumentStore
  before: BeforeStore
  catalog: CatalogStore
  /** For the author's own calls. */
  db(access: 'read' | 'write'): Db
  /** Ends every call of the author's work that still runs. */
  abandon(): Promise<void>
}
