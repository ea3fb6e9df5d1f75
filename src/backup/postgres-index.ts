import { z } from 'zod'
import { parsedJson } from '../lib/index.ts'
import { type IndexTable, indexTableSchema } from './contents.ts'
import type { Docker } from './docker.ts'
import { askIndex, COUNTS, countsSchema, type IndexDatabase, TABLES } from './index-database.ts'
import { fileRowSchema, type IndexCounts, type IndexedFile, type OrthancIndex, STUDY_UID } from './orthanc-index.ts'

/** Rows per question: what is asked must fit into memory. */
const PAGE = 20_000

const FILE = `json_build_object('id', file.id, 'uuid', file.uuid, 'fileType', file.filetype, 'compressedSize', file.compressedsize,
  'compressionType', file.compressiontype, 'compressedMD5', file.compressedhash)`
const keySchema = z.object({ id: z.number(), fileType: z.number() })

/** An index of Orthanc in a PostgreSQL that nobody else uses. It ends with it. */
export class PostgresIndex implements OrthancIndex {
  readonly #docker: Docker
  readonly #at: IndexDatabase
  readonly #end: () => Promise<void>

  constructor(docker: Docker, at: IndexDatabase, end: () => Promise<void>) {
    this.#docker = docker
    this.#at = at
    this.#end = end
  }

  /** Nothing: PostgreSQL has built every table and index of it anew from a dump, as a whole. */
  async check(): Promise<string[]> {
    return []
  }

  async counts(): Promise<IndexCounts> {
    return countsSchema.parse((await this.#ask(COUNTS))[0])
  }

  /** Every table with its rows and the sum of their hashes. */
  async tables(): Promise<IndexTable[]> {
    return z.array(indexTableSchema).parse(await this.#ask(TABLES))
  }

  async *files(): AsyncGenerator<IndexedFile> {
    let after = { id: -1, fileType: -1 }
    for (;;) {
      // Ordered by the columns, which the primary key serves: ordered by the row that they make, each page would sort all that are left.
      const rows = await this.#ask(
        `SELECT ${FILE} FROM attachedfiles file WHERE (file.id, file.filetype) > (${after.id}, ${after.fileType})
          ORDER BY file.id, file.filetype LIMIT ${PAGE};`,
      )
      for (const row of rows) yield fileRowSchema.parse(row)
      if (rows.length < PAGE) return
      after = keySchema.parse(rows.at(-1))
    }
  }

  async filesOfStudy(uid: string): Promise<IndexedFile[]> {
    const rows = await this.#ask(
      `SELECT ${FILE} FROM attachedfiles file
         JOIN resources instance ON instance.internalid = file.id AND instance.resourcetype = 3
         JOIN resources series ON series.internalid = instance.parentid
         JOIN dicomidentifiers study ON study.id = series.parentid
        WHERE study.taggroup = ${STUDY_UID.group} AND study.tagelement = ${STUDY_UID.element}
          AND study.value = '${uid.replaceAll("'", "''")}' AND file.filetype = 1;`,
    )
    return rows.map((row) => fileRowSchema.parse(row))
  }

  async #ask(script: string): Promise<unknown[]> {
    const { stdout } = await askIndex(this.#docker, this.#at, script)
    return stdout.split('\n').filter(Boolean).map(parsedJson)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }
}
