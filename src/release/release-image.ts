import { chmod, copyFile, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { badInput, refused, run, tryRun } from '../lib/index.ts'
import { sha256 } from './digest.ts'
import { formatManifest, RELEASE_KIND, type ReleaseManifest, readManifest } from './manifest.ts'
import { formatPinned, type PinnedImage } from './reference.ts'
import { askRegistry, isIndex, type RegistryAccess, readRegistryImage } from './registry.ts'
import { listAllFiles, listStackFiles, stackHash } from './stack-files.ts'
import { dockerfileReportFile, type Evidence, evidenceFiles, isEvidenceOf, pageFile } from './verdict.ts'

/** The label that tells a release image from others. */
export const KIND_LABEL = 'org.pacs-deploy.kind'
/** The label with the digest of `release.json`. */
export const MANIFEST_LABEL = 'org.pacs-deploy.manifest'
/** The label of the container that is made to copy files out; one that a crash left behind is found by it. */
export const READING_LABEL = 'org.pacs-deploy.reading'

/** Every file of a release image has this time, so that equal content gives an equal image. */
const FILE_TIME = new Date('2000-01-01T00:00:00Z')

/** Where the parts of a release come from. */
export interface ReleaseParts {
  manifest: ReleaseManifest
  stackDirectory: string
  agentFile: string
  /** What the verdicts rest on, by service. */
  evidence: Readonly<Record<string, Evidence>>
}

/**
 * Lays the files of a release image down in the empty `directory`: `release.json`, `stack/**`, `agent/index.js`, `scan/**`, with
 * modes and times that depend on nothing but the content.
 * @throws Failure `refused` when stack or agent are not those of the manifest.
 */
export async function writeReleaseContext(directory: string, parts: ReleaseParts): Promise<void> {
  const { manifest, stackDirectory, agentFile, evidence } = parts
  const files = await listStackFiles(stackDirectory)
  for (const { path, executable } of files) {
    await place(join(stackDirectory, path), join(directory, 'stack', path), executable)
  }
  await place(agentFile, join(directory, 'agent', 'index.js'), false)
  await mkdir(join(directory, 'scan'), { recursive: true, mode: 0o755 })
  for (const [service, one] of Object.entries(evidence)) {
    for (const [name, text] of evidenceFiles(service, one)) {
      await writeFile(join(directory, 'scan', name), text, { mode: 0o644 })
    }
    for (const [name, text] of [
      [dockerfileReportFile(service), one.dockerfile],
      [pageFile(service), one.page],
    ] as const) {
      if (text !== undefined) await writeFile(join(directory, 'scan', name), text, { mode: 0o644 })
    }
  }
  await writeFile(join(directory, 'release.json'), formatManifest(manifest), { mode: 0o644 })
  await verifyParts(directory, manifest, 'the release')
  await setTimes(directory)
}

/** What was read out of a release image; the files lie in the directory that was given. */
export interface ReadRelease {
  manifest: ReleaseManifest
  /** Of `release.json`, by the image's label. */
  manifestHash: string
  stackDirectory: string
  agentFile: string
}

/**
 * Pulls a release image by digest and copies its files into the empty directory `into`; stack and agent are compared with the manifest.
 * @throws Failure `bad-input` for what is no release image or of another schema, `refused` for an index, a wrong hash (one changed byte of the manifest) or a registry that says no, `error` for one that stays away.
 */
export async function readReleaseImage(
  options: { pinned: PinnedImage; into: string } & RegistryAccess,
): Promise<ReadRelease> {
  const { pinned, into } = options
  const reference = formatPinned(pinned)
  const { manifest, manifestHash } = await copyOut(options, ['release.json', 'stack', 'agent'])
  await verifyParts(into, manifest, reference)
  return { manifest, manifestHash, stackDirectory: join(into, 'stack'), agentFile: join(into, 'agent', 'index.js') }
}

/** The manifest of a release, and what its verdicts rest on. */
export interface ReleaseEvidence {
  manifest: ReleaseManifest
  /** By service. */
  evidence: Readonly<Record<string, Evidence>>
}

/**
 * Reads manifest and evidence out of a release image, without stack and agent.
 * @throws Failure as {@link readReleaseImage}; `refused` when a report is not the one that was judged
 */
export async function readReleaseEvidence(
  options: { pinned: PinnedImage; into: string } & RegistryAccess,
): Promise<ReleaseEvidence> {
  const { manifest } = await copyOut(options, ['release.json', 'scan'])
  const evidence: Record<string, Evidence> = {}
  for (const [service, { verdict }] of Object.entries(manifest.images)) {
    const read = (name: string) => readFile(join(options.into, 'scan', name), 'utf8').catch(() => '')
    const [report = '', sbom = ''] = await Promise.all(evidenceFiles(service).map(([name]) => read(name)))
    const [dockerfile = '', page = ''] = await Promise.all([dockerfileReportFile(service), pageFile(service)].map(read))
    const one = { report, sbom, ...(dockerfile === '' ? {} : { dockerfile }), ...(page === '' ? {} : { page }) }
    if (verdict === null || !isEvidenceOf(verdict, one)) {
      throw refused(
        `${formatPinned(options.pinned)}: the report of its scan of ${service} is not the one of its verdict: push it again`,
      )
    }
    evidence[service] = one
  }
  return { manifest, evidence }
}

/**
 * Reads the manifest alone out of a release image.
 * @throws Failure as {@link readReleaseImage}
 */
export async function readReleaseManifest(options: { pinned: PinnedImage; into: string } & RegistryAccess) {
  return (await copyOut(options, ['release.json'])).manifest
}

/** Pulls a release image and copies `parts` of it into the directory. @returns its manifest, which is one of them, when the label has its hash */
async function copyOut(
  options: { pinned: PinnedImage; into: string } & RegistryAccess,
  parts: readonly string[],
): Promise<Pick<ReadRelease, 'manifest' | 'manifestHash'>> {
  const { pinned, into, env, signal } = options
  const reference = formatPinned(pinned)
  const [image, pulled] = await Promise.all([
    readRegistryImage(reference, options),
    askRegistry('pull', reference, ['pull', '--quiet', reference], options),
  ])
  if (image?.kind === 'index') throw isIndex(reference)
  if (image === null || typeof pulled !== 'string') {
    throw badInput(`${reference}: the registry has no such image; take the output "release" of the push action`)
  }
  const docker = (args: readonly string[]) => run('docker', args, { env, signal })
  const format = '{{json .Config.Labels}}'
  const labels = labelsSchema.parse(JSON.parse(await docker(['image', 'inspect', '--format', format, reference])))
  if (labels?.[KIND_LABEL] !== RELEASE_KIND) {
    throw badInput(
      `${reference} is no release image (no label ${KIND_LABEL}=${RELEASE_KIND}): give the output "release" of the push action`,
    )
  }
  // A scratch image has no command, and create wants one; it never runs.
  const created = await docker(['create', '--label', `${READING_LABEL}=1`, reference, 'none'])
  const container = created.trim()
  try {
    for (const part of parts) {
      const copied = await tryRun('docker', ['cp', `${container}:/${part}`, join(into, part)], { env, signal })
      if (copied.code !== 0) throw badInput(`${reference} is no complete release image: it has no /${part}`)
    }
  } finally {
    await tryRun('docker', ['rm', '--force', '--volumes', container], { env })
  }
  const bytes = await readFile(join(into, 'release.json'))
  const manifestHash = labels[MANIFEST_LABEL] ?? ''
  return { manifest: readManifest(`release.json of ${reference}`, bytes, manifestHash), manifestHash }
}

const labelsSchema = z.record(z.string(), z.string()).nullable()

async function verifyParts(directory: string, manifest: ReleaseManifest, name: string): Promise<void> {
  const stack = stackHash(await listAllFiles(join(directory, 'stack')))
  if (stack !== manifest.stack) {
    throw refused(`${name}: its stack files have the hash ${stack}, its manifest says ${manifest.stack}: push it again`)
  }
  const agent = sha256(await readFile(join(directory, 'agent', 'index.js')))
  if (agent !== manifest.agent.sha256) {
    throw refused(`${name}: its agent has the hash ${agent}, its manifest says ${manifest.agent.sha256}: push it again`)
  }
}

async function place(from: string, to: string, executable: boolean): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o755 })
  await copyFile(from, to)
  await chmod(to, executable ? 0o755 : 0o644)
}

// Parents after their children: writing into a directory changes its time.
async function setTimes(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await setTimes(path)
    await utimes(path, FILE_TIME, FILE_TIME)
  }
}
