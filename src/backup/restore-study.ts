import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { counted, Failure, refused } from '../lib/index.ts'
import { faultOf, MISSING, whyUnknown } from './archive-files.ts'
import type { Parts } from './catalogue.ts'
import type { ArchiveContents, Contents } from './contents.ts'
import { filePath, type OrthancIndex } from './orthanc-index.ts'
import type { Restic } from './restic.ts'
import { type RestoredFiles, restoredIn } from './restored-files.ts'

/** Paths per call: they stand in its arguments, whose room is limited. */
const LOT = 5000

/**
 * Restores the DICOM files of one study and nothing else, each compared with the index's MD5, as `<directory>/<study>/<n>.dcm`:
 * to be looked at, or sent to an archive again, which keeps what it has.
 * @param openIndex opens an archive's restored index, for as long as it is asked @returns the files, and how many are not among them since they were deleted while the backup was taken @throws Failure `refused` when the backup holds no such study, `failed` when a file is not what the index says
 */
export async function restoreStudy(
  restic: Restic,
  contents: Contents,
  parts: Parts,
  study: string,
  work: string,
  directory: string,
  openIndex: (archive: ArchiveContents, files: RestoredFiles) => Promise<OrthancIndex>,
  signal: AbortSignal,
): Promise<string[]> {
  if (!/^[0-9.]{1,64}$/.test(study)) throw refused(`"${study}" is no StudyInstanceUID`)
  const { work: snapshotOfWork, staged, volumes } = parts
  const files = restoredIn(work, staged)
  await restic.restore(snapshotOfWork, work, [join(staged, 'archives')], { signal })
  const written: string[] = []
  let deleted = 0
  for (const archive of contents.archives) {
    const { service, volume, storage } = archive
    await using index = await openIndex(archive, files)
    const wanted = await index.filesOfStudy(study)
    const snapshot = volumes.get(volume)
    if (wanted.length === 0 || snapshot === undefined) continue
    const paths = wanted.map(({ path }) => join('/volumes', volume, storage, path))
    for (let from = 0; from < paths.length; from += LOT) {
      await restic.restore(snapshot, work, paths.slice(from, from + LOT), { signal })
    }
    const gone = new Set(archive.deleted.names.map(filePath))
    for (const file of wanted) {
      const fault = await faultOf(file, files.storage(volume, storage))
      if (fault === MISSING && gone.has(file.path)) {
        deleted++
        continue
      }
      const unknown = fault === MISSING ? whyUnknown(archive.deleted) : null
      const why = unknown === null ? '' : `, lost or ${unknown}; name an earlier backup`
      if (fault !== null) throw new Failure('failed', `${service}: file ${file.path} of the study ${fault}${why}`)
      const stored = await readFile(join(files.storage(volume, storage), file.path))
      await mkdir(join(directory, study), { recursive: true, mode: 0o700 })
      const target = join(directory, study, `${written.length + 1}.dcm`)
      // Orthanc's own compression: the length in 8 bytes, then zlib.
      await writeFile(target, file.compressed ? inflateSync(stored.subarray(8)) : stored, { mode: 0o600, flag: 'wx' })
      written.push(target)
    }
  }
  if (written.length === 0) {
    throw refused(
      deleted === 0
        ? `the backup ${contents.id} holds no study ${study}`
        : `study ${study} was deleted while the backup ${contents.id} was taken: name an earlier one`,
    )
  }
  return deleted === 0
    ? written
    : [...written, `without ${counted(deleted, 'file')} deleted while the backup was taken`]
}
