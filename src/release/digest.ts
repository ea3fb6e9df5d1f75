import { createHash } from 'node:crypto'
import { z } from 'zod'

/** `sha256:` and 64 lower-case hex digits. */
export const digestSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'is no digest (sha256: and 64 hex digits)')
  .brand('Digest')

/** A content digest as registries write it. */
export type Digest = z.infer<typeof digestSchema>

/** The SHA-256 digest of `bytes`. */
export function sha256(bytes: string | Uint8Array): Digest {
  return digestSchema.parse(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
}
