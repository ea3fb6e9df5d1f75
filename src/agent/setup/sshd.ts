// What sshd says of itself, and how it is told.
import { Failure } from '../../lib/index.ts'
import { type Host, outputOf } from './host.ts'
import { hasUnit } from './items.ts'

/** sshd's effective settings, names in lower case. @param user for whom; `Match` blocks are taken into account */
export async function effectiveSettings(host: Host, user?: string): Promise<ReadonlyMap<string, string>> {
  const who = user === undefined ? [] : ['-C', `user=${user},host=localhost,addr=127.0.0.1`]
  const said = await outputOf(host, 'sshd', '-T', ...who)
  if (said === null) throw new Failure('error', 'sshd does not accept its configuration: sshd -t says where')
  const settings = new Map<string, string>()
  for (const line of said.split('\n')) {
    const space = line.indexOf(' ')
    const name = line.slice(0, space)
    // Those that may come several times are joined.
    const before = settings.get(name)
    if (space > 0)
      settings.set(name, before === undefined ? line.slice(space + 1) : `${before} ${line.slice(space + 1)}`)
  }
  return settings
}

/** The ports that sshd listens on. */
export async function sshPorts(host: Host): Promise<number[]> {
  const settings = await effectiveSettings(host)
  const ports = (settings.get('port') ?? '22').split(' ').map(Number)
  const listening = (settings.get('listenaddress') ?? '')
    .split(' ')
    .flatMap((address) => /:(\d+)$/.exec(address)?.[1] ?? [])
  return [...new Set([...ports, ...listening.map(Number), ...(await heldPorts(host))])].toSorted((a, b) => a - b)
}

/** Where sshd listens now for others than this machine: options of its command line stand in no configuration. */
async function heldPorts(host: Host): Promise<number[]> {
  const said = (await outputOf(host, 'ss', '-Htlnp')) ?? ''
  return said.split('\n').flatMap((line) => {
    const [, address = '', port] = /\s(\S+):(\d+)\s+\S+:\*\s.*"sshd"/.exec(line) ?? []
    return port === undefined || address.startsWith('127.') || address === '[::1]' ? [] : [Number(port)]
  })
}

/** The command that makes sshd read its configuration anew, without ending a session. */
export async function reloadSshd(host: Host): Promise<readonly [string, ...string[]]> {
  return ['systemctl', 'reload', (await hasUnit(host, 'ssh.service')) ? 'ssh' : 'sshd']
}
