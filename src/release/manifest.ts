import { z } from 'zod'
import { badInput, refused } from '../lib/index.ts'
import { type Digest, digestSchema, sha256 } from './digest.ts'
import { repositorySchema } from './reference.ts'
import { verdictSchema } from './verdict.ts'

/** What a release image calls itself in its label `org.pacs-deploy.kind`. */
export const RELEASE_KIND = 'release'

/** `20261124t101500z-abc1234def01`: time in UTC and the first 12 digits of the commit; lower case, since it is a Compose project and a tag. */
export const releaseIdSchema = z
  .string()
  .regex(/^\d{8}t\d{6}z-[0-9a-f]{12}$/, 'is no release id (like 20261124t101500z-abc1234def01)')
  .brand('ReleaseId')
export type ReleaseId = z.infer<typeof releaseIdSchema>

const serviceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'is no service name of lower-case letters, digits, - and _')

/** One image of the stack: `digest` is the registry's one-platform manifest, `config` the image configuration that it names. */
export const releaseImageSchema = z.strictObject({
  ref: repositorySchema,
  digest: digestSchema,
  config: digestSchema,
  platform: z.string().regex(/^[a-z0-9]+\/[a-z0-9]+(\/v[0-9]+)?$/),
  /** Null for what nobody has judged. */
  verdict: verdictSchema.nullable(),
})
export type ReleaseImage = z.infer<typeof releaseImageSchema>

/** When a migration runs: expand before a deploy, data after its seal, contract when no offered release needs the old shape. */
export const migrationPhaseSchema = z.enum(['expand', 'data', 'contract'])
export type MigrationPhase = z.infer<typeof migrationPhaseSchema>

/** One migration that a release carries; its file is known by hash. */
export const releaseMigrationSchema = z.strictObject({
  id: z.string(),
  sha256: digestSchema,
  phase: migrationPhaseSchema,
})

export const releaseManifestSchema = z.strictObject({
  schema: z.literal(1),
  id: releaseIdSchema,
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  repository: z.string().min(1).max(200),
  actor: z.string().min(1).max(100),
  run: z.string().max(300),
  created: z.iso.datetime(),
  images: z.record(serviceName, releaseImageSchema),
  migrations: z.array(releaseMigrationSchema),
  stack: digestSchema,
  agent: z.strictObject({ version: z.string().regex(/^\d+\.\d+\.\d+$/), sha256: digestSchema }),
})
export type ReleaseManifest = z.infer<typeof releaseManifestSchema>

/** `release.json` as it is written. */
export function formatManifest(manifest: ReleaseManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/**
 * Reads `release.json` when its bytes are the ones whose digest was kept apart from it.
 * @param kept empty where none was kept
 * @throws Failure `refused` when one byte is another; `bad-input` as {@link parseManifest}
 */
export function readManifest(source: string, bytes: Uint8Array, kept: string): ReleaseManifest {
  const found = sha256(bytes)
  if (found === kept) return parseManifest(source, Buffer.from(bytes).toString('utf8'))
  throw refused(
    `${source} has the hash ${found}, kept of it is ${kept || 'none'}: it was changed, or is of a version that kept none; push the release again`,
  )
}

/**
 * Reads `release.json`.
 * @throws Failure `bad-input` that says which field of `source` is wrong and how.
 */
export function parseManifest(source: string, text: string): ReleaseManifest {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badInput(`${source} is not JSON: it was cut or is not a release manifest`)
  }
  const schema = z.object({ schema: z.unknown() }).safeParse(value)
  if (schema.success && schema.data.schema !== 1) {
    throw badInput(
      `${source} has schema ${JSON.stringify(schema.data.schema)}, this version reads schema 1: bring the same version of pacs-deploy to both sides`,
    )
  }
  const parsed = releaseManifestSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the manifest'}: ${issue.message}`)
  throw badInput(`${source} is no release manifest: ${problems.join('; ')}`)
}

/**
 * The hash of what a release is (all but id, actor, run, created, and when and with which database its images were judged): two builds
 * of the same content are the same release.
 */
export function contentHash(manifest: ReleaseManifest): Digest {
  const { id: _id, actor: _actor, run: _run, created: _created, ...content } = manifest
  const images = Object.entries(content.images).map(([service, { verdict: _verdict, ...image }]) => [service, image])
  return sha256(canonicalJson({ ...content, images: Object.fromEntries(images) }))
}

/**
 * Asks for a verdict on every image of a release: nothing unscanned runs.
 * @throws Failure `refused` that names those without
 */
export function requireVerdicts({ id, images }: ReleaseManifest): void {
  const unjudged = Object.entries(images).flatMap(([service, { verdict }]) => (verdict === null ? [service] : []))
  if (unjudged.length === 0) return
  throw refused(
    `release ${id}: no scan has judged the image of ${unjudged.join(', ')}: build it without \`scan: false\` and push it again`,
  )
}

/** The release id of a commit at a time. */
export function releaseId(commit: string, created: Date): ReleaseId {
  const time = created.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()
  return releaseIdSchema.parse(`${time}z-${commit.slice(0, 12)}`)
}

/** JSON with sorted keys and no spaces, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
