import dimse from 'dcmjs-dimse'
import type { SyntheticImage } from './synthetic-image.ts'

const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1'
const SUCCESS = 0

export interface Archive {
  host: string
  port: number
  /** AE title that the archive answers to. */
  called: string
  /** AE title of the sender. */
  calling: string
}

/**
 * Sends an image as a modality does, by C-STORE.
 * @throws Error when the archive refuses the association or the image, or does not answer within 10 s
 */
export function sendImage(image: SyntheticImage, archive: Archive): Promise<void> {
  return sendImages([image], archive)
}

/** Sends images over one association. @throws Error as {@link sendImage} does */
export function sendImages(images: readonly SyntheticImage[], archive: Archive): Promise<void> {
  dimse.log.setLevel('silent')
  const client = new dimse.Client()
  const statuses: number[] = []
  for (const { elements } of images) {
    const request = new dimse.requests.CStoreRequest(new dimse.Dataset(elements, EXPLICIT_VR_LITTLE_ENDIAN))
    request.on('response', (response: { getStatus(): number }) => void statuses.push(response.getStatus()))
    client.addRequest(request)
  }
  return new Promise((resolve, reject) => {
    client.on('associationRejected', () => reject(new Error(`${archive.called} refused the association`)))
    client.on('networkError', (error: Error) => reject(error))
    client.on('closed', () => {
      const refused = statuses.find((status) => status !== SUCCESS)
      if (refused === undefined && statuses.length === images.length) resolve()
      else reject(new Error(`C-STORE ended with status ${refused ?? 'none'}`))
    })
    client.send(archive.host, archive.port, archive.calling, archive.called, {
      connectTimeout: 10_000,
      associationTimeout: 10_000,
      pduTimeout: 10_000,
    })
  })
}
