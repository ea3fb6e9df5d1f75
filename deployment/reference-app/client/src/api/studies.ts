import { z } from 'zod/mini'

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
const release = z.object({ version: z.string(), commit: z.string(), instance: z.string() })
const problem = z.object({ error: z.string() })

export type Study = z.infer<typeof study>
export type Release = z.infer<typeof release>

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
 * @throws Error with a message for the reader
 */
export async function searchStudies(terms: SearchTerms, signal: AbortSignal): Promise<Study[]> {
  const given = Object.fromEntries(Object.entries(terms).filter(([, term]) => term.trim() !== ''))
  const answer = await ask(studies, '/api/studies/search', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...given, limit: 100 }),
    signal,
  })
  return answer.studies
}

/**
 * Which release of the API answers.
 * @throws Error with a message for the reader
 */
export function readRelease(signal: AbortSignal): Promise<Release> {
  return ask(release, '/api/version', { signal })
}

/** Where the image of a study is. */
export function imageOf(study: Study): string {
  return `/api/studies/${study.studyInstanceUid}/rendered`
}

async function ask<T>(schema: z.ZodMiniType<T>, path: string, init: RequestInit): Promise<T> {
  const response = await fetch(path, init)
  const body: unknown = await response.json().catch(() => undefined)
  if (!response.ok) {
    const said = problem.safeParse(body)
    throw new Error(said.success ? said.data.error : `the server answered ${response.status}`)
  }
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw new Error('the server answered something that this page does not understand: reload it')
  return parsed.data
}
