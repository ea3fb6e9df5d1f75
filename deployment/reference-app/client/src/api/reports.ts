import { z } from 'zod/mini'
import { ask, change } from './request.ts'

export const MEANINGS = ['author', 'reviewer', 'approver'] as const

const signature = z.object({
  printedName: z.string(),
  signedAt: z.string(),
  meaning: z.enum(MEANINGS),
  recordId: z.string(),
  recordHash: z.string(),
  problem: z.nullable(z.string()),
})
const version = z.object({
  id: z.string(),
  version: z.number(),
  text: z.string(),
  author: z.string(),
  createdAt: z.string(),
  state: z.enum(['draft', 'signed']),
  signatures: z.array(signature),
})
const report = z.object({ versions: z.array(version) })

export type Signature = z.infer<typeof signature>
export type ReportVersion = z.infer<typeof version>

/** The versions of a study's report, newest first. */
export async function readReport(study: string, signal: AbortSignal): Promise<ReportVersion[]> {
  return (await ask(report, pathOf(study), { signal })).versions
}

/**
 * Saves `text` as the version after `base` (0: there was none).
 * @throws ApiProblem 409 when somebody saved in the meantime
 */
export async function saveReport(study: string, text: string, base: number): Promise<ReportVersion[]> {
  return (await change(report, 'PUT', pathOf(study), { text, base })).versions
}

/** @throws ApiProblem 401 for a wrong password */
export async function signReport(
  study: string,
  signing: { version: number; meaning: Signature['meaning']; password: string },
): Promise<ReportVersion[]> {
  return (await change(report, 'POST', `${pathOf(study)}/sign`, signing)).versions
}

function pathOf(study: string): string {
  return `/api/studies/${study}/report`
}
