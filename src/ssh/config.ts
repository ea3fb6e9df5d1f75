import type { Jump, Target } from './target.ts'

/** The names under which the generated files know the two machines; nothing from outside stands in argv. */
export const SERVER = 'pacs-server'
export const JUMP = 'pacs-jump'

/** Files of a connection, relative to its directory, in which every ssh process runs: short socket paths, nothing to quote. */
export const files = { config: 'config', knownHosts: 'known_hosts', key: 'key', control: 'control' } as const

/** Everything that is not said here is off: no agent, no forwarding, no prompt, no host key that was not pinned. */
const COMMON = [
  'BatchMode yes',
  'StrictHostKeyChecking yes',
  `UserKnownHostsFile ${files.knownHosts}`,
  'GlobalKnownHostsFile /dev/null',
  'UpdateHostKeys no',
  'CheckHostIP no',
  'VerifyHostKeyDNS no',
  'CanonicalizeHostname no',
  `IdentityFile ${files.key}`,
  'IdentitiesOnly yes',
  'IdentityAgent none',
  'AddKeysToAgent no',
  'PreferredAuthentications publickey',
  'PasswordAuthentication no',
  'KbdInteractiveAuthentication no',
  'ForwardAgent no',
  'ForwardX11 no',
  'ClearAllForwardings yes',
  'PermitLocalCommand no',
  'Tunnel no',
  'RequestTTY no',
  'EscapeChar none',
  'ConnectTimeout 10',
  'ServerAliveInterval 5',
  'ServerAliveCountMax 3',
  'LogLevel ERROR',
]

/** The ssh_config of a connection. Its values have passed {@link targetSchema}. */
export function renderConfig(target: Target): string {
  const blocks = [
    ...hostBlock(SERVER, target),
    `  ProxyJump ${target.jump ? JUMP : 'none'}`,
    `  ControlPath ./${files.control}`,
    ...(target.jump ? [...hostBlock(JUMP, target.jump), '  ProxyJump none', '  ControlPath none'] : []),
    'Host *',
    ...COMMON.map((line) => `  ${line}`),
  ]
  return `${blocks.join('\n')}\n`
}

/** The known_hosts of a connection: each machine by the name that HostKeyAlias gives it. */
export function renderKnownHosts(target: Target): string {
  const lines = [
    ...target['host-keys'].map((key) => `${SERVER} ${key}`),
    ...(target.jump?.['host-keys'] ?? []).map((key) => `${JUMP} ${key}`),
  ]
  return `${lines.join('\n')}\n`
}

function hostBlock(alias: string, { host, port, user }: Jump): string[] {
  return [`Host ${alias}`, `  HostName ${host}`, `  Port ${port}`, `  User ${user}`, `  HostKeyAlias ${alias}`]
}
