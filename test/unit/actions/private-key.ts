import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A fresh private key, and the lines of it that must be seen nowhere. */
export function freshKey(): { text: string; secretLines: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'pacs-key-'))
  try {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(directory, 'key')])
    const text = readFileSync(join(directory, 'key'), 'utf8')
    return { text, secretLines: text.split('\n').filter((line) => line !== '' && !line.startsWith('-----')) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
