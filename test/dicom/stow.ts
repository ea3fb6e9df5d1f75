// STOW-RS (PS3.18 chapter 10): images as parts of one HTTP body, as a viewer or a gateway sends them.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import dimse from 'dcmjs-dimse'
import type { SyntheticImage } from './synthetic-image.ts'

const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1'
const BOUNDARY = 'pacs-deploy-part'

export const STOW_TYPE = `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`
export const PART_HEAD = `--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`

/** The body of a STOW-RS request with one image. */
export async function stowBody({ elements }: SyntheticImage): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-stow-'))
  try {
    const file = join(folder, 'image.dcm')
    await new Promise<void>((resolve, reject) => {
      const dataset = new dimse.Dataset(elements, EXPLICIT_VR_LITTLE_ENDIAN)
      dataset.toFile(file, (error?: Error) => (error ? reject(error) : resolve()))
    })
    return Buffer.concat([Buffer.from(PART_HEAD), await readFile(file), Buffer.from(`\r\n--${BOUNDARY}--\r\n`)])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
