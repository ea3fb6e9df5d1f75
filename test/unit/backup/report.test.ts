import { expect, it } from 'vitest'
import { runLevel, skipLevel } from '../../../src/backup/level.ts'
import { type Verification, verificationMarkdown, verificationSchema } from '../../../src/backup/report.ts'
import { Failure } from '../../../src/lib/index.ts'

const report: Verification = verificationSchema.parse({
  schema: 1,
  backup: '20261124t101500z-1f2e3d4c',
  host: 'pacs1',
  repository: '/opt/pacs/backups/repository',
  startedAt: '2026-11-24T12:00:00.000Z',
  finishedAt: '2026-11-24T12:01:00.000Z',
  outcome: 'failed',
  levels: [
    { level: 'L1', outcome: 'passed', checked: 1, findings: [], seconds: 75 },
    {
      level: 'L4',
      outcome: 'failed',
      checked: 3000,
      findings: ['reports:\n| a | line |', ...Array.from({ length: 11 }, (_, at) => `finding ${at}`)],
      seconds: 0.2,
    },
    skipLevel('L5', 'nothing was restored'),
  ],
  holds: { collections: 1, documents: 3000, instances: 0, files: 0, keys: 0 },
  oneMoment: ['pacs: all collections as of cluster time 1.1'],
  leftOut: ['database other: only pacs belongs to the stack'],
})

it('says in its first line whether a backup restores, and of many findings the first, each on one line', () => {
  const lines = verificationMarkdown(report).split('\n')
  expect(lines[0]).toMatch(/^### ❌ Backup `20261124t101500z-1f2e3d4c` does \*\*not\*\* prove its restore$/)
  expect(lines[2]).toMatch(/; of the server `pacs1`, from `\/opt\/pacs\/backups\/repository`\.$/)
  expect(lines).toContain('| L1 | every stored byte is whole | ✅ passed | 1 | 75 s |')
  expect(lines.filter((line) => line.startsWith('- L4: '))).toEqual([
    '- L4: reports: | a | line |',
    ...Array.from({ length: 9 }, (_, at) => `- L4: finding ${at}`),
    '- L4: and 2 more',
  ])
  expect(lines).toContain('- L5: nothing was restored')
  expect(verificationMarkdown({ ...report, outcome: 'passed' })).toMatch(/^### ✅ .* restores, and nothing is lost\n/)
})

it.each([
  ['a report of another kind', { schema: 2 }],
  ['a level that is none', { levels: [{ level: 'L7', outcome: 'passed', checked: 0, findings: [], seconds: 0 }] }],
  ['a count below nothing', { levels: [{ level: 'L1', outcome: 'passed', checked: -1, findings: [], seconds: 0 }] }],
  ['an outcome that nobody knows', { outcome: 'green' }],
])('is not read from %s', (_, change) => {
  expect(verificationSchema.safeParse({ ...report, ...change }).success).toBe(false)
})

it('counts damage as a finding, and passes on what only kept a level from being judged', async () => {
  const level = (thrown: unknown) => runLevel('L2', new AbortController().signal, () => Promise.reject(thrown))
  expect(await level(new Failure('unhealthy', 'pack ab is damaged'))).toMatchObject({
    outcome: 'failed',
    findings: ['pack ab is damaged'],
  })
  expect(await level(new Error('index is malformed'))).toMatchObject({ outcome: 'failed' })
  for (const kind of ['locked', 'unreachable', 'refused', 'error'] as const) {
    await expect(level(new Failure(kind, 'the disk is full'))).rejects.toMatchObject({ kind })
  }
  const stopped = AbortSignal.abort(new Failure('refused', 'an abort was asked for'))
  await expect(runLevel('L1', stopped, () => ({ checked: 1, findings: [] }))).rejects.toMatchObject({ kind: 'refused' })
})
