import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { badInput, parsedJson } from '../lib/index.ts'
import type { JobContext } from '../runner/index.ts'

const eventSchema = z.object({ repository: z.object({ default_branch: z.string().min(1) }) })

/**
 * The branch by which a pull request is judged: what it brings may not excuse what it brings, nor what lies on another branch, to which anyone may push.
 * @throws Failure `bad-input` when the job does not know it
 */
export async function defaultBranch({ eventFile }: JobContext): Promise<string> {
  const text = await readFile(eventFile, 'utf8').catch(() => '')
  const event = eventSchema.safeParse(parsedJson(text))
  if (event.success) return event.data.repository.default_branch
  throw badInput(
    `a pull request is judged by the waivers and allowances of the default branch, and ${eventFile || 'GITHUB_EVENT_PATH'} names none`,
  )
}
