import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  formatPinned,
  isIndex,
  type RegistryAccess,
  type ReleaseEvidence,
  readRegistryImage,
  readReleaseEvidence,
} from '../release/index.ts'
import { findingNames } from './scan/findings.ts'

/** The tag of the release that was pushed last: only to find it, no server ever runs a tag. */
const LAST = 'last'

export function lastReleaseTag(prefix: string): string {
  return `${prefix}/release:${LAST}`
}

export interface LastRelease extends ReleaseEvidence {
  /** By digest. */
  reference: string
}

/**
 * The release that was pushed last, with what its verdicts rest on; null when there is none yet.
 * @throws Failure `refused` when the registry does not let us read, or what it has is no release
 */
export async function readLastRelease(prefix: string, access: RegistryAccess): Promise<LastRelease | null> {
  const tag = lastReleaseTag(prefix)
  const image = await readRegistryImage(tag, access)
  if (image === null) return null
  if (image.kind === 'index') throw isIndex(tag)
  const pinned = { repository: `${prefix}/release`, digest: image.digest }
  const into = await mkdtemp(join(tmpdir(), 'pacs-last-'))
  try {
    return { reference: formatPinned(pinned), ...(await readReleaseEvidence({ ...access, pinned, into })) }
  } finally {
    await rm(into, { recursive: true, force: true })
  }
}

/** Names of all that a release's scans found, by service: what a vendor's image had then is not new. */
export function knownFindings({ evidence }: ReleaseEvidence): Map<string, ReadonlySet<string>> {
  return new Map(Object.entries(evidence).map(([service, { report }]) => [service, findingNames(service, report)]))
}
