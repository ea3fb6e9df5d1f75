import { docker, ids, LAB_LABEL } from './docker.ts'
import { knownLabs, removeState } from './state.ts'

/** Removes all that the lab `name` made, by label, whatever state it is in and whoever started it. */
export async function removeLab(name: string): Promise<void> {
  const filter = ['--filter', `label=${LAB_LABEL}=${name}`]
  const containers = await ids(['ps', '-aq', ...filter])
  // One after the other, as a single command removes them, each waits for the files of the one before.
  await Promise.all(containers.map((container) => docker(['rm', '-fv', container])))
  for (const kind of ['network', 'volume'] as const) {
    const found = await ids([kind, 'ls', '-q', ...filter])
    if (found.length > 0) await docker([kind, 'rm', ...found])
  }
  await removeState(name)
}

/** Names of all labs of this machine that left anything: containers, networks or a folder. */
export async function allLabs(): Promise<string[]> {
  const format = ['--filter', `label=${LAB_LABEL}`, '--format', `{{.Label "${LAB_LABEL}"}}`]
  const named = [...(await ids(['ps', '-a', ...format])), ...(await ids(['network', 'ls', ...format]))]
  return [...new Set([...named, ...(await knownLabs())])].sort()
}
