// The action at the root of the suite: what it does itself, before and between its siblings.
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const stepSchema = z.looseObject({
  if: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
})
const text = await readFile(join(import.meta.dirname, '../../../action.yml'), 'utf8')
const { steps } = z.object({ runs: z.object({ steps: z.array(stepSchema) }) }).parse(parse(text)).runs

describe('the root action', () => {
  const [first, ...siblings] = steps
  /** Its first step with `backup` as that input. */
  const read = (backup: string) =>
    spawnSync('bash', ['-e', '-c', first?.run ?? 'exit 99'], { encoding: 'utf8', env: { BACKUP: backup } })

  it('refuses a backup that is neither true nor false before anything else, and names what came', () => {
    expect(first?.if).toBeUndefined()
    expect(first?.env).toEqual({ BACKUP: '$' + '{{ inputs.backup }}' })
    expect(siblings.map(({ uses }) => uses)).toEqual(['$/backup', '$/migrate', '$/deploy', '$/health-check'])
    for (const backup of ['yes', '1', 'on', '', 'true\n::warning::x']) {
      const { status, stdout } = read(backup)
      expect([status, stdout.split('\n').length], backup).toEqual([1, 2])
      expect(stdout).toMatch(/^::error::input backup: \S.* is neither true nor false$/m)
    }
    expect(read('yes').stdout).toBe('::error::input backup: yes is neither true nor false\n')
  })

  it('takes true and false as every other input does, and backs up where it is true', () => {
    for (const backup of ['true', 'True', 'TRUE', 'false', 'False', 'FALSE']) expect(read(backup).status).toBe(0)
    expect(siblings[0]?.if).toBe("inputs.backup == 'true'")
  })
})
