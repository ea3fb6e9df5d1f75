import { randomInt } from 'node:crypto'

/** What a synthetic image says about itself. */
export interface SyntheticImage {
  studyInstanceUid: string
  sopInstanceUid: string
  patientName: string
  patientId: string
  /** Elements by keyword, as dcmjs names them. */
  elements: Record<string, unknown>
}

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7'
const SIZE = 128

/** An image of nobody: a bright disc on a gradient, `size` x `size`, 8 bits, in a study of its own or in the one that is named. */
export function syntheticImage(
  patientName = 'SYNTHETIC^PATIENT',
  patientId = 'SYN-1',
  { size = SIZE, study: studyInstanceUid = newUid() }: { size?: number; study?: string } = {},
): SyntheticImage {
  const sopInstanceUid = newUid()
  return {
    studyInstanceUid,
    sopInstanceUid,
    patientName,
    patientId,
    elements: {
      SOPClassUID: SECONDARY_CAPTURE,
      SOPInstanceUID: sopInstanceUid,
      StudyInstanceUID: studyInstanceUid,
      SeriesInstanceUID: newUid(),
      PatientName: patientName,
      PatientID: patientId,
      PatientBirthDate: '',
      PatientSex: '',
      StudyDate: '20261124',
      StudyTime: '101500',
      StudyID: '1',
      StudyDescription: 'Synthetic study',
      AccessionNumber: 'ACC1',
      ReferringPhysicianName: '',
      Modality: 'OT',
      ConversionType: 'SYN',
      SeriesNumber: '1',
      InstanceNumber: '1',
      SamplesPerPixel: 1,
      PhotometricInterpretation: 'MONOCHROME2',
      Rows: size,
      Columns: size,
      BitsAllocated: 8,
      BitsStored: 8,
      HighBit: 7,
      PixelRepresentation: 0,
      PixelData: [disc(size)],
      _vrMap: { PixelData: 'OB' },
    },
  }
}

/** A UID below 2.25 (PS3.5 annex B.2), short of a whole UUID. */
function newUid(): string {
  return `2.25.${randomInt(1, 2 ** 47)}${randomInt(1, 2 ** 47)}`
}

function disc(size: number): ArrayBuffer {
  const pixels = new Uint8Array(size * size)
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const inside = Math.hypot(x - size / 2, y - size / 2) < size / 3
      pixels[y * size + x] = inside ? 255 : Math.floor((x + y) / 2)
    }
  }
  return pixels.buffer
}
