import { describe, expect, it } from 'vitest'
import { fingerprint, targetSchema } from '../../../src/ssh/index.ts'
import { ED25519, ED25519_FINGERPRINT, RSA } from './keys.ts'

const good = { host: 'pacs.example.org', user: 'pacs', 'host-keys': [ED25519] }

function problems(target: unknown): string[] {
  const parsed = targetSchema.safeParse(target)
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join('.'))
}

const HOSTILE = [
  '-oProxyCommand=id',
  'a\nProxyCommand id',
  'a\u0000b',
  'a$(id)',
  'a`id`',
  'a;id',
  'a b',
  "a'b",
  'a|b',
  'a%h',
  '',
  '*',
  'a\\b',
  'a"b',
]

describe('target', () => {
  it('takes names, addresses, ports and several host keys', () => {
    for (const host of ['pacs', 'a-b.example.org', '10.0.0.1', 'fe80::1', '2001:db8::10.0.0.1', '::1']) {
      expect(problems({ ...good, host }), host).toEqual([])
    }
    expect(targetSchema.parse(good).port).toBe(22)
    expect(problems({ ...good, 'host-keys': [`${ED25519} root@server`, RSA], port: 2222 })).toEqual([])
  })

  it.each(HOSTILE)('refuses %j as host, user, and host or user of a jump host', (text) => {
    expect(problems({ ...good, host: text })).toEqual(['host'])
    expect(problems({ ...good, user: text })).toEqual(['user'])
    expect(problems({ ...good, jump: { ...good, host: text } })).toEqual(['jump.host'])
    expect(problems({ ...good, jump: { ...good, user: text } })).toEqual(['jump.user'])
  })

  it.each([0, 65536, 1.5, -1, '22', '22 -oProxyCommand=id', null])('refuses the port %j', (port) => {
    expect(problems({ ...good, port })).toEqual(['port'])
  })

  it.each([
    '',
    'ssh-ed25519',
    'ssh-ed25519 not-base64!',
    `${RSA.replace('ssh-rsa', 'ssh-ed25519')}`,
    `${ED25519}\nevil ${RSA}`,
    `@cert-authority * ${ED25519}`,
    `* ${ED25519}`,
    `pacs.example.org ${ED25519}`,
  ])('refuses the host key %j', (key) => {
    expect(problems({ ...good, 'host-keys': [key] })).toEqual(['host-keys.0'])
  })

  it('refuses a server without a pinned host key, and unknown fields', () => {
    expect(problems({ ...good, 'host-keys': [] })).toEqual(['host-keys'])
    expect(problems({ ...good, proxy: 'x' })).toEqual([''])
  })

  it('prints the fingerprint that ssh-keygen prints', () => {
    expect(fingerprint(ED25519)).toBe(ED25519_FINGERPRINT)
  })
})
