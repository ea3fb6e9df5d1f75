import { z } from 'zod'
import { RequestProblem } from './problems.js'

/** @import { DicomDataset } from './orthanc.js' */

/** What a worklist asks Orthanc for beyond the attributes that QIDO-RS always returns. */
export const STUDY_FIELDS = ['StudyDescription', 'NumberOfStudyRelatedSeries', 'NumberOfStudyRelatedInstances']

/** A DICOM UID: digits in groups, at most 64 characters (PS3.5 chapter 9). */
export const uid = z
  .string()
  .max(64)
  .regex(/^\d+(\.\d+)*$/, 'is no DICOM UID')

/**
 * The study that a path names.
 * @param {unknown} text
 * @throws {RequestProblem} 400
 */
export function readStudy(text) {
  const study = uid.safeParse(text)
  if (!study.success) throw new RequestProblem(400, 'the study is not named by a DICOM UID')
  return study.data
}

const personName = z.object({ Alphabetic: z.string().optional() })

/**
 * A study as the page shows it.
 * @param {DicomDataset} dataset
 */
export function toStudy(dataset) {
  return {
    studyInstanceUid: text(dataset, '0020000D'),
    patientName: patientName(dataset),
    patientId: text(dataset, '00100020'),
    date: isoDate(text(dataset, '00080020')),
    description: text(dataset, '00081030'),
    accessionNumber: text(dataset, '00080050'),
    modalities: texts(dataset, '00080061'),
    series: count(dataset, '00201206'),
    instances: count(dataset, '00201208'),
  }
}

/**
 * Where the first instance of `datasets` that has pixels is, or undefined.
 * @param {DicomDataset[]} datasets instances with Rows
 */
export function firstImage(datasets) {
  const dataset = datasets.find((each) => count(each, '00280010') > 0)
  if (dataset === undefined) return undefined
  const [study, series, instance] = ['0020000D', '0020000E', '00080018'].map((tag) => uid.parse(text(dataset, tag)))
  return `studies/${study}/series/${series}/instances/${instance}`
}

/**
 * @param {DicomDataset} dataset
 * @param {string} tag
 */
function texts(dataset, tag) {
  return (dataset[tag]?.Value ?? []).filter((value) => typeof value === 'string')
}

/**
 * @param {DicomDataset} dataset
 * @param {string} tag
 */
function text(dataset, tag) {
  return texts(dataset, tag)[0] ?? ''
}

/**
 * @param {DicomDataset} dataset
 * @param {string} tag
 */
function count(dataset, tag) {
  return Number(dataset[tag]?.Value?.[0] ?? 0) || 0
}

/**
 * `DOE^JANE^^^` becomes `DOE, JANE`.
 * @param {DicomDataset} dataset
 */
function patientName(dataset) {
  const name = personName.safeParse(dataset['00100010']?.Value?.[0])
  const [family = '', given = ''] = (name.success ? (name.data.Alphabetic ?? '') : '').split('^')
  return [family, given].filter((part) => part !== '').join(', ')
}

/**
 * `20261124` becomes `2026-11-24`; what is no date becomes empty.
 * @param {string} date
 */
function isoDate(date) {
  const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(date)
  return parts ? `${parts[1]}-${parts[2]}-${parts[3]}` : ''
}
