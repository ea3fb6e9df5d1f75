import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { issueOf } from '../../../src/actions/scan-issue.ts'
import { runningParts } from '../../../src/actions/server.ts'
import {
  type Finding,
  type Judgement,
  scanMetrics,
  scanRows,
  scanSarif,
  type Waiver,
} from '../../../src/images/index.ts'
import type { FailureKind } from '../../../src/lib/index.ts'
import { type ReleaseId, releaseIdSchema, sha256 } from '../../../src/release/index.ts'
import { keepIssue } from '../../../src/runner/index.ts'
import { FakeGitHub } from '../../github/fake-api.ts'
import { status } from '../agent/daemon-fixture.ts'
import { freshKey } from './private-key.ts'
import { type Server, startServer } from './server.ts'

const finding = (fields: Partial<Finding> = {}): Finding => ({
  ...{ kind: 'vulnerability', id: 'CVE-2026-1', severity: 'HIGH', package: 'openssl', installed: '3.5.0' },
  ...{ fixed: '3.5.1', path: '', title: 'a | pipe\nand a line', published: null, ...fields },
})
const waiver: Waiver = {
  id: 'CVE-2026-2',
  reason: 'not reached',
  owner: 'jane',
  expires: '2026-12-31',
  at: 'waivers.yml:1',
}
const judgement = (refused: readonly Finding[]): Judgement => ({
  ...{ service: 'api', verdict: null, refused, reported: [finding({ id: 'CVE-2026-3', severity: 'LOW' })] },
  waived: [{ finding: finding({ id: waiver.id }), waiver }],
})
const red = [judgement([finding()])]
const run = 'https://github.com/org/pacs/actions/runs/4711'

describe('what is said of a scan', () => {
  it('names what is new in the summary, at most twenty', () => {
    expect(scanRows(red, [waiver])).toContainEqual([
      'new in api',
      expect.stringMatching(/^CVE-2026-1 in openssl 3.5.0 \(HIGH/),
    ])
    const many = [judgement(Array.from({ length: 23 }, (_, index) => finding({ id: `CVE-${index}` })))]
    expect(scanRows(many, []).at(-1)).toEqual(['and', '3 more'])
  })

  it('is SARIF, with waived findings as dismissed', () => {
    expect(scanSarif('stack/compose.yml', red)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          results: [
            { ruleId: 'CVE-2026-1', level: 'error' },
            { ruleId: 'CVE-2026-3', level: 'note' },
            { ruleId: 'CVE-2026-2', suppressions: [{ justification: 'jane: not reached' }] },
          ],
        },
      ],
    })
  })

  it('is counted in metrics', () => {
    const text = scanMetrics('production', red, new Date('2026-11-28T06:00:00Z'), new Date('2026-11-28T07:00:00Z'))
    expect(text).toContain('pacs_scan_findings{environment="production",service="api",state="new"} 1\n')
    expect(text).toContain('pacs_scan_findings{environment="production",service="api",state="waived"} 1\n')
    expect(text).toContain('pacs_scan_database_timestamp_seconds{environment="production"} 1795845600\n')
    expect(text.endsWith('\n')).toBe(true)
  })
})

describe('the issue of an environment', () => {
  let github: FakeGitHub
  beforeEach(async () => {
    github = await FakeGitHub.start()
  })
  afterEach(() => github[Symbol.asyncDispose]())

  it('is opened once, updated, kept while nobody can judge, and closed', async () => {
    const settle = async (judgements: readonly Judgement[] | null, kind: FailureKind | null) => {
      const options = { token: github.token, repository: 'org/pacs', api: github.url }
      const issue = issueOf('production', judgements, kind && { kind, message: '' }, run)
      await keepIssue(issue, { ...options, signal: new AbortController().signal })
      return github.issues.map(({ state }) => state)
    }
    expect(await settle(red, 'refused')).toEqual(['open'])
    expect(github.issues[0]?.body).toContain('| api | CVE-2026-1 | HIGH | openssl | 3.5.0 | 3.5.1 |')
    expect(await settle(null, 'unreachable')).toEqual(['open'])
    expect(github.issues[0]?.body).toContain('could not be judged (unreachable)')
    expect(await settle([judgement([])], null)).toEqual(['closed'])
    expect(github.issues[0]?.comments).toHaveLength(2)
  })
})

describe('scan', () => {
  const key = freshKey()
  let server: Server
  beforeEach(async () => {
    server = await startServer(key.text)
  })
  afterEach(() => server[Symbol.asyncDispose]())

  it('says what it needs to know what runs', async () => {
    const nothing = await server.run('scan', { environment: '', 'ssh-key': '' })
    expect(nothing.log.messages('error')[0]).toMatch(/^input environment: name the one whose release is judged/)
    const both = await server.run('scan', { release: `registry.example/org/pacs/release@${sha256('release')}` })
    expect(both.log.messages('error')).toEqual([expect.stringMatching(/^inputs environment and release: give one/)])
    const keyless = await server.run('scan', { 'ssh-key': '' })
    expect(keyless.log.messages('error')[0]).toMatch(/^input ssh-key is missing/)
  })

  it('asks the server which release serves, and is red when none does', async () => {
    const step = await server.run('scan')
    expect(step.code).toBe(1)
    expect(step.log.messages('error')).toEqual([expect.stringMatching(/^nothing serves/)])
    expect(step.outputs['exit-class']).toBe('11')
  })

  it('opens the issue when a waiver has expired, and names it by file and line', async () => {
    await using github = await FakeGitHub.start()
    const release = `registry.example/org/pacs/release@${sha256('release')}`
    const judged = { environment: '', release, 'scan-waivers': 'waivers.yml', 'issue-token': github.token }
    const waivers = '- { id: CVE-2026-1, reason: not reachable here, owner: jane, expires: 2026-01-31 }\n'
    const step = await server.run('scan', judged, {
      env: { GITHUB_API_URL: github.url },
      files: { 'waivers.yml': waivers },
    })
    expect(step.outputs['exit-class']).toBe('40')
    expect(github.issues.map(({ state, body }) => [state, /waivers.yml:1: expired on 2026-01-31/.test(body)])).toEqual([
      ['open', true],
    ])
  })

  it('opens the issue when the server no longer lets the key in, which names neither host nor user', async () => {
    await using github = await FakeGitHub.start()
    await server.refuse('pacs@staging.example.org: Permission denied (publickey).')
    const step = await server.run('scan', { 'issue-token': github.token }, { env: { GITHUB_API_URL: github.url } })
    expect(step.log.messages('error')[0]).toMatch(/^staging\.example\.org refused the SSH key for user pacs/)
    expect(github.issues[0]?.body).toContain('could not be judged (bad-input)')
    expect(JSON.stringify(github.issues)).not.toMatch(/staging\.example|user pacs/)
  })

  it('opens the issue when the key is missing or cut, and says which input it is', async () => {
    await using github = await FakeGitHub.start()
    for (const [wrong, why] of [
      ['', 'input ssh-key is missing: the environment is asked what runs there'],
      [key.text.slice(0, 60), 'input ssh-key is no private key that OpenSSH reads'],
    ] as const) {
      const asked = { 'ssh-key': wrong, 'issue-token': github.token }
      const step = await server.run('scan', asked, { env: { GITHUB_API_URL: github.url } })
      expect(step.outputs['exit-class']).toBe('40')
      expect(step.log.messages('error')).toEqual([expect.stringContaining(why)])
      expect(github.issues.map(({ state }) => state)).toEqual(['open'])
      expect(github.issues[0]?.body).toContain(`\n\n    ${why}`)
    }
    for (const secret of key.secretLines) expect(JSON.stringify(github.issues)).not.toContain(secret)
  })

  it('opens the issue when the environments file holds a mistake, be it in the entry of another environment', async () => {
    await using github = await FakeGitHub.start()
    const files = { 'deployment/environments.yml': 'staging:\n  host: 10.0.0.5\nother:\n  host: 10.0.0.6\n  jmp: x\n' }
    const more = { env: { GITHUB_API_URL: github.url }, files }
    const step = await server.run('scan', { 'issue-token': github.token }, more)
    expect(step.log.messages('error')[0]).toContain('environments.yml:5: other.jmp is not known')
    expect(github.issues.map(({ state }) => state)).toEqual(['open'])
    expect(github.issues[0]?.body).toContain('could not be judged (bad-input)')
    expect(JSON.stringify(github.issues)).not.toMatch(/10\.0\.0/)
  })

  it('opens no issue of an environment that somebody mistyped', async () => {
    await using github = await FakeGitHub.start()
    const asked = { environment: 'prodution', 'issue-token': github.token }
    const step = await server.run('scan', asked, { env: { GITHUB_API_URL: github.url } })
    expect(step.log.messages('error')).toEqual([expect.stringMatching(/ has no environment "prodution"; it has \w+/)])
    expect([step.outputs['exit-class'], github.issues]).toEqual(['40', []])
  })

  it('goes on with the release that serves', async () => {
    const [release, content] = [releaseIdSchema.parse('20261124t101500z-abc1234def01'), sha256('content')]
    const { service } = server.daemon
    const serving = { instance: `${release}-0123abcd`, release, config: '0123abcd', content }
    service.statusAnswer = async () => ({ ...status, serving })
    const known = { id: release, content, commit: '', accepted: '', state: 'serving' as const }
    const reference = `registry.example/org/pacs/release@${sha256('release')}`
    service.releases = async () => ({ releases: [{ ...known, reference }] })
    const step = await server.run('scan', { scanner: '/usr/bin/trivy' })
    expect(step.log.messages('error')).toEqual([
      'inputs scanner and scanner-sha256: give both, or neither for the pinned one',
    ])
    service.releases = async () => ({ releases: [] })
    expect((await server.run('scan')).log.messages('error')[0]).toMatch(/does not know by which reference it came/)
  })
})

describe('what runs on a server', () => {
  const at = (id: string) => `registry.example/org/pacs/release@${sha256(id)}`
  const instance = { config: 'c0ffee', content: sha256('c') }
  const [older, newer] = ['20261124t101500z-abc1234def01', '20261125t101500z-abc1234def02'].map((id) =>
    releaseIdSchema.parse(id),
  ) as [ReleaseId, ReleaseId]
  const parts = (serving: ReleaseId, core: ReleaseId | null) =>
    runningParts({
      status: async () => ({
        ...status,
        serving: { ...instance, release: serving, instance: `${serving}-c0ffee` },
        ...(core === null ? {} : { core: { release: core, reference: at(core), services: ['store'] } }),
      }),
      releases: async () => ({
        releases: [
          { id: serving, reference: at(serving), content: sha256('c'), commit: 'c', accepted: '', state: 'serving' },
        ],
      }),
    })

  it('is after a rollback the app of one release and the core of another', async () => {
    const judged = (await parts(older, newer)).map(({ reference, runs }) => [reference, ['web', 'store'].filter(runs)])
    expect(judged).toEqual([
      [at(older), ['web']],
      [at(newer), ['store']],
    ])
    for (const core of [older, null]) {
      const [only, ...more] = await parts(older, core)
      expect([only?.reference, ['web', 'store'].filter((one) => only?.runs(one)), more]).toEqual([
        at(older),
        ['web', 'store'],
        [],
      ])
    }
  })
})
