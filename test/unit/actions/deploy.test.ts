import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { transactionPrefix } from '../../../src/actions/transaction.ts'
import type { Outcome, TransactionEvent } from '../../../src/agent/protocol.ts'
import { Failure } from '../../../src/lib/index.ts'
import { releaseIdSchema } from '../../../src/release/index.ts'
import { replay, result, status, twoSteps } from '../agent/daemon-fixture.ts'
import { freshKey } from './private-key.ts'
import { startServer } from './server.ts'

const key = freshKey()
const release = `ghcr.io/org/pacs/release@sha256:${'1'.repeat(64)}`
const served = releaseIdSchema.parse('20261124t101500z-abc1234def01')

function endsWith(outcome: Outcome, message: string): TransactionEvent {
  const direction = outcome === 'deployed' ? { direction: 'forward' as const } : {}
  return { ...result, type: 'result', result: { outcome, message, ...direction, serving: served, previous: null } }
}

describe('deploy', () => {
  it('has the core brought where that comes first and then the app, and says what became of it', async () => {
    await using server = await startServer(key.text)
    const { service } = server.daemon
    service.coreFirst = true
    const submit = service.submit.bind(service)
    service.submit = async (id, request, name) => {
      const outcome = request.kind === 'core' ? 'done' : 'deployed'
      service.transactions.set(id, (after) =>
        replay([...twoSteps, endsWith(outcome, `${request.kind} went well`)], after),
      )
      await submit(id, request, name)
    }
    const step = await server.run('deploy', {
      release,
      watch: '5s',
      hold: '1m',
      'keep-warm': '0s',
      'registry-username': 'bot',
      'registry-password': 'sentinel-registry-token',
    })
    expect(step.log.shown.join('\n')).not.toContain('error:')
    expect(step.code).toBe(0)
    const asked = {
      ...{ kind: 'deploy', release, watch: 5000, hold: 60_000, keepWarm: 0, actor: 'octocat' },
      run: 'https://github.com/org/pacs/actions/runs/4711/attempts/1',
      registry: { server: 'ghcr.io', username: 'bot', password: 'sentinel-registry-token' },
    }
    expect(service.submitted.map(({ request }) => request)).toMatchObject([
      asked,
      { kind: 'core', release, allowCore: false, actor: 'octocat' },
      asked,
    ])
    expect(step.outputs).toEqual({
      ...{ outcome: 'deployed', direction: 'forward', serving: served, previous: '', 'exit-class': '0' },
      transaction: service.submitted[2]?.id,
    })
    expect(step.summary).toMatch(/^### ✅ Deploy to staging\n\ndeploy went well\n/)
    expect(step.log.shown).toContain('  │ preflight: looking')
  })

  it.each([
    ['ghcr.io', 'https://github.com', 'ghs_sentinel-of-the-job', true],
    ['containers.github.hospital.org', 'https://github.hospital.org', 'ghs_sentinel-of-the-job', true],
    ['registry.hospital.org:5000', 'https://github.com', 'ghs_sentinel-of-the-job', false],
    ['containers.github.hospital.org', 'https://github.com', 'ghs_sentinel-of-the-job', false],
    ['registry.hospital.org:5000', 'https://github.com', 'sentinel-of-the-registry', true],
  ])('logs in at %s, from %s, with %s: %s', async (registry, url, password, isSent) => {
    await using server = await startServer(key.text)
    const elsewhere = release.replace('ghcr.io', registry)
    const env = { GITHUB_SERVER_URL: url }
    const step = await server.run('deploy', { release: elsewhere, 'registry-password': password }, { env })
    const login = { server: registry, username: 'octocat', password }
    const { submitted } = server.daemon.service
    expect(submitted.map(({ request }) => ('registry' in request ? request.registry : undefined))).toEqual(
      submitted.map(() => (isSent ? login : undefined)),
    )
    expect(submitted.length).toBeGreaterThan(0)
    const said = `GitHub's own token is not sent to ${registry}: `
    expect(step.log.shown.some((line) => line.includes(said))).toBe(!isSent)
  })

  it('leaves no file behind and shows its secrets nowhere', async () => {
    await using server = await startServer(key.text)
    const step = await server.run('deploy', { release, 'registry-password': 'sentinel-registry-token' })
    const post = await step.post()
    expect(await readdir(server.job.temp)).toEqual([])
    const printed = [...step.log.raw, ...post.raw].filter((line) => !line.startsWith('::add-mask::')).join('\n')
    const seen = [printed, JSON.stringify(step.outputs), step.summary, await server.argv()].join('\n')
    for (const secret of [...key.secretLines, 'sentinel-registry-token']) expect(seen).not.toContain(secret)
    expect(step.log.messages('add-mask')).toEqual(expect.arrayContaining(key.secretLines))
    expect(await server.argv()).not.toContain('staging.example.org')
  })

  it.each([
    ['rolled-back', 20],
    ['failed', 21],
    ['refused', 10],
  ] as const)('is red when the server says %s, with one error line and no stack', async (outcome, exitClass) => {
    await using server = await startServer(key.text)
    const { service } = server.daemon
    const submit = service.submit.bind(service)
    service.submit = async (id, request, name) => {
      const end = request.kind === 'core' ? endsWith('done', 'ok') : endsWith(outcome, 'backend was not ready in 60 s')
      service.transactions.set(id, (after) => replay([...twoSteps, end], after))
      await submit(id, request, name)
    }
    const step = await server.run('deploy', { release })
    expect(step.code).toBe(1)
    expect(step.log.messages('error')).toEqual([`${outcome}: backend was not ready in 60 s`])
    expect(step.outputs).toMatchObject({ outcome, serving: served, 'exit-class': String(exitClass) })
    expect(step.summary).toContain(`❌ Deploy to staging: ${outcome}`)
    expect(step.log.shown.join('\n')).not.toContain('    at ')
  })

  it.each(['deploy', 'rollback'] as const)('%s says that the agent is away, and that is its class', async (action) => {
    await using server = await startServer(key.text)
    await server.withDeadAgent()
    const step = await server.run(action, action === 'deploy' ? { release } : { reason: 'worse than before' })
    expect([step.code, step.outputs['exit-class']]).toEqual([1, '50'])
    expect(step.log.messages('error')).toEqual([
      expect.stringMatching(/^pacs-agent on staging\.example\.org ended with 50: .*does it run\?/),
    ])
    expect(server.daemon.service.submitted).toEqual([])
  })

  it('says who holds the lock and asks for nothing more', async () => {
    await using server = await startServer(key.text)
    server.daemon.service.troubles.push(new Failure('locked', 'deploy run-1 of ann runs since 10:15'))
    const step = await server.run('deploy', { release })
    expect([step.code, step.outputs['exit-class']]).toEqual([1, '30'])
    expect(step.log.messages('error')).toEqual(['deploy run-1 of ann runs since 10:15'])
    expect(server.daemon.service.submitted).toEqual([])
  })

  it('follows what an earlier attempt of the same run began, and asks for nothing anew', async () => {
    await using server = await startServer(key.text)
    const { service } = server.daemon
    const context = {
      repository: 'org/pacs',
      runId: '4711',
      attempt: 1,
      workspace: '',
      actor: '',
      commit: '',
      run: '',
      api: '',
      source: undefined,
      pullRequest: false,
      eventFile: '',
    }
    const id = `${transactionPrefix('deploy', { environment: 'staging', release }, context)}0a1b2c3d`
    const transaction = { id, kind: 'deploy', actor: 'octocat', since: '', step: 'watch' }
    service.statusAnswer = async () => ({ ...status, phase: 'switched', transaction })
    service.transactions.set(id, (after) => replay([...twoSteps, endsWith('deployed', 'serves')], after))
    const step = await server.run('deploy', { release })
    expect(step.outputs).toMatchObject({ outcome: 'deployed', transaction: id })
    expect(service.submitted).toEqual([])
  })

  it('takes nothing that the server says for a command', async () => {
    await using server = await startServer(key.text)
    const { service } = server.daemon
    const submit = service.submit.bind(service)
    const hostile = '::set-output name=outcome::deployed\n::add-mask::e\n\u001b[2K##[stop-commands]x'
    service.submit = async (id, request, name) => {
      const note: TransactionEvent = { seq: 1, at: '', type: 'note', message: hostile }
      service.transactions.set(id, (after) => replay([note, { ...endsWith('refused', hostile), seq: 2 }], after))
      await submit(id, request, name)
    }
    const step = await server.run('deploy', { release })
    expect(step.outputs).toMatchObject({ outcome: 'refused', 'exit-class': '10' })
    const names = step.log.commands.map(({ name }) => name)
    expect(names.filter((name) => !['add-mask', 'group', 'endgroup', 'error'].includes(name))).toEqual([])
    expect(step.log.messages('add-mask')).not.toContain('e')
  })

  it('ends in time when the job is cancelled, says what goes on and begins nothing more', async () => {
    await using server = await startServer(key.text)
    const { service } = server.daemon
    const submit = service.submit.bind(service)
    service.submit = async (id, request, name) => {
      service.transactions.set(id, async function* (after, signal) {
        yield* replay(twoSteps, after)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      })
      await submit(id, request, name)
    }
    const step = await server.run('deploy', { release }, { cancelAt: 'all fits' })
    expect(step.code).toBe(1)
    expect(step.endedInTime).toBe(true)
    const id = service.submitted[0]?.id
    expect(step.log.messages('error')).toEqual([
      'cancelled here, not on the server: deploy goes on there if it was accepted; on the server: ' +
        `pacs-agent follow ${id} shows it, pacs-agent abort ${id} undoes it`,
    ])
    expect(step.outputs['exit-class']).toBe('60')
    expect(service.submitted).toHaveLength(1)
    expect(service.aborted).toEqual([])
    expect(await readdir(server.job.temp)).toEqual([])
  })

  it('says everything that is wrong with its inputs at once, before it connects', async () => {
    await using server = await startServer(key.text)
    const inputs = { environment: '', release: '', 'ssh-key': 'ssh-ed25519 AAAA', watch: 'x', 'allow-core': 'maybe' }
    const step = await server.run('deploy', inputs)
    expect(step.code).toBe(1)
    expect(step.outputs).toEqual({ 'exit-class': '40' })
    expect(step.log.messages('error')).toHaveLength(1)
    const lines = step.log
      .messages('error')[0]
      ?.split('\n')
      .map((line) => line.split(/[: ]/)[1])
    expect(lines).toEqual(['environment', 'ssh-key', 'release', 'allow-core', 'watch'])
    await expect(server.argv()).rejects.toThrow('ENOENT')
  })

  it('names the known environments, and the file that is missing', async () => {
    await using server = await startServer(key.text)
    const unknown = await server.run('deploy', { release, environment: 'prod' })
    expect(unknown.log.messages('error')).toEqual([
      'deployment/environments.yml has no environment "prod"; it has staging',
    ])
    const absent = await server.run('deploy', { release, 'environments-file': 'no.yml' })
    expect(absent.log.messages('error')[0]).toMatch(/^no\.yml cannot be read: does the job check the repository out/)
    expect([unknown.outputs['exit-class'], absent.outputs['exit-class']]).toEqual(['40', '40'])
  })

  it('says when the server has no agent, and when it refuses the key, without another attempt', async () => {
    await using server = await startServer(key.text)
    await server.withoutAgent()
    const absent = await server.run('deploy', { release })
    expect(absent.log.messages('error')).toEqual([
      expect.stringMatching(/^staging\.example\.org has no pacs-agent: set/),
    ])
    await server.refuse('pacs@staging.example.org: Permission denied (publickey).')
    const before = (await server.argv()).split('\n').length
    const refused = await server.run('deploy', { release })
    expect(refused.log.messages('error')[0]).toMatch(/^staging\.example\.org refused the SSH key for user pacs/)
    expect([absent.outputs['exit-class'], refused.outputs['exit-class']]).toEqual(['40', '40'])
    const after = (await server.argv()).split('\n').slice(before - 1)
    expect(after.filter((line) => line.includes('-N'))).toHaveLength(1)
  })
})
