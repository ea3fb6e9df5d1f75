import { badInput } from '../lib/index.ts'

const OPENSSH = /^-----BEGIN OPENSSH PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END OPENSSH PRIVATE KEY-----\n$/
const PEM = /^-----BEGIN (?:RSA |EC |)PRIVATE KEY-----\n[\s\S]+\n-----END (?:RSA |EC |)PRIVATE KEY-----\n$/
const MAGIC = 'openssh-key-v1\0'

/**
 * The text of a private key as ssh wants it: line ends of Unix and one at the end, which a pasted secret often lacks.
 * @throws Failure `bad-input` that names `name` and says what is wrong, never what the key is.
 */
export function normalizePrivateKey(name: string, text: string): string {
  const key = `${text.replaceAll('\r\n', '\n').trim()}\n`
  if (key.trim() === '') throw badInput(`${name} is empty: is the secret set in this environment?`)
  if (key.startsWith('PuTTY-User-Key-File')) {
    throw badInput(`${name} is a key of PuTTY: convert it with puttygen -O private-openssh`)
  }
  if (/^(?:ssh-|ecdsa-|sk-)/.test(key)) {
    throw badInput(`${name} is a public key: the private one is the file without .pub`)
  }
  if (/^-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/m.test(key) || cipherOf(key) === 'encrypted') {
    throw badInput(
      `${name} has a passphrase, which nobody can type in a job: make a key for this purpose with ssh-keygen -t ed25519 -N ''`,
    )
  }
  if (cipherOf(key) !== 'none' && !PEM.test(key)) {
    throw badInput(
      `${name} is no private key that OpenSSH reads: it begins with "-----BEGIN OPENSSH PRIVATE KEY-----", ` +
        'has its line breaks, and ends with the END line (was it cut when it was pasted?)',
    )
  }
  return key
}

/** What an OpenSSH key file says of its encryption (PROTOCOL.key: magic, then the name of the cipher). */
function cipherOf(key: string): 'none' | 'encrypted' | undefined {
  const bytes = Buffer.from(OPENSSH.exec(key)?.[1] ?? '', 'base64')
  if (!bytes.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC)) || bytes.length < MAGIC.length + 8) return undefined
  const length = bytes.readUInt32BE(MAGIC.length)
  const cipher = bytes.subarray(MAGIC.length + 4, MAGIC.length + 4 + length).toString('latin1')
  return cipher === 'none' ? 'none' : 'encrypted'
}
