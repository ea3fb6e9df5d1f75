import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, refused, tryRun } from '../lib/index.ts'
import {
  askRegistry,
  formatPinned,
  isIndex,
  type RegistryAccess,
  type ReleaseEvidence,
  readRegistryImage,
  readReleaseEvidence,
  readReleaseManifest,
} from '../release/index.ts'
import type { LastManifest } from './remembered-release.ts'
import { findingNames } from './scan/findings.ts'

/** The tag of the release that was pushed last: only to find it, no server ever runs a tag. */
const LAST = 'last'

export function lastReleaseTag(prefix: string): string {
  return `${prefix}/release:${LAST}`
}

export type LastRelease = LastManifest & ReleaseEvidence

/**
 * The release that was pushed last, with what its verdicts rest on; null when there is none yet.
 * @throws Failure `refused` when the registry does not let us read, or what it has is no release
 */
export async function readLastRelease(prefix: string, access: RegistryAccess): Promise<LastRelease | null> {
  const tag = lastReleaseTag(prefix)
  if (!(await pullTag(tag, access))) return null
  const image = await readRegistryImage(tag, access)
  if (image === null) throw refused(`${tag} was pulled, and now the registry says that there is none: try again`)
  if (image.kind === 'index') throw isIndex(tag)
  const pinned = { repository: `${prefix}/release`, digest: image.digest }
  const into = await mkdtemp(join(tmpdir(), 'pacs-last-'))
  try {
    return { reference: formatPinned(pinned), ...(await readReleaseEvidence({ ...access, pinned, into })) }
  } finally {
    await tryRun('docker', ['image', 'rm', tag], { env: access.env })
    await rm(into, { recursive: true, force: true })
  }
}

/**
 * What the last release is, without what its verdicts rest on; null when the registry shows none.
 * @param remembered not read again when it is the one
 */
export async function readLastManifest(
  prefix: string,
  remembered: LastManifest | null,
  access: RegistryAccess,
): Promise<LastManifest | null> {
  const image = await readRegistryImage(lastReleaseTag(prefix), access)
  if (image?.kind !== 'manifest') return null
  const pinned = { repository: `${prefix}/release`, digest: image.digest }
  if (remembered?.reference === formatPinned(pinned)) return remembered
  const into = await mkdtemp(join(tmpdir(), 'pacs-last-'))
  try {
    return { reference: formatPinned(pinned), manifest: await readReleaseManifest({ ...access, pinned, into }) }
  } finally {
    await rm(into, { recursive: true, force: true })
  }
}

/** By a pull: for the client's own look a registry that forbids is one that has none, and then everything would count as known. */
async function pullTag(tag: string, access: RegistryAccess): Promise<boolean> {
  try {
    return typeof (await askRegistry('pull', tag, ['pull', '--quiet', tag], access)) === 'string'
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.kind !== 'refused') throw thrown
    throw refused(
      `${thrown.message}; what is new in vendors' images is seen by the last release: let this job read it, or set scan-vendors to report until there is one`,
    )
  }
}

/**
 * Names of what a release's scans found, by service: what a vendor's image had then is not new. What a waiver let pass
 * is left out, or it would pass for ever once it was pushed.
 */
export function knownFindings({ manifest, evidence }: ReleaseEvidence): Map<string, ReadonlySet<string>> {
  return new Map(
    Object.entries(evidence).map(([service, { report }]) => {
      const names = findingNames(service, report)
      for (const waived of manifest.images[service]?.verdict?.waived ?? []) names.delete(waived)
      return [service, names]
    }),
  )
}
