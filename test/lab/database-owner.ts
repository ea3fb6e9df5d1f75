// Databases belong to the process that started them: what a killed one left is removed by the next one that starts a database.
import { readFile } from 'node:fs/promises'
import { ids, LAB_LABEL } from './docker.ts'
import { removeLab } from './remove.ts'

const OWNER_LABEL = 'pacs-deploy.lab.owner'

/** The label of a container that this process owns. */
export async function ownerLabel(): Promise<string> {
  return `${OWNER_LABEL}=${process.pid}-${await startOf(process.pid)}`
}

export async function removeAbandonedDatabases(): Promise<void> {
  const format = `{{.Label "${LAB_LABEL}"}} {{.Label "${OWNER_LABEL}"}}`
  for (const line of await ids(['ps', '-a', '--filter', `label=${OWNER_LABEL}`, '--format', format])) {
    const [lab = '', owner = ''] = line.split(' ')
    const [pid, started] = owner.split('-')
    if ((await startOf(Number(pid))) !== started) await removeLab(lab)
  }
}

/** When a process was started, in the kernel's ticks: a process id alone is used again. Empty when there is none. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
