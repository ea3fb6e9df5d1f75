// What was given to set-up, judged: keys and the agent itself.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badInput, Failure, type Problems } from '../../lib/index.ts'
import { sha256 } from '../../release/index.ts'
import { installedAgents, isNewer } from '../install/installed.ts'
import type { Layout } from '../layout.ts'
import { AGENT_VERSION } from '../version.ts'
import { addKeys, linesLost, type NamedKey, parseNamedKey, readKeys } from './authorized-keys.ts'
import { AUTHORIZED_KEYS } from './files.ts'

/** The keys that may deploy here after the set-up: those of before and the given ones. */
export async function judgeKeys(given: readonly string[], problems: Problems): Promise<NamedKey[]> {
  const added = given.map((text) => noting(problems, () => parseNamedKey(text)))
  const content = await readFile(AUTHORIZED_KEYS, 'utf8').catch(() => '')
  for (const line of linesLost(content))
    problems.add(
      `${AUTHORIZED_KEYS}:${line}: this is not as set-up writes it, which would lose what was changed by hand (it keeps from="…" at the beginning of its own lines): take the change out, or the line, and give its key by --key`,
    )
  const present = readKeys(content)
  const known = (await Promise.all(added)).filter((key) => key !== undefined)
  return (await noting(problems, () => addKeys(present, known))) ?? present
}

/** @throws Failure `bad-input` when the installed agent is newer, or another one of the same version. */
export async function judgeAgent({ bin }: Layout, content: Uint8Array): Promise<void> {
  // The copy that set-up itself left there may be older than what releases brought since.
  const launcher = await readFile(join(bin, 'launch.js')).catch(() => null)
  if (launcher?.equals(content)) return
  const [newest] = await installedAgents(bin)
  if (newest && isNewer(newest.version, AGENT_VERSION)) {
    throw badInput(`agent ${newest.version} is installed, this one is ${AGENT_VERSION}: set up with the newer one`)
  }
  if (newest?.version === AGENT_VERSION && newest.sha256 !== sha256(content)) {
    throw badInput(`another agent ${AGENT_VERSION} is installed (${newest.sha256}): give this one a higher version`)
  }
}

/** Adds what a judgement throws as a person's mistake to `problems`, and goes on. */
export async function noting<T>(problems: Problems, judge: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await judge()
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.kind !== 'bad-input') throw thrown
    problems.add(thrown.message)
    return undefined
  }
}

/** The content of a file that was given, if one was. */
export async function contentOf(file: string | undefined): Promise<Uint8Array | undefined> {
  return file === undefined ? undefined : readFile(file)
}
