import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { counted } from '../lib/index.ts'
import type { ArchiveContents, IndexTable } from './contents.ts'
import type { Findings } from './level.ts'
import { filePath, type IndexedFile, type OrthancIndex } from './orthanc-index.ts'

const MAX_NAMED = 20
export const MISSING = 'is missing'

/**
 * Compares restored files of an Orthanc with its index: each is there, of its size, and has its MD5, which is what Orthanc's own
 * `verify-md5` asks. A file swapped with another one is found. One that was deleted while the volume was read may be missing; where it is
 * not known which were, one that is missing proves nothing, and is not counted as lost.
 * @param index the restored index @param storage the restored storage directory
 */
export async function compareArchive(
  wanted: ArchiveContents,
  index: OrthancIndex,
  storage: string,
  signal: AbortSignal,
): Promise<Findings> {
  const findings = (await index.check()).map((line) => `${wanted.service}: the index is damaged: ${line}`)
  const counts = await index.counts()
  for (const kind of ['patients', 'studies', 'series', 'instances', 'files', 'bytes'] as const) {
    if (counts[kind] !== wanted[kind]) {
      findings.push(`${wanted.service}: the index names ${counts[kind]} ${kind}, ${wanted[kind]} were backed up`)
    }
  }
  const deleted = new Set(wanted.deleted.names.map(filePath))
  const unknown = whyUnknown(wanted.deleted)
  let unclear = 0
  let checked = 0
  let wrong = 0
  for await (const file of index.files()) {
    signal.throwIfAborted()
    checked++
    const fault = await faultOf(file, storage)
    if (fault === null || (fault === MISSING && deleted.has(file.path))) continue
    if (fault === MISSING && unknown !== null) {
      unclear++
      continue
    }
    wrong++
    if (wrong <= MAX_NAMED) findings.push(`${wanted.service}: file ${file.path} ${fault}`)
  }
  if (wrong > MAX_NAMED) findings.push(`${wanted.service}: ${wrong - MAX_NAMED} more files are missing or wrong`)
  if (unclear > 0) {
    findings.push(`${wanted.service}: ${counted(unclear, 'file')} missing, lost or ${unknown}; take another backup`)
  }
  const { files, names } = wanted.deleted
  const surely = wanted.deleted.unknown === undefined ? unclear - (files - names.length) : 0
  if (surely > 0) {
    findings.push(`${wanted.service}: at least ${surely} of these are lost: no more than ${files} were deleted`)
    wrong += surely
  }
  return { checked, lost: Math.max(wrong, wanted.files - checked), findings }
}

/** Why nobody knows of a missing file whether it was deleted while the backup was taken, to follow "lost or"; null where it is known. */
export function whyUnknown({ files, names, unknown }: ArchiveContents['deleted']): string | null {
  if (unknown === undefined && files === names.length) return null
  const why =
    unknown === undefined
      ? `of ${files} that were, the backup names the first ${names.length}`
      : `the live index could not be asked (${unknown})`
  return `deleted while the backup was taken, which is not known: ${why}`
}

/** Compares what PostgreSQL restored of an index, table by table, with what was dumped. */
export function compareTables(service: string, wanted: readonly IndexTable[], found: readonly IndexTable[]): Findings {
  const there = new Map(found.map((table) => [table.name, table]))
  const findings = wanted.flatMap(({ name, rows, hash }) => {
    const table = there.get(name)
    if (table === undefined) return [`${service}: the table ${name} of the index is missing`]
    if (table.rows !== rows)
      return [`${service}: the table ${name} of the index has ${table.rows} rows, ${rows} were backed up`]
    return table.hash === hash ? [] : [`${service}: the table ${name} of the index has other rows than were backed up`]
  })
  return { checked: wanted.length, findings }
}

/** What is wrong with a stored file, or null. */
export async function faultOf(file: IndexedFile, storage: string): Promise<string | null> {
  const path = join(storage, file.path)
  const size = await stat(path).then(
    (found) => found.size,
    () => null,
  )
  if (size === null) return MISSING
  if (size !== file.size) return `has ${size} bytes, the index says ${file.size}`
  if (file.md5 === null) return null
  const hash = createHash('md5')
  for await (const piece of createReadStream(path)) hash.update(piece)
  return hash.digest('hex') === file.md5 ? null : 'has another MD5 than the index says'
}
