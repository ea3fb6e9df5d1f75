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

/** How much an index names. */
export interface IndexCounts {
  patients: number
  studies: number
  series: number
  instances: number
  files: number
  bytes: number
}

/** An index of Orthanc that nobody else uses, opened for reading, wherever Orthanc keeps it. */
export interface OrthancIndex extends AsyncDisposable {
  /** What is wrong with the index itself, a line each; empty when it is whole. */
  check(): Promise<string[]>
  counts(): Promise<IndexCounts>
  /** Every file that the index names, one by one. */
  files(): AsyncIterable<IndexedFile>
  /** The DICOM files of a study, by its StudyInstanceUID. */
  filesOfStudy(uid: string): Promise<IndexedFile[]>
}

/** Where Orthanc keeps a file, in its storage directory. */
export function filePath(uuid: string): string {
  return `${uuid.slice(0, 2)}/${uuid.slice(2, 4)}/${uuid}`
}

/** A row of Orthanc's table of files, as both kinds of index name its columns. */
export const fileRowSchema = z
  .object({
    uuid: z.string().regex(/^[0-9a-f-]{36}$/),
    fileType: z.number(),
    compressedSize: z.number(),
    compressionType: z.number(),
    compressedMD5: z.string().nullable(),
  })
  .transform(
    ({ uuid, fileType, compressedSize, compressionType, compressedMD5 }): IndexedFile => ({
      path: filePath(uuid),
      size: compressedSize,
      md5: compressedMD5 === '' ? null : compressedMD5,
      compressed: compressionType !== 1,
      type: fileType,
    }),
  )

/** The tag of the StudyInstanceUID. */
export const STUDY_UID = { group: 0x0020, element: 0x000d }
