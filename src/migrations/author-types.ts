import type { Db, Document, IndexDescription } from 'mongodb'

/** expand before a deploy, data after its seal, contract when no offered release needs the old shape. */
export type Phase = 'expand' | 'data' | 'contract'

/** What a collection shall be: options, validator and indexes. What is left out stays as it is. */
export interface CollectionDeclaration {
  /** The `$jsonSchema` that documents must satisfy. */
  schema?: Document
  /** Options that only creation can set: `capped`, `collation`, `timeseries`… An existing collection that differs is refused. */
  options?: Document
  indexes?: readonly IndexDeclaration[]
  /** Names of indexes to remove. */
  dropIndexes?: readonly string[]
}

/** An index with a name; `serves` says for which query it is there. */
export type IndexDeclaration = Omit<IndexDescription, 'name' | 'key'> & {
  name: string
  key: Record<string, 1 | -1 | 'text' | 'hashed' | '2dsphere'>
  serves?: string
}

/** What one document becomes: whole top-level fields. */
export interface Change {
  set?: Document
  unset?: readonly string[]
}

/** A walk over a collection in `_id` order. */
export interface BatchesDeclaration {
  collection: string
  /** Which documents; best one that a changed document no longer matches. */
  filter?: Document
  /**
   * What `document` becomes, or null to leave it. Pure; a document that is already done gives null or no change.
   */
  change: (document: Document) => Change | null
  /** Top-level fields that `change` reads; by default all, and what it asks for by name. Only these are fetched when before-images are off. */
  reads?: readonly string[]
  /** Documents of one batch, 1 to 10,000; 1,000 by default. */
  size?: number
  /** Milliseconds to rest between batches; 0 by default. */
  pause?: number
  /** Keep what each document was, so that the undo is exact; true by default. */
  beforeImages?: boolean
}

/** Walks and changes documents. */
export interface Batches {
  (declaration: BatchesDeclaration): Promise<void>
  /** In `down`, before any walk: puts back every document that this migration changed, exactly as it was. */
  restore(): Promise<void>
}

/** Declares collections. */
export interface Schema {
  /** Creates or adopts a collection, then reads back and compares. */
  collection(name: string, declaration: CollectionDeclaration): Promise<void>
  /** In `down`: puts back options, validators and indexes that this migration changed, and drops what it created. */
  restore(): Promise<void>
}

export interface UpContext {
  /** The database as the driver gives it; in a plan it only reads. */
  db: Db
  schema: Schema
  batches: Batches
  /** A line for whoever watches; never a document's content. */
  log(line: string): void
  /** Aborts when the lease is lost, the time is up or someone cancels. */
  signal: AbortSignal
}

/** `db` only reads here. */
export type CheckContext = Pick<UpContext, 'db' | 'log' | 'signal'>

interface CommonDefinition {
  phase: Phase
  description: string
  /** Does the work; safe to run again on a half-done state (schema and batches are). */
  up(context: UpContext): Promise<void>
  /** True when the work is done, false when `up` may run (again); throws when it cannot tell. Looks, never writes. */
  check(context: CheckContext): Promise<boolean>
  /** Why a step that lint refuses is right here: rule id → reason. Kept in the history. */
  assured?: Readonly<Record<string, string>>
  /** Limit of `up` and of `down`, like `30m`; 10 minutes by default, 24 hours for data. */
  timeout?: string
}

/** What a migration file exports by default. */
export type MigrationDefinition = CommonDefinition &
  ({ down(context: UpContext): Promise<void> } | { irreversible: string })
