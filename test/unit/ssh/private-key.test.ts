import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { normalizePrivateKey } from '../../../src/ssh/index.ts'

let directory = ''

function makeKey(name: string, ...options: string[]): string {
  const path = join(directory, name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path, ...options])
  return readFileSync(path, 'utf8')
}

function refusal(text: string): string {
  try {
    normalizePrivateKey('input ssh-key', text)
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : ''
  }
  return ''
}

describe('private key', () => {
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'pacs-keys-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  it('takes keys of OpenSSH and PEM, with the line ends and the missing last one of a pasted secret', () => {
    const key = makeKey('plain')
    expect(normalizePrivateKey('k', key)).toBe(key)
    expect(normalizePrivateKey('k', ` \r\n${key.replaceAll('\n', '\r\n').trim()}`)).toBe(key)
    const pem = makeKey('pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM')
    expect(normalizePrivateKey('k', pem)).toBe(pem)
  })

  it('refuses a key with a passphrase, in either format', () => {
    for (const key of [
      makeKey('locked', '-N', 'words'),
      makeKey('locked-pem', '-t', 'rsa', '-N', 'words', '-m', 'PEM'),
    ]) {
      expect(refusal(key)).toMatch(/^input ssh-key has a passphrase, which nobody can type in a job: make a key/)
    }
  })

  it('tells the usual mix-ups apart, and shows nothing of the text', () => {
    const key = makeKey('mixed')
    const body = key.split('\n')[1] ?? ''
    expect(refusal('')).toMatch(/is empty: is the secret set in this environment\?/)
    expect(refusal(readFileSync(join(directory, 'mixed.pub'), 'utf8'))).toMatch(/is a public key/)
    expect(refusal('PuTTY-User-Key-File-3: ssh-ed25519')).toMatch(/puttygen -O private-openssh/)
    for (const wrong of [key.replaceAll('\n', ' '), key.slice(0, 200), key.replaceAll('\n', '\\n'), 'words']) {
      expect(refusal(wrong)).toMatch(/is no private key that OpenSSH reads/)
      expect(refusal(wrong)).not.toContain(body.slice(0, 20))
    }
  })
})
