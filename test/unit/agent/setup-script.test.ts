// What setup-production.sh makes of its arguments, before it asks anything of the machine; the rest is test/integration/setup*.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const script = join(import.meta.dirname, '../../../deployment/production/scripts/setup-production.sh')
// To nobody but root it says what is wrong with the arguments, and ends.
const ASKED = 'id() { echo 1000; }; uname() { echo x86_64; }; df() { printf "\\n0 0 0 9999999\\n"; }; . "$0"'

/** What it complains of, but for who runs it. */
function complaints(...args: string[]): string[] {
  const { status, stderr } = spawnSync('sh', ['-c', ASKED, script, ...args], { encoding: 'utf8' })
  const lines = stderr.trimEnd().split('\n')
  expect([status, lines.pop()]).toEqual([40, 'setup-production: root is needed: sudo'])
  return lines
}

describe('the arguments of set-up', () => {
  it.each([
    ['--plan', '--undo'],
    ['--undo', '--plan'],
    ['--check', '--apply'],
  ])('are refused with two modes, of which one changes nothing: %s and %s', (first, second) => {
    expect(complaints(first, '--only', 'firewall', second)).toEqual([
      `setup-production: ${first} and ${second}: one of them at a time`,
    ])
  })

  it('may name a mode once, twice or not at all', () => {
    for (const args of [[], ['--plan'], ['--json', '--check', '--check']]) expect(complaints(...args)).toEqual([])
    expect(complaints('--undo', '--only')).toEqual(['setup-production: --only needs a value'])
  })
})
