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
  dimse.log.setLevel('silent')
  const client = new dimse.Client()
  const request = new dimse.requests.CStoreRequest(new dimse.Dataset(image.elements, EXPLICIT_VR_LITTLE_ENDIAN))
  return new Promise((resolve, reject) => {
    let status: number | undefined
    request.on('response', (response: { getStatus(): number }) => {
      status = response.getStatus()
    })
    client.addRequest(request)
    client.on('associationRejected', () => reject(new Error(`${archive.called} refused the association`)))
    client.on('networkError', (error: Error) => reject(error))
    client.on('closed', () => {
      if (status === SUCCESS) resolve()
      else reject(new Error(`C-STORE ended with status ${status ?? 'none'}`))
    })
    client.send(archive.host, archive.port, archive.calling, archive.called, {
      connectTimeout: 10_000,
      associationTimeout: 10_000,
      pduTimeout: 10_000,
    })
  })
}
