import { createWriteStream } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { fileRowSchema, type IndexCounts, type IndexedFile, type OrthancIndex, STUDY_UID } from './orthanc-index.ts'

const COLUMNS = 'uuid, fileType, compressedSize, compressionType, compressedMD5'
const countSchema = z.object({ type: z.number(), n: z.number() })
const sumSchema = z.object({ n: z.number(), bytes: z.number().nullable() })
const nameSchema = z.object({ uuid: z.string() })
const checkSchema = z.object({ integrity_check: z.string() })

/** A copy of Orthanc's SQLite index, opened for reading: SQLite first completes or drops what was under way when it was copied. */
export class SqliteIndex implements OrthancIndex {
  readonly #database: DatabaseSync

  /** @throws Error when the file is no index of Orthanc */
  constructor(path: string) {
    // Writable: a journal beside it must be replayed.
    this.#database = new DatabaseSync(path)
    try {
      this.#database.prepare(`SELECT ${COLUMNS} FROM AttachedFiles LIMIT 1`).all()
    } catch (thrown) {
      this.#database.close()
      throw thrown
    }
  }

  /** What SQLite's own check finds; empty when the index is whole. */
  async check(): Promise<string[]> {
    const rows = z.array(checkSchema).parse(this.#database.prepare('PRAGMA integrity_check(20)').all())
    return rows.map((row) => row.integrity_check).filter((line) => line !== 'ok')
  }

  async counts(): Promise<IndexCounts> {
    const rows = z
      .array(countSchema)
      .parse(
        this.#database.prepare('SELECT resourceType AS type, COUNT(*) AS n FROM Resources GROUP BY resourceType').all(),
      )
    const of = (type: number) => rows.find((row) => row.type === type)?.n ?? 0
    const files = sumSchema.parse(
      this.#database.prepare('SELECT COUNT(*) AS n, SUM(compressedSize) AS bytes FROM AttachedFiles').get(),
    )
    return {
      patients: of(1),
      studies: of(2),
      series: of(3),
      instances: of(4),
      files: files.n,
      bytes: files.bytes ?? 0,
    }
  }

  async *files(): AsyncGenerator<IndexedFile> {
    for (const row of this.#database.prepare(`SELECT ${COLUMNS} FROM AttachedFiles`).iterate()) {
      yield fileRowSchema.parse(row)
    }
  }

  /** Writes the names of all files, in their order, a line each. @param file a new one */
  async listFiles(file: string): Promise<void> {
    const rows = this.#database.prepare('SELECT uuid FROM AttachedFiles ORDER BY uuid').iterate()
    const lines = Readable.from(rows).map((row) => `${nameSchema.parse(row).uuid}\n`)
    await pipeline(lines, createWriteStream(file, { flags: 'wx', mode: 0o600 }))
  }

  async filesOfStudy(uid: string): Promise<IndexedFile[]> {
    const rows = this.#database
      .prepare(
        `SELECT ${COLUMNS} FROM AttachedFiles
           JOIN Resources instance ON instance.internalId = AttachedFiles.id AND instance.resourceType = 4
           JOIN Resources series ON series.internalId = instance.parentId
           JOIN DicomIdentifiers study ON study.id = series.parentId
          WHERE study.tagGroup = ? AND study.tagElement = ? AND study.value = ? AND fileType = 1`,
      )
      .all(STUDY_UID.group, STUDY_UID.element, uid)
    return rows.map((row) => fileRowSchema.parse(row))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#database.close()
  }
}
