// The record of the installation: what this machine is, and what set-up made of it. An auditor's first question.
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { AGENT_VERSION } from '../version.ts'
import type { NamedKey } from './authorized-keys.ts'
import type { Choices } from './choices.ts'
import { type Host, outputOf } from './host.ts'
import { type Entry, hashOf, RECORD, type SetupRecord } from './record.ts'
import type { Judgement } from './step.ts'

export const INSTALLATION = join(RECORD, 'installation.json')

export interface Installed {
  agent: Uint8Array
  keys: readonly NamedKey[]
  choices: Choices
  steps: readonly Judgement[]
}

/** Writes who set up what, on which system, with the hash, mode and owner of every file of set-up. Secrets are not in it. */
export async function writeInstallation(
  host: Host,
  record: SetupRecord,
  installed: Installed,
  now: Date,
): Promise<void> {
  const said = async (file: string, ...args: string[]) => (await outputOf(host, file, ...args))?.trim() ?? null
  const { agent, keys, choices, steps } = installed
  const content = {
    schema: 1,
    at: now.toISOString(),
    system: parseEnv((await host.read('/etc/os-release'))?.toString() ?? '').PRETTY_NAME ?? null,
    kernel: await said('uname', '-r'),
    docker: await said('docker', 'version', '--format', '{{.Server.Version}}'),
    compose: await said('docker', 'compose', 'version', '--short'),
    agent: { version: AGENT_VERSION, sha256: hashOf(agent) },
    keys: keys.map(({ name, key }) => ({ name, sha256: hashOf(Buffer.from(key.split(' ')[1] ?? '', 'base64')) })),
    choices,
    steps: steps.map(({ id, state, details }) => ({ id, state, details })),
    files: await filesOf(host, await record.entries()),
  }
  await host.write(INSTALLATION, `${JSON.stringify(content, null, 1)}\n`, 0o600)
}

async function filesOf(host: Host, entries: readonly Entry[]) {
  const paths = new Set(entries.flatMap((entry) => (entry.did === 'file' ? [entry.path] : [])))
  const files = []
  for (const path of [...paths].toSorted()) {
    const [content, status] = [await host.read(path), await host.status(path)]
    if (content === null || status === null) continue
    const { mode, uid, gid } = status
    files.push({ path, sha256: hashOf(content), mode: mode.toString(8), uid, gid })
  }
  return files
}
