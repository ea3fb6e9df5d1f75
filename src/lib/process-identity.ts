import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Names a process so that nothing else is ever taken for it: boot, pid namespace, pid and the moment of its start, of /proc.
 * @returns null where there is no /proc
 */
export function processIdentity(pid: number | 'self' = 'self'): string | null {
  try {
    return `${place()} ${lifeOf(pid)}`
  } catch {
    return null
  }
}

/**
 * Whether the process of an identity has surely ended: it ran in this boot and this pid namespace, and is not there any more.
 * False for everything that cannot be known from here.
 */
export function hasEnded(identity: string): boolean {
  const [boot, namespace, pid = '', start] = identity.split(' ')
  if (!/^\d+$/.test(pid) || start === undefined) return false
  try {
    if (`${boot} ${namespace}` !== place()) return false
  } catch {
    return false
  }
  try {
    return lifeOf(Number(pid)) !== `${pid} ${start}`
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ESRCH')
  }
}

function place(): string {
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
}

/** Pid and start of a process; one that only waits for its parent to look counts as ended. */
function lifeOf(pid: number | 'self'): string {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name may hold anything, parentheses too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ended = fields[0] === 'Z' || fields[0] === 'X'
  return `${text.slice(0, text.indexOf(' '))} ${ended ? 'ended' : fields[19]}`
}
