import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { badInput } from '../lib/index.ts'
import { digestSchema, releaseImageSchema, verdictSchema } from '../release/index.ts'

const draftImageSchema = z.strictObject({
  /** What the image is called on the machine that built it. */
  local: z.string().min(1),
  /** The engine's own name for it, good for one thing: seeing that `local` was moved. On one image store it is the config's digest, on the other the manifest's. */
  image: digestSchema,
  /** Digest of the image configuration: what a scan judges and a registry must name. */
  config: digestSchema,
  platform: releaseImageSchema.shape.platform,
  /** Null for what nobody has judged. */
  verdict: verdictSchema.nullable(),
  /** Built from source here, or pulled from its vendor. */
  built: z.boolean(),
})
export type DraftImage = z.infer<typeof draftImageSchema>

const draftSchema = z.strictObject({
  schema: z.literal(1),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  images: z.record(z.string(), draftImageSchema),
})

/** What build hands to push by way of a file: every image of the stack as it lies on this machine. */
export type Draft = z.infer<typeof draftSchema>

/** Writes a draft as the file that the build action's output `manifest` names. */
export async function writeDraft(path: string, draft: Draft): Promise<void> {
  await writeFile(path, `${JSON.stringify(draft, null, 2)}\n`)
}

/**
 * Reads what {@link writeDraft} wrote.
 * @throws Failure `bad-input` that names the file and what is wrong with it.
 */
export async function readDraft(path: string): Promise<Draft> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch {
    throw badInput(`${path} cannot be read: give the output "manifest" of a build step of the same job`)
  }
  const parsed = z
    .string()
    .transform((json, context): unknown => {
      try {
        return JSON.parse(json)
      } catch {
        context.addIssue({ code: 'custom', message: 'is no JSON' })
        return z.NEVER
      }
    })
    .pipe(draftSchema)
    .safeParse(text)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`)
  throw badInput(
    `${path} is no draft of a release (${problems.join('; ')}): give the output "manifest" of a build step`,
  )
}
