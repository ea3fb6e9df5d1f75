import { z } from 'zod/mini'
import { ask, jsonInit } from './request.ts'

const study = z.object({
  studyInstanceUid: z.string(),
  patientName: z.string(),
  patientId: z.string(),
  date: z.string(),
  description: z.string(),
  modalities: z.array(z.string()),
  series: z.number(),
  instances: z.number(),
})
const studies = z.object({ studies: z.array(study) })

export type Study = z.infer<typeof study>

/** What a search may ask for; an empty term is none. Dates are like 2026-11-24. */
export interface SearchTerms {
  patientName: string
  patientId: string
  modality: string
  from: string
  to: string
}

export const NO_TERMS: SearchTerms = { patientName: '', patientId: '', modality: '', from: '', to: '' }

/**
 * The studies that match `terms`, at most 100.
 * @throws ApiProblem
 */
export async function searchStudies(terms: SearchTerms, signal: AbortSignal): Promise<Study[]> {
  const given = Object.fromEntries(Object.entries(terms).filter(([, term]) => term.trim() !== ''))
  return (await ask(studies, '/api/studies/search', jsonInit('POST', { ...given, limit: 100 }, signal))).studies
}

/** Where the image of a study is. */
export function imageOf(study: Study): string {
  return `/api/studies/${study.studyInstanceUid}/rendered`
}
