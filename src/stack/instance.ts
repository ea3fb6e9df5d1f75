import { createHash } from 'node:crypto'
import type { ReleaseId } from '../release/index.ts'

/** What runs: a release with a config revision, `<release id>-<first 8 of the revision>`. */
export function instanceName(release: ReleaseId, configRevision: string): string {
  return `${release}-${configRevision.slice(0, 8)}`
}

/** The first 8 hex digits of the SHA-256 of an instance's name: short enough for projects, services and headers. */
export function i8(instance: string): string {
  return createHash('sha256').update(instance).digest('hex').slice(0, 8)
}

/** Names the instance that answered, as seen from outside: its i8. The file of health checks has it too, for a stack without an agent. */
export const INSTANCE_HEADER = 'X-Pacs-Instance'
