import { expect, it } from 'vitest'
import { cancelledText } from '../../../src/actions/cancelled.ts'

const release = `ghcr.io/org/pacs/release@sha256:${'1'.repeat(64)}`
const asked = { release, actor: 'octocat' }
const goesOn = (kind: string) => `cancelled here, not on the server: ${kind} goes on there if it was accepted`
const follow = 'on the server: pacs-agent follow id-1 shows it'
const abort = `${follow}, pacs-agent abort id-1`
const verify = { backup: 'newest', repository: 'first', through: 'L6' } as const

it.each([
  ['deploy', { kind: 'deploy', ...asked }, `${goesOn('deploy')}; ${abort} undoes it`],
  ['rollback', { kind: 'rollback', reason: 'x', actor: 'octocat' }, `${goesOn('rollback')}; ${abort} undoes it`],
  [
    'data migration',
    { kind: 'migrate', phase: 'data', ...asked },
    `${goesOn('migrate')}; ${abort} stops it between two batches, and what is applied by then stays`,
  ],
  [
    'expand',
    { kind: 'migrate', phase: 'expand', ...asked },
    `cancelled: an expand ends with the job that asked; the ledger in the database says what is applied, and the next run goes on from there; a backup before it goes on, and counts for an hour from its end; ${follow}`,
  ],
  [
    'plan',
    { kind: 'migrate', phase: 'contract', plan: true, ...asked },
    `cancelled: a plan ends with the job that asked, and has written nothing; ${follow}`,
  ],
  ['core', { kind: 'core', ...asked }, `${goesOn('core')} and cannot be broken off; ${follow}`],
  ['backup', { kind: 'backup', actor: 'octocat' }, `${goesOn('backup')}; ${abort} ends it`],
  ['verification', { kind: 'verify', ...verify, actor: 'octocat' }, `${goesOn('verify')}; ${abort} ends it`],
] as const)('a cancelled job promises of its %s what the agent does', (_what, request, text) => {
  expect(cancelledText(request, 'id-1')).toBe(text)
})
