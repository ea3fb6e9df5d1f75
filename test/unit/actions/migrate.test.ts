import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { TransactionEvent, TransactionResult } from '../../../src/agent/protocol.ts'
import { sha256 } from '../../../src/release/index.ts'
import { replay, result, twoSteps } from '../agent/daemon-fixture.ts'
import { openingDatabase, servesRelease } from './migrations.ts'
import { freshKey } from './private-key.ts'
import { type Server, startServer } from './server.ts'

const key = freshKey()
const release = `ghcr.io/org/pacs/release@sha256:${'1'.repeat(64)}`
const folder = 'deployment/production/migrations'
/** A lock without migrations. */
const noMigrations = { [`${folder}/migrations.lock.json`]: '{ "schema": 1, "migrations": [] }' }

/** Lets every transaction end like this. */
function endsWith(server: Server, endOf: (kind: string) => Partial<TransactionResult>): void {
  const { service } = server.daemon
  const submit = service.submit.bind(service)
  service.submit = async (id, request, name) => {
    const base = { outcome: 'done', message: `${request.kind} went well`, serving: null, previous: null } as const
    const end: TransactionEvent = { ...result, type: 'result', result: { ...base, ...endOf(request.kind) } }
    service.transactions.set(id, (after) => replay([...twoSteps, end], after))
    await submit(id, request, name)
  }
}

describe('migrate', () => {
  it('leaves data and contract to the agent, with who asks and why, and says what is to follow', async () => {
    await using server = await startServer(key.text)
    endsWith(server, () => ({ pending: { expand: [], data: ['004_words', '006_dates'], contract: ['005_drop'] } }))
    const inputs = { release, reason: 'a month without trouble', 'no-backup': 'restored an hour ago' }
    const step = await server.run('migrate', { ...inputs, phase: 'contract' })
    expect(step.log.messages('error')).toEqual([])
    expect(server.daemon.service.submitted.map(({ request }) => request)).toEqual([
      {
        ...{ kind: 'migrate', release, phase: 'contract', plan: false, allowCore: false, actor: 'octocat' },
        ...{ reason: 'a month without trouble', noBackup: 'restored an hour ago' },
        run: 'https://github.com/org/pacs/actions/runs/4711/attempts/1',
      },
    ])
    expect(step.outputs).toMatchObject({
      ...{ outcome: 'done', 'exit-class': '0', pending: '005_drop', 'pending-data': '004_words,006_dates' },
      transaction: server.daemon.service.submitted[0]?.id,
    })
    expect(step.summary).toMatch(/^### ✅ Migrate staging \(contract\)\n\nmigrate went well\n/)
  })

  it('has the core brought where that comes first, and a plan has it not', async () => {
    await using server = await startServer(key.text)
    let asked = 0
    endsWith(server, (kind) =>
      kind === 'migrate' && asked++ % 2 === 0
        ? { outcome: 'refused', message: 'mongodb is not there yet', coreFirst: true }
        : {},
    )
    const kinds = () => server.daemon.service.submitted.map(({ request }) => request.kind)
    expect((await server.run('migrate', { release, 'allow-core': 'true' })).code).toBe(0)
    expect(kinds()).toEqual(['migrate', 'core', 'migrate'])
    expect(server.daemon.service.submitted[1]?.request).toMatchObject({ allowCore: true })
    const plan = await server.run('migrate', { release, plan: 'true' })
    expect(plan.log.messages('error')).toEqual(['refused: mongodb is not there yet'])
    expect(kinds()).toEqual(['migrate', 'core', 'migrate', 'migrate'])
  })

  it('plans against what serves where no release is named, and says when nothing does', async () => {
    await using server = await startServer(key.text)
    const nothing = await server.run('migrate', { plan: 'true', phase: 'all' })
    expect(nothing.log.messages('error')).toEqual([
      'nothing serves staging yet: a plan needs what serves there, or the input release',
    ])
    expect([nothing.outputs['exit-class'], server.daemon.service.submitted]).toEqual(['10', []])
    servesRelease(server, release)
    endsWith(server, () => ({}))
    await server.run('migrate', { plan: 'true', phase: 'all' })
    expect(server.daemon.service.submitted[0]?.request).toMatchObject({ kind: 'migrate', release, plan: true })
  })

  it('reports to the agent that the checkout has other migrations, and shows the login nowhere', async () => {
    await using server = await startServer(key.text)
    const { service } = server.daemon
    const carried = { id: '001_x', sha256: sha256('x'), phase: 'expand' as const }
    openingDatabase(server, 'sentinel-password', [carried])
    const other = await server.run('migrate', { release }, { files: noMigrations })
    expect(other.log.messages('error')).toEqual([
      'refused: these are not the migrations of the release (001_x differ or are missing): check out its commit',
    ])
    expect(service.reports.map(({ report }) => report.outcome)).toEqual(['refused'])
    expect(other.outputs['exit-class']).toBe('10')
    expect(other.log.messages('add-mask')).toContain('sentinel-password')
    expect([other.summary, JSON.stringify(other.outputs), other.log.shown.join('\n')].join('\n')).not.toContain(
      'sentinel',
    )
    expect(await readdir(server.job.temp)).toEqual([])
  })

  it('is cancelled here and not on the server, where data go on', async () => {
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
    const step = await server.run('migrate', { release, phase: 'data' }, { cancelAt: 'all fits' })
    expect([step.code, step.endedInTime, step.outputs['exit-class']]).toEqual([1, true, '60'])
    const id = service.submitted[0]?.id
    expect(step.log.messages('error')).toEqual([
      'cancelled here, not on the server: migrate goes on there if it was accepted; on the server: ' +
        `pacs-agent follow ${id} shows it, pacs-agent abort ${id} stops it between two batches, and what is applied by then stays`,
    ])
    expect(service.aborted).toEqual([])
    expect(await readdir(server.job.temp)).toEqual([])
  })

  it('says everything that is wrong with its inputs at once, before it connects', async () => {
    await using server = await startServer(key.text)
    const wrong = { environment: '', release: 'v1', 'ssh-key': 'x', phase: 'later', plan: 'maybe', migrations: '-x' }
    const step = await server.run('migrate', { ...wrong, 'allow-core': 'no' })
    expect(step.outputs).toEqual({ 'exit-class': '40' })
    const [said = ''] = step.log.messages('error')
    const names = ['environment', 'ssh-key', 'release', 'phase', 'plan', 'migrations', 'allow-core']
    expect(said.split('\n').map((line) => line.split(/[: ]/)[1])).toEqual(names)
    const together = await server.run('migrate', { phase: 'all', 'allow-core': 'no' })
    expect(together.log.messages('error')[0]?.split('\n')).toEqual([
      'input allow-core: "no" is neither true nor false',
      expect.stringMatching(
        /^input release is empty: GitHub drops a job output that contains a masked string; .* secrets; only a plan needs none$/,
      ),
      'input phase: "all" is for a plan; write expand, data, contract',
    ])
    const tunnel = await server.run('migrate', {
      via: 'tunnel',
      release,
      'database-ca': 'ca.pem',
      'allow-core': 'true',
    })
    expect(
      tunnel.log
        .messages('error')[0]
        ?.split('\n')
        .map((line) => line.split(/[: ]/)[1]),
    ).toEqual([...['database', 'database-username', 'database-password', 'release', 'allow-core', 'database-ca']])
    await expect(server.argv()).rejects.toThrow('ENOENT')
  })

  it('by the tunnel alone goes past no agent that is only away: it may hold the lock', async () => {
    await using server = await startServer(key.text)
    await server.withDeadAgent()
    const login = { database: 'pacs', 'database-username': 'migrations', 'database-password': 'a password' }
    const step = await server.run('migrate', { via: 'tunnel', ...login })
    expect(step.log.messages('error')[0]).toMatch(/^pacs-agent on staging\.example\.org ended with 50/)
    expect(step.outputs).toMatchObject({ 'exit-class': '50' })
    expect(await server.argv()).not.toContain(' -W ')
  })
})
