import { badInput, Failure } from '../lib/index.ts'
import { JUMP } from './config.ts'
import { fingerprint, type Jump, type Target } from './target.ts'

/** Why a connection did not come about, and whether another attempt can help. */
export interface Refusal {
  failure: Failure
  retry: boolean
}

/** Reads what ssh said (OpenSSH 9.2 to 10.x) before it gave up on `target`. */
export function explainConnect(said: string, target: Target): Refusal {
  const hop = failedHop(said, target)
  const name = nameOf(hop, target)
  const pinned = hop['host-keys'].map(fingerprint).join(', ')
  const final = (message: string): Refusal => ({ failure: badInput(message), retry: false })

  if (/Host key for .* has changed|REMOTE HOST IDENTIFICATION HAS CHANGED/.test(said)) {
    const shown = /\b(SHA256:[A-Za-z0-9+/]{43})/.exec(said)?.[1] ?? 'another key'
    return final(
      `${name} shows the host key ${shown}, pinned is ${pinned}: either the server was set up anew, then put its new key ` +
        'into the environments file, or someone stands between; nothing was sent',
    )
  }
  const unknown = /No (\S+) host key is known for/.exec(said)
  if (unknown || /Host key verification failed/.test(said)) {
    return final(
      `the host key of ${name} is not known${unknown ? ` (it shows a key of type ${unknown[1]})` : ''}, pinned is ${pinned}: ` +
        'read it on the server from /etc/ssh/ssh_host_ed25519_key.pub and put it into the environments file',
    )
  }
  if (/Permission denied|Too many authentication failures/.test(said)) {
    return final(
      `${name} refused the SSH key for user ${hop.user}: is this the key of this environment, and is its public half ` +
        'among the authorized keys there? (not tried again: repeated refusals get an address blocked)',
    )
  }
  if (/no matching (?:host key type|key exchange method|cipher|MAC)/.test(said)) {
    return final(`${name} and this ssh have no algorithm in common (${lastLine(said)}): update the older side`)
  }
  return {
    failure: new Failure('unreachable', `${name} cannot be reached: ${lastLine(said) || 'ssh ended without a word'}`),
    retry: true,
  }
}

/** Reads how a session ended that was to run the agent's end; undefined when it simply ended. */
export function explainSession(code: number | null, said: string, target: Target): Failure | undefined {
  const name = nameOf(target, target)
  if (code === 127 || code === 126 || /pacs-agent: (?:command )?not found/.test(said)) {
    return badInput(
      `${name} has no pacs-agent: set the server up with deployment/production/scripts/setup-production.sh first`,
    )
  }
  if (/administratively prohibited|Session open refused by peer/.test(said)) {
    return new Failure(
      'unreachable',
      `${name} opens no more sessions (${lastLine(said)}): is MaxSessions of its sshd 0?`,
    )
  }
  // 255 is ssh's own: the connection broke, and what the agent does meanwhile is not known from here.
  if (code === 0 || code === 255 || code === null) return undefined
  return new Failure('unreachable', `pacs-agent on ${name} ended with ${code}: ${lastLine(said) || 'no message'}`)
}

/** Reads how a stream to `port` of the server ended that was to reach it; undefined when it simply ended. */
export function explainForward(said: string, port: number, target: Target): Failure | undefined {
  // The client of a shared connection is not told which of the two it was.
  if (!/Session open refused by peer|stdio forwarding failed|administratively prohibited/.test(said)) return undefined
  return new Failure(
    'unreachable',
    `127.0.0.1:${port} on ${nameOf(target, target)} cannot be reached: either nothing listens there, or the sshd there ` +
      `does not permit it to this key (permitopen="127.0.0.1:${port}", set by setup-production.sh)`,
  )
}

/** The machine that ssh speaks of: a jump host's failure is followed by the broken pipe that the server's connection was to go through. */
function failedHop(said: string, target: Target): Jump {
  const { jump } = target
  if (!jump) return target
  const brokenPipe = /UNKNOWN port 65535|Connection closed by remote host|stdio forwarding failed/.test(said)
  const direct = said.includes(JUMP) || brokenPipe
  // The jump host is fine when it was the one that could not open the way on.
  return direct && !/stdio forwarding failed|open failed: connect failed/.test(said) ? jump : target
}

function nameOf(hop: Jump, target: Target): string {
  const address = hop.port === 22 ? hop.host : `${hop.host.includes(':') ? `[${hop.host}]` : hop.host}:${hop.port}`
  return hop === target.jump ? `jump host ${address}` : address
}

function lastLine(said: string): string {
  const lines = said.split(/\r?\n/).filter((line) => line.trim() !== '')
  return (lines.find((line) => /ssh: |connect to host|resolve|open failed/i.test(line)) ?? lines.at(-1) ?? '')
    .trim()
    .slice(0, 300)
}
