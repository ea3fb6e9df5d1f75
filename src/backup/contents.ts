import { z } from 'zod'

const hex64 = z.string().regex(/^[0-9a-f]{64}$/)
const count = z.int().nonnegative()
const seconds = z.number().nonnegative()
const instant = z.iso.datetime()

const definition = z.object({
  name: z.string(),
  type: z.enum(['collection', 'view', 'timeseries']),
  /** The text of its `.metadata.json`: EJSON with options and indexes. */
  metadata: z.string(),
})

const dumpedCollectionSchema = definition.extend({
  count,
  bytes: count,
  /** Order-independent; see ContentHash. */
  hash: hex64,
  newest: z.object({ id: z.string().nullable(), dates: z.record(z.string(), z.string()) }),
  seconds,
})

/** What one moment means for the collections of a database. */
const momentSchema = z.discriminatedUnion('kind', [
  /** All collections as of one cluster time (`seconds.increment`). */
  z.object({ kind: z.literal('snapshot'), clusterTime: z.string() }),
  /** Each collection was read on its own, between `from` and `to`. */
  z.object({ kind: z.literal('span'), from: instant, to: instant, why: z.string() }),
])

/** What a backup keeps of the oplog, for restores to a moment before its own. */
const oplogSchema = z.discriminatedUnion('kind', [
  /** All that was written after `from`, up to `to` (`seconds.increment`), without a gap. */
  z.object({ kind: z.literal('kept'), from: z.string(), to: z.string(), entries: count, bytes: count }),
  z.object({ kind: z.literal('none'), why: z.string() }),
])

/** Something that lies beside the backup and is not in it, by name. */
const leftOutSchema = z.object({ what: z.string(), why: z.string() })

const databaseContentsSchema = z.object({
  service: z.string(),
  database: z.string(),
  server: z.object({ version: z.string(), topology: z.enum(['replica set', 'sharded', 'standalone']) }),
  moment: momentSchema,
  /** Backups of earlier versions keep none. */
  oplog: oplogSchema.default({ kind: 'none', why: 'a backup of an earlier version' }),
  collections: z.array(dumpedCollectionSchema),
  leftOut: z.array(leftOutSchema),
  seconds,
})

/** A table of a dumped index: its rows, and an order-independent sum over them. */
export const indexTableSchema = z.object({ name: z.string(), rows: count, hash: z.string() })

export const archiveContentsSchema = z.object({
  service: z.string(),
  volume: z.string(),
  /** Where in the volume the index and the files lie; empty for its root. */
  storage: z.string(),
  patients: count,
  studies: count,
  series: count,
  instances: count,
  files: count,
  bytes: count,
  /** What the dump of an index in PostgreSQL holds, and which service wrote it; null where SQLite's file was copied. */
  index: z
    .object({
      service: z.string(),
      database: z.string(),
      user: z.string(),
      tables: z.array(indexTableSchema),
      /** What the database took on its disk; earlier versions did not ask. */
      bytes: count.default(0),
    })
    .nullable()
    .default(null),
  /** Files that Orthanc deleted between the copy of the index, which names them, and the end of reading; the first of them by name. */
  deleted: z
    .object({
      files: count,
      names: z.array(z.string()),
      /** Why the live index could not be asked which they are; absent where it was. */
      unknown: z.string().exactOptional(),
    })
    .default({ files: 0, names: [] }),
  /** When the index was copied, and for how many seconds the service was paused. */
  at: instant,
  paused: seconds,
})

const cacheContentsSchema = z.object({
  service: z.string(),
  /** Keys that the file holds, those past their time included. */
  keys: count,
  bytes: count,
  sha256: hex64,
  at: instant,
  seconds,
})

const folderContentsSchema = z.object({
  name: z.string(),
  secret: z.boolean(),
  files: count,
  bytes: count,
  /** Over the sorted list of path and SHA-256 of each file. */
  hash: hex64,
})

/** `contents.json`: what a backup holds. It is stored last: a backup without it does not count as one. */
export const contentsSchema = z.object({
  schema: z.literal(1),
  id: z.string().regex(/^\d{8}t\d{6}z-[0-9a-f]{8}$/),
  startedAt: instant,
  finishedAt: instant,
  host: z.string(),
  instance: z.string().nullable(),
  versions: z.record(z.string(), z.string()),
  oneMoment: z.array(z.string()),
  database: databaseContentsSchema.nullable(),
  archives: z.array(archiveContentsSchema),
  caches: z.array(cacheContentsSchema),
  folders: z.array(folderContentsSchema),
  /** Where restic keeps the parts. */
  snapshots: z.object({ work: z.string(), volumes: z.array(z.object({ volume: z.string(), snapshot: z.string() })) }),
  /** Bytes read and, after deduplication and compression, added to the repository. */
  stored: z.object({ read: count, added: count }),
})

export type DumpedCollection = z.infer<typeof dumpedCollectionSchema>
export type Moment = z.infer<typeof momentSchema>
export type OplogContents = z.infer<typeof oplogSchema>
export type LeftOut = z.infer<typeof leftOutSchema>
export type DatabaseContents = z.infer<typeof databaseContentsSchema>
export type IndexTable = z.infer<typeof indexTableSchema>
export type ArchiveContents = z.infer<typeof archiveContentsSchema>
export type CacheContents = z.infer<typeof cacheContentsSchema>
export type FolderContents = z.infer<typeof folderContentsSchema>
export type Contents = z.infer<typeof contentsSchema>
