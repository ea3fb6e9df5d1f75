import { existsSync } from 'node:fs'
import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { LabError } from './errors.ts'

const machine = z.object({
  name: z.string(),
  container: z.string(),
  /** Port inside → port on the host's loopback. */
  ports: z.record(z.string(), z.number().int()),
  /** The ed25519 host key, `ssh-ed25519 AAAA…`. */
  hostKey: z.string(),
})

/** What a lab writes down about itself, so that another process can reach it. */
export const labRecord = z.object({
  name: z.string(),
  network: z.string(),
  created: z.string(),
  registry: z.object({ container: z.string(), port: z.number().int() }),
  servers: z.array(machine),
  runner: machine.optional(),
})
export type LabRecord = z.infer<typeof labRecord>
export type MachineRecord = z.infer<typeof machine>

/** A folder of this user alone, outside the repository: keys lie in it. @throws LabError when someone else made it */
export async function stateRoot(): Promise<string> {
  const uid = process.getuid?.() ?? 0
  const root = join(tmpdir(), `pacs-deploy-lab-${uid}`)
  await mkdir(root, { recursive: true, mode: 0o700 })
  const found = await lstat(root)
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new LabError(`${root} must be a folder of this user alone (0700): remove it and try again`)
  }
  return root
}

/** Where the lab `name` keeps its keys, certificates and record. */
export async function stateFolder(name: string): Promise<string> {
  return join(await stateRoot(), 'labs', name)
}

/** Makes the folder of a new lab. @throws LabError when a lab of this name exists or the name is no host name part */
export async function claimStateFolder(name: string): Promise<string> {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) {
    throw new LabError(`a lab cannot be named "${name}": use up to 31 of a-z, 0-9 and "-"`)
  }
  const folder = await stateFolder(name)
  await mkdir(join(await stateRoot(), 'labs'), { recursive: true, mode: 0o700 })
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (thrown) {
    if (!existsSync(folder)) throw thrown
    throw new LabError(`a lab named ${name} exists: npm run lab -- down --name ${name}`)
  }
  return folder
}

export async function writeRecord(folder: string, record: LabRecord): Promise<void> {
  await writeFile(join(folder, 'lab.json'), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
}

/** @returns nothing when the lab is not up: never started, still starting, or killed while it started. */
export async function readRecord(name: string): Promise<LabRecord | undefined> {
  const file = join(await stateFolder(name), 'lab.json')
  if (!existsSync(file)) return undefined
  return labRecord.parse(JSON.parse(await readFile(file, 'utf8')))
}

/** Names of all labs that left a folder, up or not. */
export async function knownLabs(): Promise<string[]> {
  const folder = join(await stateRoot(), 'labs')
  return existsSync(folder) ? (await readdir(folder)).sort() : []
}

export async function removeState(name: string): Promise<void> {
  await rm(await stateFolder(name), { recursive: true, force: true })
}
