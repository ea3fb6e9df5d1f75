// The action at the root of the suite: what it does itself, before and between its siblings.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { parseDuration } from '../../../src/lib/index.ts'

const stepSchema = z.looseObject({
  if: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
})
const text = await readFile(join(import.meta.dirname, '../../../action.yml'), 'utf8')
const { steps } = z.object({ runs: z.object({ steps: z.array(stepSchema) }) }).parse(parse(text)).runs
const GOOD = { BACKUP: 'false', WATCH: '60s', HOLD: '5m', KEEP_WARM: '10m', CA_FILE: '' }

describe('the root action', () => {
  const [first, ...siblings] = steps
  let checkout: string
  beforeAll(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'pacs-deploy-root-action-'))
    await writeFile(join(checkout, 'ca.pem'), 'the house\n-----BEGIN CERTIFICATE-----\n')
    await writeFile(join(checkout, 'notes.txt'), 'none\n')
  })
  afterAll(() => rm(checkout, { recursive: true }))

  /** Its first step with these inputs, as a runner starts it. */
  const read = (inputs: Partial<typeof GOOD>) =>
    spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', first?.run ?? 'exit 99'], {
      encoding: 'utf8',
      cwd: checkout,
      env: { ...GOOD, ...inputs },
    })

  it('judges before anything else, without a condition, what only a later step would', () => {
    expect(first?.if).toBeUndefined()
    const input = (name: string) => `\${{ inputs.${name} }}`
    expect(first?.env).toEqual({
      BACKUP: input('backup'),
      WATCH: input('watch'),
      HOLD: input('hold'),
      KEEP_WARM: input('keep-warm'),
      CA_FILE: input('ca-file'),
    })
    expect(siblings.map(({ uses }) => uses)).toEqual(['$/backup', '$/migrate', '$/deploy', '$/health-check'])
    expect(read({})).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })

  it('refuses a backup that is neither true nor false, and names what came', () => {
    for (const backup of ['yes', '1', 'on', '', 'true\n::warning::x']) {
      const { status, stdout } = read({ BACKUP: backup })
      expect([status, stdout.split('\n').length], backup).toEqual([1, 2])
      expect(stdout).toMatch(/^::error::input backup: \S.* is neither true nor false$/m)
    }
    expect(read({ BACKUP: 'yes' }).stdout).toBe('::error::input backup: yes is neither true nor false\n')
  })

  it('takes true and false as every other input does, and backs up where it is true', () => {
    for (const backup of ['true', 'True', 'TRUE', 'false', 'False', 'FALSE'])
      expect(read({ BACKUP: backup }).status).toBe(0)
    expect(siblings[0]?.if).toBe("inputs.backup == 'true'")
  })

  it.each(['60s', '500ms', '1m30s', '0s', '1.5h', ' 5m\n'])('takes %j as a duration, as deploy does', (value) => {
    expect(parseDuration('watch', value.trim())).toBeGreaterThanOrEqual(0)
    expect(read({ WATCH: value }).status).toBe(0)
  })

  it.each(['60', '', '5 m', '1h-', '.5s', '5m\n5', '-1s', '1d', 'ms'])('refuses %j, as deploy does', (value) => {
    expect(() => parseDuration('watch', value.trim())).toThrow('is no duration')
    expect(read({ WATCH: value }).status).toBe(1)
  })

  it('names all at once that is wrong, in a line each', () => {
    expect(read({ BACKUP: 'yes', WATCH: '60', HOLD: '5 min', KEEP_WARM: '', CA_FILE: 'cb.pem' })).toMatchObject({
      status: 1,
      stdout: [
        '::error::input backup: yes is neither true nor false',
        '::error::input watch: 60 is no duration; write for example 500ms, 60s, 1m30s or 2h',
        '::error::input hold: 5\\ min is no duration; write for example 500ms, 60s, 1m30s or 2h',
        "::error::input keep-warm: '' is no duration; write for example 500ms, 60s, 1m30s or 2h",
        '::error::input ca-file: cb.pem cannot be read or holds no certificate in PEM form',
        '',
      ].join('\n'),
    })
  })

  it('takes as a file of authorities what the health check does', () => {
    for (const file of ['ca.pem', ' ./ca.pem\n', join(checkout, 'ca.pem'), ' '])
      expect(read({ CA_FILE: file }).status).toBe(0)
    for (const file of ['notes.txt', '.', '-', '-ca.pem', 'ca.pem\nx', '/nowhere/ca.pem'])
      expect(read({ CA_FILE: file }), file).toMatchObject({ status: 1, stderr: '' })
  })
})
