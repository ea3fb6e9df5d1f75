// The agents of a server: bin/agents/<version>-<first 12 digits of its SHA-256>/index.js. Beside them lie marks, empty files
// named <sha256>.<mark>: `tried` (it was started), `ready` (it once served), `bad` (it ended before it ever served).
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, refused, replaceFile, syncDirectory } from '../../lib/index.ts'
import { type Digest, sha256 } from '../../release/index.ts'

export interface InstalledAgent {
  version: string
  sha256: Digest
  directory: string
  /** The script that `node` runs. */
  file: string
}

export type Mark = 'tried' | 'ready' | 'bad'

const NAME = /^(\d+\.\d+\.\d+)-([0-9a-f]{12})$/

/** Whether version `a` is higher than `b`. */
export function isNewer(a: string, b: string): boolean {
  return compareVersions(a, b) > 0
}

/** The agents below `bin` that are whole, newest first. */
export async function installedAgents(bin: string): Promise<InstalledAgent[]> {
  const names = await readdir(join(bin, 'agents')).catch(() => [])
  const found: InstalledAgent[] = []
  for (const name of names) {
    const [, version, digits] = NAME.exec(name) ?? []
    if (version === undefined || digits === undefined) continue
    const directory = join(bin, 'agents', name)
    const file = join(directory, 'index.js')
    const content = await readFile(file).catch(() => null)
    if (content === null || hexOf(sha256(content)).slice(0, 12) !== digits) continue
    found.push({ version, sha256: sha256(content), directory, file })
  }
  return found.sort((a, b) => compareVersions(b.version, a.version) || (a.sha256 < b.sha256 ? -1 : 1))
}

/**
 * Puts an agent beside the others: whole and durable, or not at all.
 * @returns whether it was not there before.
 * @throws Failure `refused` when the file is not the one that `sha256` names.
 */
export async function installAgent(
  bin: string,
  agent: { file: string; version: string; sha256: Digest },
): Promise<boolean> {
  if (!/^\d+\.\d+\.\d+$/.test(agent.version))
    throw badInput(`agent version ${agent.version} is no version (like 1.2.3)`)
  const content = await readFile(agent.file)
  if (sha256(content) !== agent.sha256) {
    throw refused(`${agent.file} has the hash ${sha256(content)}, expected was ${agent.sha256}`)
  }
  const agents = join(bin, 'agents')
  const directory = join(agents, `${agent.version}-${hexOf(agent.sha256).slice(0, 12)}`)
  if ((await installedAgents(bin)).some((one) => one.directory === directory)) return false
  await mkdir(agents, { recursive: true, mode: 0o750 })
  const beside = await mkdtemp(join(agents, '.new-'))
  try {
    await chmod(beside, 0o750)
    await replaceFile(join(beside, 'index.js'), content, 0o440)
    await rm(directory, { recursive: true, force: true })
    await rename(beside, directory)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  await syncDirectory(agents)
  return true
}

/** Whether an agent carries a mark. */
export async function hasMark(bin: string, digest: Digest, mark: Mark): Promise<boolean> {
  return access(markPath(bin, digest, mark)).then(
    () => true,
    () => false,
  )
}

/** Marks an agent durably. */
export async function setMark(bin: string, digest: Digest, mark: Mark): Promise<void> {
  await replaceFile(markPath(bin, digest, mark), '', 0o640)
}

/** Takes a judgement back: a person installed this agent anew. */
export async function clearMark(bin: string, digest: Digest, mark: Mark): Promise<void> {
  await rm(markPath(bin, digest, mark), { force: true })
}

/** Points `bin/current`, which `pacs-agent` on the command line runs, at an agent. */
export async function setCurrent(bin: string, agent: InstalledAgent): Promise<void> {
  const beside = join(bin, '.current.new')
  await rm(beside, { force: true })
  await symlink(agent.directory.slice(bin.length + 1), beside)
  await rename(beside, join(bin, 'current'))
}

function markPath(bin: string, digest: Digest, mark: Mark): string {
  return join(bin, 'agents', `${hexOf(digest)}.${mark}`)
}

function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}

function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (const [index, part] of left.entries()) if (part !== right[index]) return part - (right[index] ?? 0)
  return 0
}
