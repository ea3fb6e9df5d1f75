import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { inTurn } from '../../../src/actions/in-turn.ts'
import { type Asked, issuesOf } from '../../../src/actions/verification-report.ts'
import { openSocket } from '../../../src/agent/client.ts'
import type { TransactionResult, VerificationView } from '../../../src/agent/protocol.ts'
import { Failure, type FailureKind } from '../../../src/lib/index.ts'
import { keepIssue, log } from '../../../src/runner/index.ts'
import { FakeGitHub } from '../../github/fake-api.ts'
import { endingWith } from './ending.ts'
import { freshKey } from './private-key.ts'
import { type Server, startServer } from './server.ts'

const key = freshKey()
const id = '20261124t013000z-0a1b2c3d'
const PATIENT = 'Doe^Jane 1970-01-01'

let github: FakeGitHub
let server: Server

beforeEach(async () => {
  github = await FakeGitHub.start()
  server = await startServer(key.text)
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await github[Symbol.asyncDispose]()
})

const level = (name: string, proves: string, findings: string[] = [], lost = 0): VerificationView['levels'][number] => {
  const outcome = findings.length === 0 ? 'passed' : 'failed'
  return { level: name, proves, outcome, checked: 1200, lost, found: findings.length, findings, seconds: 3.2 }
}

function verification(outcome: 'passed' | 'failed', ...levels: VerificationView['levels']): TransactionResult {
  const found: VerificationView = {
    ...{ backup: id, repository: '/opt/pacs/backups/repository', outcome, lost: outcome === 'passed' ? 0 : 1, levels },
    ...{ startedAt: '2026-11-24T03:30:00.000Z', finishedAt: '2026-11-24T03:31:00.000Z', holds: { documents: 1200 } },
  }
  const passed = outcome === 'passed'
  const message = passed
    ? `backup ${id} restores: 1200 documents`
    : `backup ${id} does not prove its restore: L4 failed: ${PATIENT}`
  return { outcome: passed ? 'done' : 'unhealthy', message, verification: found, serving: null, previous: null }
}

const whole = verification('passed', level('L0', 'is young'), level('L4', 'same documents'))
const torn = verification(
  'failed',
  level('L2', 'restores'),
  level('L4', 'same documents', ['reports: holds 1199 documents, 1200 were backed up'], 1),
  level('L5', 'answers', [`every signature names a report: ${PATIENT} does not`]),
)

const run = (inputs: Record<string, string> = {}, token = '') => {
  const more = { env: { GITHUB_API_URL: github.url }, secrets: [key.text, github.token] }
  return server.run('verify-backup', { 'issue-token': token, ...inputs }, more)
}

const running = () => new Failure('locked', 'verification nightly of timer runs: wait for it, or follow it')

describe('verify-backup', () => {
  it('asks for a proof on every level, and says level by level what it found', async () => {
    endingWith(server, whole)
    const step = await run()
    expect(step.log.messages('error')).toEqual([])
    expect(step.code).toBe(0)
    expect(server.daemon.service.submitted[0]?.request).toEqual({
      ...{ kind: 'verify', backup: 'newest', repository: 'first', through: 'L6', actor: 'octocat' },
      run: 'https://github.com/org/pacs/actions/runs/4711/attempts/1',
    })
    expect(step.summary).toMatch(/^### ✅ Verify the newest backup of staging\n\nbackup .* restores: 1200 documents/)
    expect(step.summary).toContain('| L4 same documents | ✅ 1200 compared, 3.2 s |')
    expect(step.outputs).toMatchObject({ outcome: 'done', backup: id, proved: 'true', lost: '0', 'exit-class': '0' })
    expect(JSON.parse(await readFile(step.outputs.report ?? '', 'utf8'))).toEqual(whole.verification)
    expect(step.log.shown.join('\n')).toContain('no GitHub issue is kept of this: the input issue-token is not set')
    expect(github.requests).toEqual([])
  })

  it('asks once more for a proof that the end of the agent interrupted', async () => {
    endingWith(server, whole)
    server.daemon.service.interruptions = 1
    const step = await run()
    expect([step.code, step.outputs.outcome, step.outputs.proved]).toEqual([0, 'done', 'true'])
    expect(step.log.messages('error')).toEqual([])
    expect(server.daemon.service.submitted).toHaveLength(2)
    server.daemon.service.interruptions = 2
    expect((await run()).outputs).toMatchObject({ outcome: 'refused', 'exit-class': '10' })
  })

  it('is red for one lost document, with what was lost in summary and report', async () => {
    endingWith(server, torn)
    const limits = { 'max-age': '48h', 'newest-within': '24h', 'restore-within': '1h' }
    const step = await run({ backup: id, repository: 'second', through: 'L6', ...limits })
    expect(step.code).toBe(1)
    expect(server.daemon.service.submitted[0]?.request).toMatchObject({
      ...{ backup: id, repository: 'second', through: 'L6', maxAge: 172_800_000 },
      ...{ newestWithin: 86_400_000, restoreWithin: 3_600_000 },
    })
    expect(step.outputs).toMatchObject({ outcome: 'unhealthy', proved: 'false', lost: '1', 'exit-class': '11' })
    expect(step.log.messages('error')).toHaveLength(1)
    expect(step.summary).toContain(
      '| L4 same documents | ❌ reports: holds 1199 documents, 1200 were backed up, 3.2 s |',
    )
    expect(JSON.parse(await readFile(step.outputs.report ?? '', 'utf8'))).toMatchObject({ outcome: 'failed' })
  })

  it('opens an issue when red, and says what the token lacks without changing what became of the proof', async () => {
    endingWith(server, torn)
    const red = await run({}, github.token)
    expect(red.code).toBe(1)
    expect(red.summary).toContain('opened: https://github.com/org/pacs/issues/1')
    endingWith(server, whole)
    github.troubles.push(['GET', { status: 403 }])
    const green = await run({}, github.token)
    expect([green.code, green.outputs.outcome]).toEqual([0, 'done'])
    expect(green.log.messages('warning')).toEqual([
      expect.stringContaining('give the job the permission `issues: write`'),
    ])
    expect(green.summary).toContain('could not be kept')
    const written = JSON.stringify(github.issues)
    for (const secret of [PATIENT, 'Jane', github.token, ...key.secretLines]) expect(written).not.toContain(secret)
    expect(red.log.raw.filter((line) => !line.startsWith('::add-mask::')).join('\n')).not.toContain(github.token)
  })

  it('opens an issue when the server no longer lets the key in, which names neither host nor user', async () => {
    await server.refuse('pacs@staging.example.org: Permission denied (publickey).')
    const step = await run({}, github.token)
    expect(step.outputs['exit-class']).toBe('40')
    expect(step.log.messages('error')[0]).toMatch(/^staging\.example\.org refused the SSH key for user pacs/)
    expect(github.issues.map(({ state }) => state)).toEqual(['open'])
    expect(github.issues[0]?.body).toContain('could not be verified (bad-input)')
    expect(JSON.stringify(github.issues)).not.toMatch(/staging\.example|user pacs/)
  })

  it('opens an issue when the environments file holds a mistake, be it in the entry of another environment', async () => {
    const files = { 'deployment/environments.yml': 'staging:\n  host: 10.0.0.5\nother:\n  host: 10.0.0.6\n  jmp: x\n' }
    const more = { env: { GITHUB_API_URL: github.url }, files }
    const step = await server.run('verify-backup', { 'issue-token': github.token }, more)
    expect(step.outputs['exit-class']).toBe('40')
    expect(step.log.messages('error')[0]).toContain('environments.yml:5: other.jmp is not known')
    expect(github.issues.map(({ state }) => state)).toEqual(['open'])
    expect(github.issues[0]?.body).toContain('could not be verified (bad-input)')
    expect(JSON.stringify(github.issues)).not.toMatch(/10\.0\.0/)
  })

  it.each([
    ['is empty: is the secret set in this environment?', ''],
    ['is a public key: the private one is the file without .pub', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 deploy'],
  ])('opens an issue, once, when the input ssh-key %s', async (why, wrong) => {
    for (const comments of [0, 1]) {
      const step = await run({ 'ssh-key': wrong }, github.token)
      expect([step.code, step.outputs['exit-class']]).toEqual([1, '40'])
      expect(step.log.messages('error')).toEqual([`input ssh-key ${why}`])
      expect(github.issues.map((issue) => [issue.state, issue.comments.length])).toEqual([['open', comments]])
    }
    expect(github.issues[0]?.body).toContain(`could not be verified (bad-input)`)
    expect(github.issues[0]?.body).toContain(`\n\n    input ssh-key ${why}\n\n`)
    endingWith(server, whole)
    await run({}, github.token)
    expect(github.issues.map(({ state }) => state)).toEqual(['closed'])
  })

  it('waits while another verification runs, until it is cancelled', async () => {
    server.daemon.service.troubles.push(running())
    const step = await server.run(
      'verify-backup',
      { 'issue-token': github.token },
      { env: { GITHUB_API_URL: github.url }, cancelAt: 'waits for it: asks again every 30' },
    )
    expect([step.endedInTime, step.outputs['exit-class']]).toEqual([true, '60'])
    expect(step.log.shown.join('\n')).toContain('verification nightly of timer runs')
    expect(github.requests).toEqual([])
  })

  it('asks again until its turn comes, and says once who was first', async () => {
    const { service, socket } = server.daemon
    service.troubles.push(running(), running())
    const said = vi.spyOn(log, 'foreign')
    const agent = openSocket(socket)
    await inTurn(agent, new AbortController().signal, 10).put('verify-1', {
      ...{ kind: 'verify', backup: 'newest', repository: 'first', through: 'L6', actor: 'octocat' },
    })
    agent.close()
    expect(service.troubles).toEqual([])
    expect(service.submitted.map(({ id: asked }) => asked)).toEqual(['verify-1'])
    expect(said.mock.calls).toEqual([['verification nightly of timer runs: wait for it, or follow it']])
  })

  it('names everything that is wrong with its inputs, and opens no issue for that', async () => {
    const inputs = { backup: 'yesterday', repository: 'third', through: 'L9', 'max-age': 'old', 'ssh-key': '' }
    const wrong = await run(inputs, github.token)
    expect(wrong.log.messages('error')[0]?.split('\n')).toEqual([
      'input backup: "yesterday" is neither newest, random nor the id of a backup',
      'input repository: "third" is not allowed; write first or second',
      'input through: "L9" is none of L1 to L6',
      expect.stringMatching(/^input max-age: "old" is no duration/),
      'input ssh-key is empty: is the secret set in this environment?',
    ])
    expect(github.requests).toEqual([])
  })

  it('refuses a limit that it would not come to', async () => {
    const limits = { 'newest-within': '24h', 'restore-within': '1h' }
    const wrong = await run({ repository: 'third', through: 'L4', ...limits })
    expect(wrong.log.messages('error')[0]?.split('\n')).toEqual([
      'input repository: "third" is not allowed; write first or second',
      'input newest-within is judged at L5, and through is L4: leave one of them out',
      'input restore-within is judged at L6, and through is L4: leave one of them out',
    ])
    expect((await run({ through: 'L5', ...limits })).log.messages('error')[0]).toMatch(/^input restore-within [^\n]+$/)
    expect(server.daemon.service.submitted).toEqual([])
  })
})

describe('the issue of a backup', () => {
  const newest = { environment: 'staging', backup: 'newest', repository: 'first' } as const
  const random = { environment: 'staging', backup: 'random', repository: 'second' } as const
  const url = 'https://github.com/org/pacs/actions/runs/4711/attempts/1'
  const options = () => {
    const { signal } = new AbortController()
    return { token: github.token, repository: 'org/pacs', api: github.url, signal }
  }
  const settle = async (...[asked, found, kind]: [Asked, VerificationView | undefined, FailureKind | null]) => {
    for (const issue of issuesOf(asked, found, kind && { kind, message: '' }, url)) await keepIssue(issue, options())
    return github.issues.map(({ state }) => state)
  }

  it('tells counts and collections, and goes with the proof', async () => {
    await settle(newest, torn.verification, 'unhealthy')
    await settle(newest, torn.verification, 'unhealthy')
    const title = 'No proof of restore: staging, the newest backup of the first repository'
    const comments = [`Still no proof: unhealthy ([run](${url})).`]
    expect(github.issues).toMatchObject([{ title, state: 'open', comments }])
    expect(github.issues[0]?.body).toContain(`Backup \`${id}\` of \`staging\` does not prove its restore.`)
    expect(github.issues[0]?.body).toContain('| L4 | same documents | failed | 1200 | 1 | 1 | `reports` |')
    expect(await settle(newest, whole.verification, null)).toEqual(['closed'])
  })

  it('is one of its own for each backup that was named or drawn, since the next run may look at another', async () => {
    await settle(random, torn.verification, 'unhealthy')
    await settle(newest, torn.verification, 'unhealthy')
    await settle(random, undefined, 'unreachable')
    expect(github.issues.map(({ body }) => body.split('\n')[0])).toEqual([
      `<!-- pacs-deploy: verify-backup staging second ${id} -->`,
      '<!-- pacs-deploy: verify-backup staging first newest -->',
      '<!-- pacs-deploy: verify-backup staging second random -->',
    ])
    expect(github.issues[2]?.body).toContain('could not be verified (unreachable)')
    expect(await settle(newest, whole.verification, null)).toEqual(['open', 'closed', 'open'])
    expect(await settle(random, whole.verification, null)).toEqual(['closed', 'closed', 'closed'])
  })
})
