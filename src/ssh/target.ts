import { createHash } from 'node:crypto'
import { z } from 'zod'

// Narrower than what OpenSSH takes on purpose: nothing that passes here can be an option, a second line of a
// configuration, or mean something to a shell (ProxyJump runs one).
const NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/
const IPV6 = /^(?=.{2,45}$)[0-9A-Fa-f]*:[0-9A-Fa-f:]*(?:\d{1,3}(?:\.\d{1,3}){3})?$/
const USER = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/
const KEY_TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa']

export const hostSchema = z
  .string()
  .refine(
    (host) => NAME.test(host) || IPV6.test(host),
    'is no host name or address (letters, digits, dots and inner hyphens)',
  )

export const userSchema = z.string().regex(USER, 'is no user name (letters, digits, _, . and -, not first)')

export const portSchema = z.number().int().min(1, 'is no port (1 to 65535)').max(65535, 'is no port (1 to 65535)')

/** A public host key as the server's `/etc/ssh/ssh_host_*_key.pub` holds it; a comment behind it is left out. */
export const hostKeySchema = z.string().transform((value, context) => {
  const line = value.trim()
  const [type = '', body = '', ...rest] = line.split(/ +/)
  if (KEY_TYPES.includes(body)) {
    context.addIssue('begins with a host name; write the key alone: type and base64, like "ssh-ed25519 AAAA…"')
    return z.NEVER
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  const plain = !/[\u0000-\u001f\u007f]/.test(line) && /^[A-Za-z0-9+/]+={0,2}$/.test(body)
  if (!plain || !KEY_TYPES.includes(type) || keyTypeOf(body) !== type || rest.length > 3) {
    context.addIssue(`is no host key; write type and base64 of one of: ${KEY_TYPES.join(', ')}`)
    return z.NEVER
  }
  return `${type} ${body}`
})

const hop = {
  host: hostSchema,
  port: portSchema.default(22),
  user: userSchema,
  'host-keys': z.array(hostKeySchema).min(1, 'is empty: a server without a pinned host key could be any server'),
}

/** A machine on the way to the server. */
export const jumpSchema = z.strictObject(hop)

/** How a server is reached. */
export const targetSchema = z.strictObject({ ...hop, jump: jumpSchema.optional() })

export type Jump = z.infer<typeof jumpSchema>
export type Target = z.infer<typeof targetSchema>

/** `SHA256:…` of a public key line, as ssh-keygen prints it. */
export function fingerprint(publicKey: string): string {
  const body = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64')
  return `SHA256:${createHash('sha256').update(body).digest('base64').replace(/=+$/, '')}`
}

/** The key type that the encoded key itself names: RFC 4253 strings begin with their length. */
function keyTypeOf(base64: string): string {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length < 4) return ''
  return bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('latin1')
}
