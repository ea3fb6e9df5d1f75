import { badInput } from '../../lib/index.ts'
import { CONSOLE_KEY, KEY_NAME } from '../api/listen.ts'

export interface NamedKey {
  name: string
  /** Type and body, without comment. */
  key: string
  /** The addresses that a person let it come from, as sshd reads them. */
  from?: string
}

/** The name of the key by which set-up proves a login; it is there for that moment only. */
export const PROOF_KEY = 'pacs-setup-proof'

const PUBLIC_KEY =
  /^(ssh-ed25519|sk-ssh-ed25519@openssh\.com|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa) ([A-Za-z0-9+/]+={0,3})(?: .*)?$/

/**
 * Reads `name=ssh-ed25519 AAAA… comment`.
 * @throws Failure `bad-input` for another form, a private key, or a name that the audit could not tell from a person at the console.
 */
export function parseNamedKey(text: string): NamedKey {
  if (text.includes('PRIVATE KEY'))
    throw badInput('--key: this is a private key; give the public one (the file that ends in .pub)')
  const equals = text.indexOf('=')
  const name = text.slice(0, Math.max(equals, 0))
  if (!KEY_NAME.test(name) || [CONSOLE_KEY, PROOF_KEY].includes(name)) {
    throw badInput(`--key: ${JSON.stringify(name)} is no name for a key; write --key 'ci-staging=ssh-ed25519 AAAA…'`)
  }
  const [, type, body] = PUBLIC_KEY.exec(text.slice(equals + 1).trim()) ?? []
  if (type === undefined || body === undefined || Buffer.from(body, 'base64').length < 32) {
    throw badInput(`--key ${name}: is no public key in one line; write --key '${name}=ssh-ed25519 AAAA…'`)
  }
  return { name, key: `${type} ${body}` }
}

const LINE = /^(?:from="([^"]+)",)?restrict,.*command="\/usr\/local\/bin\/pacs-agent ssh --key ([^" ]+)" (.+)$/

/** The keys of an authorized_keys file that `renderKeys` wrote; not one that a cut proof of a login left there. */
export function readKeys(content: string): NamedKey[] {
  return content.split('\n').flatMap((line) => {
    const [, from, name, key] = LINE.exec(line) ?? []
    if (name === undefined || key === undefined || name === PROOF_KEY) return []
    return [{ name, key, ...(from === undefined ? {} : { from }) }]
  })
}

/** The lines, counted from 1, of which `readKeys` and `renderKeys` would lose something: no release wrote them so, a person did. */
export function linesLost(content: string): number[] {
  return content.split('\n').flatMap((line, index) => {
    const isKey = /^\s*[^#\s]/.test(line) && LINE.exec(line)?.[2] !== PROOF_KEY
    const kept = readKeys(line).map(renderKey)
    return isKey && !kept.includes(line) ? [index + 1] : []
  })
}

/**
 * Adds keys; one of a known name is replaced, and may come from where that one might.
 * @throws Failure `bad-input` when one key is to have two names: the audit would not know whose it is.
 */
export function addKeys(present: readonly NamedKey[], added: readonly NamedKey[]): NamedKey[] {
  const keys = new Map(present.map((one) => [one.name, one]))
  for (const one of added) keys.set(one.name, { ...keys.get(one.name), ...one })
  const names = new Map<string, string>()
  for (const { name, key } of keys.values()) {
    const other = names.get(key)
    if (other !== undefined) throw badInput(`--key ${name}: the same key is called ${other}; one key has one name`)
    names.set(key, name)
  }
  return [...keys.values()]
}

/** The file that lets each key do two things: speak to the agent, and open the one forward to the database. */
export function renderKeys(keys: readonly NamedKey[]): string {
  return ['# Written by pacs-agent setup; add keys with setup-production.sh --key.', ...keys.map(renderKey), ''].join(
    '\n',
  )
}

function renderKey({ name, key, from }: NamedKey): string {
  const source = from === undefined ? '' : `from="${from}",`
  return `${source}restrict,port-forwarding,permitopen="127.0.0.1:27017",command="/usr/local/bin/pacs-agent ssh --key ${name}" ${key}`
}
