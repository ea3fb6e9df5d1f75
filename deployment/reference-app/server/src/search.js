import { z } from 'zod'
import { jsonBody, parse } from './parse.js'
import { RequestProblem } from './problems.js'
import { STUDY_FIELDS } from './study.js'

// Backslash separates values and ^ components in DICOM; * and ? are its wildcards, which the caller may use.
const term = z
  .string()
  .trim()
  .min(1, 'is empty')
  .max(64, 'is longer than 64 characters')
  .regex(/^[^\p{Cc}\\]*$/u, 'has a character that DICOM does not allow')

const page = {
  limit: z.coerce
    .number('is no number')
    .int('is no whole number')
    .min(1, 'is below 1')
    .max(200, 'is above 200')
    .default(50),
  offset: z.coerce
    .number('is no number')
    .int('is no whole number')
    .min(0, 'is below 0')
    .max(1_000_000, 'is above 1000000')
    .default(0),
}

const listQuery = z.strictObject(page)

const searchBody = jsonBody({
  patientName: term.optional(),
  patientId: term.optional(),
  modality: z
    .string()
    .regex(/^[A-Z]{2,16}$/, 'is no modality, for example CT')
    .optional(),
  from: z.iso.date('is no date like 2026-11-24').optional(),
  to: z.iso.date('is no date like 2026-11-24').optional(),
  ...page,
})

/**
 * The QIDO-RS query for a page of all studies.
 * @param {unknown} query the parameters of the URL
 * @throws {RequestProblem} 400
 */
export function listStudies(query) {
  const { limit, offset } = parse(listQuery, query)
  return studyQuery(limit, offset)
}

/**
 * The QIDO-RS query for a search. Its terms come in a body, since URLs end up in logs.
 * @param {unknown} body
 * @throws {RequestProblem} 400
 */
export function searchStudies(body) {
  const { patientName, patientId, modality, from, to, limit, offset } = parse(searchBody, body)
  if (from && to && from > to) throw new RequestProblem(400, `from: ${from} is after ${to}`)
  const query = studyQuery(limit, offset)
  if (patientName) query.set('PatientName', /[*?]/.test(patientName) ? patientName : `*${patientName}*`)
  if (patientId) query.set('PatientID', patientId)
  if (modality) query.set('ModalitiesInStudy', modality)
  if (from || to) query.set('StudyDate', `${dicomDate(from)}-${dicomDate(to)}`)
  return query
}

/**
 * @param {number} limit
 * @param {number} offset
 */
function studyQuery(limit, offset) {
  const query = new URLSearchParams({ limit: String(limit), offset: String(offset) })
  // One parameter each: Orthanc does not split a list whose commas are encoded.
  for (const field of STUDY_FIELDS) query.append('includefield', field)
  return query
}

/** @param {string | undefined} date */
function dicomDate(date) {
  return date?.replaceAll('-', '') ?? ''
}
