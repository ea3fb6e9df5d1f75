import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'

/** A file that Orthanc's index names. */
export interface IndexedFile {
  /** Its path in the storage directory: `ab/cd/abcd…`. */
  path: string
  /** Bytes and MD5 on the disk; no MD5 where Orthanc was told to keep none. */
  size: number
  md5: string | null
  compressed: boolean
  /** 1 is the DICOM file itself; others are what Orthanc derived from it. */
  type: number
}

const fileSchema = z
  .object({
    uuid: z.string().regex(/^[0-9a-f-]{36}$/),
    fileType: z.number(),
    compressedSize: z.number(),
    compressionType: z.number(),
    compressedMD5: z.string().nullable(),
  })
  .transform(
    ({ uuid, fileType, compressedSize, compressionType, compressedMD5 }): IndexedFile => ({
      path: `${uuid.slice(0, 2)}/${uuid.slice(2, 4)}/${uuid}`,
      size: compressedSize,
      md5: compressedMD5 === '' ? null : compressedMD5,
      compressed: compressionType !== 1,
      type: fileType,
    }),
  )

const COLUMNS = 'uuid, fileType, compressedSize, compressionType, compressedMD5'
const countSchema = z.object({ type: z.number(), n: z.number() })
const sumSchema = z.object({ n: z.number(), bytes: z.number().nullable() })
const checkSchema = z.object({ integrity_check: z.string() })
/** StudyInstanceUID. */
const STUDY_UID = { group: 0x0020, element: 0x000d }

/** A copy of Orthanc's SQLite index, opened for reading: SQLite first completes or drops what was under way when it was copied. */
export class OrthancIndex implements Disposable {
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
  check(): string[] {
    const rows = z.array(checkSchema).parse(this.#database.prepare('PRAGMA integrity_check(20)').all())
    return rows.map((row) => row.integrity_check).filter((line) => line !== 'ok')
  }

  counts(): { patients: number; studies: number; series: number; instances: number; files: number; bytes: number } {
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

  /** Every file that the index names, one by one. */
  *files(): Generator<IndexedFile> {
    for (const row of this.#database.prepare(`SELECT ${COLUMNS} FROM AttachedFiles`).iterate()) {
      yield fileSchema.parse(row)
    }
  }

  /** The DICOM files of a study, by its StudyInstanceUID. */
  filesOfStudy(uid: string): IndexedFile[] {
    const rows = this.#database
      .prepare(
        `SELECT ${COLUMNS} FROM AttachedFiles
           JOIN Resources instance ON instance.internalId = AttachedFiles.id AND instance.resourceType = 4
           JOIN Resources series ON series.internalId = instance.parentId
           JOIN DicomIdentifiers study ON study.id = series.parentId
          WHERE study.tagGroup = ? AND study.tagElement = ? AND study.value = ? AND fileType = 1`,
      )
      .all(STUDY_UID.group, STUDY_UID.element, uid)
    return rows.map((row) => fileSchema.parse(row))
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
