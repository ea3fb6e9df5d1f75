import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requestSchema, type TransactionEvent, type TransactionRequestInput } from '../../../src/agent/protocol.ts'
import { Failure } from '../../../src/lib/index.ts'
import { ask, resultOf, startAgent, submit } from './life.ts'
import { MemoryWorld, memoryLogin, memoryRelease, Server } from './memory-world.ts'

let directory: string
let server: Server

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
  server = new Server()
  server.ledger = []
})

afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))

const start = (world = new MemoryWorld(server)) => startAgent(directory, world)

const migrateOf = (
  number: number,
  phase: 'expand' | 'data' | 'contract',
  more: object = {},
): TransactionRequestInput => ({
  kind: 'migrate',
  release: memoryRelease(number).reference,
  phase,
  actor: 'jane',
  ...more,
})

const deployOf = (number: number): TransactionRequestInput => ({
  kind: 'deploy',
  release: memoryRelease(number).reference,
  actor: 'jane',
  watch: 3000,
  keepWarm: 600_000,
})

/** A child that had begun. */
const ended = async () => Promise.reject(new Failure('error', 'it took longer than 14 d 0 h and was ended'))

type Life = Awaited<ReturnType<typeof start>>

async function recordedOf({ journal }: Life, id: string): Promise<TransactionEvent[]> {
  const events: TransactionEvent[] = []
  for await (const event of journal.recorded(id)) events.push(event)
  return events
}

/** Asks for a migration and goes on once the database is open to the requester, who follows to the end. */
async function open({ agent }: Life, request: TransactionRequestInput): Promise<string> {
  const id = await submit(agent, request)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const follow = async () => {
    for await (const event of agent.events(id, 0, new AbortController().signal) ?? []) {
      if (event.type === 'step' && event.step === 'open') resolve(id)
      if (event.type === 'result') reject(new Error(`${event.result.outcome}: ${event.result.message}`))
    }
  }
  follow().catch(reject)
  return promise
}

describe('an expand by the requester', () => {
  it('takes a backup first, opens the database to the asking key alone, and ends with its report', async () => {
    await using life = await start()
    const id = await open(life, migrateOf(7, 'expand'))
    expect(server.backups).toBe(1)
    expect(server.backupNotOlderThan).toBe(3_600_000)
    expect(server.backupCopiesLater).toBe(true)
    expect(await life.agent.database(id, 'deploy')).toEqual({
      ...memoryLogin,
      release: memoryRelease(7).id,
      migrations: memoryRelease(7).manifest.migrations,
    })
    await expect(life.agent.database(id, 'other')).rejects.toThrow('was asked for with another key than other')
    await expect(ask(life.agent, deployOf(1))).rejects.toMatchObject({ kind: 'locked' })
    await life.agent.report(id, { outcome: 'done', message: '001_expand is applied' }, 'deploy')
    expect(await resultOf(life.agent, id)).toMatchObject({
      outcome: 'done',
      message: '001_expand is applied; backup 1 holds what was before',
    })
    await expect(life.agent.database(id, 'deploy')).rejects.toThrow('does not run')
  })

  it('says what is to follow also where the ledger cannot be read any more at its end', async () => {
    await using life = await start()
    const id = await open(life, migrateOf(7, 'expand'))
    life.world.jobs.judge = async () => Promise.reject(new Failure('unreachable', 'the database does not answer'))
    await life.agent.report(id, { outcome: 'done', message: '001_expand is applied' }, 'deploy')
    expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'done', pending: { data: ['002_data'] } })
  })

  it('with nothing left to apply is done at once: no backup, nothing opened', async () => {
    await using life = await start()
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    expect(await ask(life.agent, migrateOf(7, 'expand'))).toMatchObject({ outcome: 'done' })
    expect(server.backups).toBe(0)
  })

  it('tells no password to journal or log', async () => {
    await using life = await start()
    const id = await open(life, migrateOf(7, 'expand'))
    await life.agent.database(id, 'deploy')
    await life.agent.report(id, { outcome: 'done', message: 'done' }, 'deploy')
    await resultOf(life.agent, id)
    const events = await recordedOf(life, id)
    expect(JSON.stringify([events, life.logged, server.state])).not.toContain(memoryLogin.password)
    expect(events.length).toBeGreaterThan(3)
  })

  it('whose requester goes away and does not come back ends failed, and the lock is free', async () => {
    await using life = await start()
    const before = server.time
    const id = await submit(life.agent, migrateOf(7, 'expand'))
    for await (const event of life.journal.follow(id, 0, new AbortController().signal) ?? []) {
      if (event.type !== 'result') continue
      expect(event.result).toMatchObject({
        outcome: 'failed',
        message: expect.stringContaining('went away without a report'),
      })
    }
    expect(server.time - before).toBeGreaterThanOrEqual(10_000)
    expect(await ask(life.agent, deployOf(1))).toMatchObject({ outcome: 'deployed' })
  })

  it('that failed is told until something makes it good, over backups and starts, and what comes after it has its result', async () => {
    await using life = await start()
    const id = await submit(life.agent, migrateOf(7, 'expand'))
    // Nobody follows it as its requester would.
    for await (const event of life.journal.follow(id, 0, new AbortController().signal) ?? [])
      if (event.type === 'result') break
    expect(await ask(life.agent, { kind: 'backup', actor: 'jane' })).toMatchObject({ outcome: 'done' })
    expect(await life.agent.status()).toMatchObject({
      last: { result: { outcome: 'done' } },
      failed: { transaction: id, result: { outcome: 'failed' } },
    })
    server.backupsLast = true
    const backup = await submit(life.agent, { kind: 'backup', actor: 'jane' })
    life.world.kill()
    server.backupsLast = false
    await using next = await start()
    expect(await resultOf(next.agent, backup)).toMatchObject({ outcome: 'refused' })
    expect(server.state).toMatchObject({ last: { transaction: backup }, failed: { transaction: id, kind: 'migrate' } })
    expect(await ask(next.agent, deployOf(1))).toMatchObject({ outcome: 'deployed' })
    expect(server.state.failed).toBe(null)
  })

  it('that failed is told on after one that was only planned, whatever came of that', async () => {
    await using life = await start()
    const outcomeOf = async (outcome: 'done' | 'failed', more: object = {}) => {
      const id = await open(life, migrateOf(7, 'expand', more))
      await life.agent.report(id, { outcome, message: '' }, 'deploy')
      expect(await resultOf(life.agent, id)).toMatchObject({ outcome })
      return id
    }
    const failed = await outcomeOf('failed')
    for (const outcome of ['done', 'failed'] as const) {
      await outcomeOf(outcome, { plan: true })
      expect(server.state.failed?.transaction).toBe(failed)
    }
    await outcomeOf('done')
    expect(server.state.failed).toBe(null)
  })

  it('is refused where no backup can be taken, and the database is never opened', async () => {
    await using life = await start()
    server.backupsFail = true
    await expect(open(life, migrateOf(7, 'expand'))).rejects.toThrow('refused: the disk is full')
    await expect(open(life, migrateOf(7, 'expand', { noBackup: '' }))).rejects.toThrow(/noBackup/)
  })

  it('runs without a backup only for a reason, which the journal and the audit keep', async () => {
    await using life = await start()
    const id = await open(life, migrateOf(7, 'expand', { noBackup: 'restored an hour ago', reason: 'as agreed' }))
    await life.agent.report(id, { outcome: 'done', message: 'done' }, 'deploy')
    expect(await resultOf(life.agent, id)).toMatchObject({ message: 'done' })
    expect(server.backups).toBe(0)
    const notes = (await recordedOf(life, id)).filter((event) => event.type === 'note')
    expect(notes.map(({ message }) => message)).toContain(
      'no backup is taken before this migration: restored an hour ago',
    )
    const audits = (await readdir(directory)).filter((name) => /^\d{4}-\d\d-\d\d\.jsonl$/.test(name))
    expect(await readFile(join(directory, audits[0] ?? ''), 'utf8')).toContain(
      '"reason":"as agreed","noBackup":"restored an hour ago"',
    )
  })

  it('that is only planned gives a login that reads, takes no backup, and says what is left', async () => {
    await using life = await start()
    const id = await open(life, migrateOf(7, 'expand', { plan: true }))
    expect(await life.agent.database(id, 'deploy')).toMatchObject({ username: 'backup' })
    await life.agent.report(id, { outcome: 'done', message: 'would be applied: 001_expand' }, 'deploy')
    expect(await resultOf(life.agent, id)).toMatchObject({
      outcome: 'done',
      pending: { expand: ['001_expand'], data: ['002_data'], contract: [] },
    })
    expect(server.backups).toBe(0)
  })

  it('is not interrupted by a rollback, which is told who holds the lock', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    await ask(life.agent, deployOf(2))
    const id = await open(life, migrateOf(7, 'expand'))
    await expect(submit(life.agent, { kind: 'rollback', reason: 'bad', actor: 'jane' })).rejects.toThrow(
      `migrate ${id} of jane`,
    )
    await life.agent.report(id, { outcome: 'done', message: 'done' }, 'deploy')
    await resultOf(life.agent, id)
  })
})

describe('data and contract by the agent', () => {
  it('refuse to run for a release that does not serve, and end its warm predecessor first', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    expect(await ask(life.agent, migrateOf(7, 'data'))).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('its data and contract migrations follow its own deploy'),
    })
    await ask(life.agent, deployOf(7))
    server.backupsFail = true
    expect(await ask(life.agent, migrateOf(7, 'data'))).toMatchObject({
      outcome: 'refused',
      message: 'the disk is full',
    })
    expect(server.state.warm).not.toBeNull()
    server.backupsFail = false
    expect(await ask(life.agent, migrateOf(7, 'data'))).toMatchObject({
      ...{ outcome: 'done', message: 'data is applied; backup 1 holds what was before' },
      pending: { expand: [], data: [], contract: [] },
    })
    expect(server.state.warm).toBeNull()
    expect(server.backups).toBe(1)
  })

  it('say as of when a backup that was fresh already holds the database', async () => {
    await using life = await start()
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(7))
    const holds = 'holds the database as of 2026-11-30T00:53:20Z'
    life.world.jobs.backup = async () => `backup 1 is fresh: it ended 50 min 3 s ago and ${holds}`
    expect(await ask(life.agent, migrateOf(7, 'data'))).toMatchObject({ message: `data is applied; backup 1 ${holds}` })
  })

  it('run where a newer release serves that carries the same data migrations, by the core of that', async () => {
    await using life = await start()
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(7))
    await ask(life.agent, deployOf(8))
    expect(await ask(life.agent, migrateOf(7, 'data'))).toMatchObject({
      outcome: 'done',
      message: 'data is applied; backup 1 holds what was before',
      serving: memoryRelease(8).id,
      pending: { expand: [], data: [], contract: [] },
    })
    expect(server.backedUp).toBe(memoryRelease(8).id)
    expect(server.state.warm).toBeNull()
    expect(server.ledger.map(({ id }) => id)).toEqual(['001_expand', '002_data'])
  })

  it('do not run where the newer release carries another content under the same id', async () => {
    await using life = await start()
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(9))
    expect(await ask(life.agent, migrateOf(7, 'data'))).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('its data and contract migrations follow its own deploy'),
    })
    expect(server.backups).toBe(0)
  })

  it('that were ended on their way are failed, and say how they go on', async () => {
    await using life = await start()
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(7))
    life.world.jobs.migrate = ended
    expect(await ask(life.agent, migrateOf(7, 'data'))).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(
        /^it took longer than 14 d 0 h and was ended: the ledger .*; ask again, which goes/,
      ),
    })
    life.world.jobs.migrate = async () => Promise.reject(new Failure('unreachable', 'the database does not answer'))
    expect(await ask(life.agent, migrateOf(7, 'data'))).toMatchObject({
      outcome: 'refused',
      message: 'before anything changed: the database does not answer',
    })
  })

  it('interrupted by the death of the agent at any point end failed and go on when asked again', async () => {
    {
      await using life = await start()
      server.ledger = [{ id: '001_expand', phase: 'expand' }]
      await ask(life.agent, deployOf(1))
      await ask(life.agent, deployOf(7))
    }
    const base = structuredClone({ ...server, effect: undefined, verifiable: undefined })
    let points = 0
    for (let dieAt = 1; ; dieAt++) {
      for (const after of [false, true]) {
        server = Object.assign(new Server(), structuredClone(base), {
          effect: async () => undefined,
          verifiable: async () => undefined,
        })
        const world = new MemoryWorld(server, Number.POSITIVE_INFINITY, after)
        await using first = await startAgent(directory, world)
        world.dieIn(dieAt)
        const id = `crash-at-${dieAt}-${after}`
        const lived = first.agent
          .submit(id, requestSchema.parse(migrateOf(7, 'data')), 'deploy')
          .then(() => resultOf(first.agent, id))
        if ((await Promise.race([lived, world.died])) !== undefined) return expect(points).toBeGreaterThan(5)
        points++
        await using second = await start()
        expect(server.state.transaction).toBeNull()
        if (second.journal.has(id)) {
          expect(await resultOf(second.agent, id)).toMatchObject({ outcome: expect.stringMatching(/^(failed|done)$/) })
        }
        expect(await ask(second.agent, migrateOf(7, 'data'))).toMatchObject({ outcome: 'done' })
        expect(server.ledger?.map((one) => one.id)).toEqual(['001_expand', '002_data'])
        expect(server.broken).toEqual([])
      }
    }
  })
})

describe('an abort in the backup that comes first', () => {
  it.each([
    ['a migration', migrateOf(7, 'data'), 'an abort was asked for'],
    ['an undo', { kind: 'undo', to: null, reason: 'bad', actor: 'jane', of: memoryRelease(7).id }, 'an abort was'],
  ] as const)('refuses %s, since nothing of the database was touched', async (_what, request, why) => {
    await using life = await start()
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    if (request.kind === 'migrate') await ask(life.agent, deployOf(7))
    server.backupsLast = true
    const id = await submit(life.agent, request)
    for await (const event of life.agent.events(id, 0, new AbortController().signal) ?? []) {
      if (event.type === 'step' && event.step === 'backup') void life.agent.abort(id)
    }
    expect(await resultOf(life.agent, id)).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(
        new RegExp(`^${why}.*: it took its backup, the database was not touched; ask again$`),
      ),
    })
    expect(server.ledger).toHaveLength(1)
  })

  it('refuses a migration also where the backup was whole by then', async () => {
    await using life = await start()
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(7))
    const id = 'ended'
    life.world.jobs.backup = async () => {
      void life.agent.abort(id)
      return 'backup 1 holds 1 document'
    }
    await life.agent.submit(id, requestSchema.parse(migrateOf(7, 'data')), 'deploy')
    expect(await resultOf(life.agent, id)).toMatchObject({
      outcome: 'refused',
      message: 'an abort was asked for: it took its backup, the database was not touched; ask again',
    })
    expect(server.ledger).toHaveLength(1)
  })
})

describe('a contract', () => {
  it('is refused, with nothing changed, while a data migration before it is pending or a warm release lacks it', async () => {
    await using life = await start()
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(7))
    await ask(life.agent, deployOf(8))
    expect(await ask(life.agent, migrateOf(8, 'contract'))).toMatchObject({
      outcome: 'refused',
      message: '003_contract (contract) waits for 002_data (data), which is not applied',
    })
    server.ledger.push({ id: '002_data', phase: 'data' })
    expect(await ask(life.agent, migrateOf(8, 'contract'))).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(/^\S+-000000000000 runs until \S+ for a rollback and does not know 003_contract/),
    })
    expect(server.backups).toBe(0)
    expect(server.state.warm?.instance.release).toBe(memoryRelease(7).id)
    expect(server.ledger).toHaveLength(2)
  })
})

describe('a release and the ledger (I4)', () => {
  it('is not deployed before its expands are applied', async () => {
    await using life = await start()
    expect(await ask(life.agent, deployOf(7))).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('001_expand (expand) is not applied: run migrate with phase expand first'),
    })
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    expect(await ask(life.agent, deployOf(7))).toMatchObject({ outcome: 'deployed' })
  })

  it('is deployed with a note where it carries a contract whose data migrations are not applied', async () => {
    await using life = await start()
    const notesOf = async (number: number) => {
      const id = await submit(life.agent, deployOf(number))
      expect(await resultOf(life.agent, id)).toMatchObject({ outcome: 'deployed' })
      return (await recordedOf(life, id)).flatMap((event) => (event.type === 'note' ? event.message : []))
    }
    const note = expect.stringContaining('waits for')
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    // Nothing served before whose documents it would not read.
    expect(await notesOf(8)).not.toContainEqual(note)
    expect(await notesOf(7)).not.toContainEqual(note)
    expect(await notesOf(8)).toContain(
      '003_contract (contract) waits for 002_data (data), which is not applied: ' +
        `if ${memoryRelease(8).id} reads the new shape only, roll back and first deploy the release that brought the data migration`,
    )
    await notesOf(7)
    server.ledger.push({ id: '002_data', phase: 'data' })
    expect(await notesOf(8)).not.toContainEqual(note)
  })

  it('is not rolled back to when a contract has removed what its code needs', async () => {
    await using life = await start()
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(7))
    await ask(life.agent, deployOf(8))
    await ask(life.agent, migrateOf(8, 'data'))
    const contract = await submit(life.agent, migrateOf(8, 'contract', { reason: 'a month without trouble' }))
    expect(await resultOf(life.agent, contract)).toMatchObject({ outcome: 'done' })
    const notes = (await recordedOf(life, contract)).flatMap((event) => (event.type === 'note' ? event.message : []))
    expect(notes).toContain('why: a month without trouble')
    expect(notes).toContain(`from here no rollback goes to ${memoryRelease(7).id}: they need what 003_contract removes`)
    const request: TransactionRequestInput = { kind: 'rollback', reason: 'bad', actor: 'jane', to: memoryRelease(7).id }
    expect(await ask(life.agent, request)).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('003_contract (contract) is applied, and this release does not know it'),
    })
  })
})

describe('an undo', () => {
  const undoOf = (to: string | null, more: object = {}): TransactionRequestInput => ({
    kind: 'undo',
    to,
    reason: 'the counts are wrong',
    actor: 'jane',
    ...more,
  })
  const all = [
    { id: '001_expand', phase: 'expand' as const },
    { id: '002_data', phase: 'data' as const },
  ]

  it('takes back what was applied after an id, a backup first, and nothing while an edited document is undecided', async () => {
    await using life = await start()
    server.ledger = all.slice(0, 1)
    await ask(life.agent, deployOf(7))
    server.ledger = [...all]
    server.edited = 'reports "r7"'
    expect(await ask(life.agent, undoOf('001_expand'))).toMatchObject({
      outcome: 'refused',
      message: 'decide: reports "r7"',
    })
    expect(server.ledger).toEqual(all)
    expect(await ask(life.agent, undoOf('001_expand', { keep: ['reports "r7"'] }))).toMatchObject({
      outcome: 'done',
      message: 'undone: 002_data; backup 2 holds what was before',
    })
    expect(server.ledger).toEqual(all.slice(0, 1))
    expect(server.backups).toBe(2)
    expect(await ask(life.agent, undoOf('001_expand'))).toMatchObject({
      outcome: 'done',
      message: 'nothing is applied after 001_expand',
    })
    expect(server.backups).toBe(2)
  })

  it('that was ended on its way is failed, and says how it goes on', async () => {
    await using life = await start()
    server.ledger = all.slice(0, 1)
    await ask(life.agent, deployOf(7))
    server.ledger = [...all]
    life.world.jobs.undo = ended
    expect(await ask(life.agent, undoOf('001_expand'))).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(/and was ended: the ledger .*; ask for the same undo again, it continues$/),
    })
  })

  it('is refused while what serves needs it, and ends what is warm and needs it', async () => {
    await using life = await start()
    expect(await ask(life.agent, undoOf(null))).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('nothing serves here: name the release'),
    })
    await ask(life.agent, deployOf(1))
    server.ledger = all.slice(0, 1)
    await ask(life.agent, deployOf(7))
    const of = memoryRelease(7).id
    expect(await ask(life.agent, undoOf(null))).toMatchObject({
      outcome: 'refused',
      message: `${of} serves and needs 001_expand: roll back to a release without, then ask for this again with --release ${of}`,
    })
    await ask(life.agent, { kind: 'rollback', reason: 'bad', actor: 'jane', keepWarm: 600_000 })
    expect(await ask(life.agent, undoOf('005_x', { of }))).toMatchObject({
      outcome: 'bad-input',
      message: `005_x is no migration of ${of}, which has 001_expand, 002_data: name the release that has it (--release)`,
    })
    server.edited = 'reports "r7"'
    expect(await ask(life.agent, undoOf(null, { of }))).toMatchObject({ outcome: 'refused' })
    expect(server.state.warm?.instance.release).toBe(of)
    server.edited = null
    expect(await ask(life.agent, undoOf(null, { of }))).toMatchObject({ outcome: 'done' })
    expect(server.state.warm).toBeNull()
    expect(server.ledger).toEqual([])
  })

  it('cut by the death of the agent ends failed, and goes on when asked again', async () => {
    {
      await using life = await start()
      server.ledger = all.slice(0, 1)
      await ask(life.agent, deployOf(7))
      server.ledger = [...all]
      const world = new MemoryWorld(server)
      await using dying = await startAgent(directory, world)
      world.dieIn(3)
      void dying.agent.submit('undo-that-dies', requestSchema.parse(undoOf('001_expand')), 'deploy')
      await world.died
    }
    await using second = await start()
    expect(await resultOf(second.agent, 'undo-that-dies')).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('ask for the same undo again'),
    })
    expect(await ask(second.agent, undoOf('001_expand'))).toMatchObject({ outcome: 'done' })
    expect(server.ledger).toEqual(all.slice(0, 1))
  })
})

describe('a mark', () => {
  const markOf = (migration: string, as: 'applied' | 'pending', more: object = {}): TransactionRequestInput => ({
    kind: 'mark',
    migration,
    as,
    reason: 'looked at every document',
    actor: 'jane',
    ...more,
  })

  it('writes the ledger alone, and the audit keeps why and as what', async () => {
    await using life = await start()
    expect(await ask(life.agent, markOf('001_expand', 'applied'))).toMatchObject({
      outcome: 'refused',
      message: 'nothing serves here: name the release that has the migration (--release)',
    })
    await ask(life.agent, deployOf(1))
    const of = memoryRelease(7).id
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(7))
    expect(await ask(life.agent, markOf('005_x', 'applied'))).toMatchObject({
      outcome: 'bad-input',
      message: `005_x is no migration of ${of}, which has 001_expand, 002_data: name the release that has it (--release)`,
    })
    expect(server.state.warm).not.toBeNull()
    expect(await ask(life.agent, markOf('002_data', 'applied'))).toMatchObject({
      outcome: 'done',
      message: '002_data is marked applied',
    })
    // Its code reads the old shape, and a rollback to it would take an instant.
    expect(server.state.warm).toBeNull()
    expect(server.ledger.map(({ id }) => id)).toEqual(['001_expand', '002_data'])
    expect(server.backups).toBe(0)
    const audits = (await readdir(directory)).filter((name) => /^\d{4}-\d\d-\d\d\.jsonl$/.test(name))
    expect(await readFile(join(directory, audits[0] ?? ''), 'utf8')).toContain(
      '"reason":"looked at every document","migration":"002_data","as":"applied"',
    )
  })

  it('is refused where what runs would lack what it needs', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(7))
    const of = memoryRelease(7).id
    const needed = {
      outcome: 'refused',
      message: `${of} runs and needs 001_expand: roll back to a release without first`,
    }
    expect(await ask(life.agent, markOf('001_expand', 'pending'))).toMatchObject(needed)
    await ask(life.agent, deployOf(8))
    expect(await ask(life.agent, markOf('003_contract', 'applied'))).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(/runs until \S+ for a rollback and does not know 003_contract/),
    })
    expect(server.ledger).toHaveLength(1)
  })

  it('that ledger or check refuses leaves the warm release alone', async () => {
    await using life = await start()
    await ask(life.agent, deployOf(1))
    server.ledger = [{ id: '001_expand', phase: 'expand' }]
    await ask(life.agent, deployOf(7))
    const { warm } = server.state
    server.settled = ['002_data']
    expect(await ask(life.agent, markOf('002_data', 'applied'))).toMatchObject({
      outcome: 'refused',
      message: '002_data: there is nothing to settle',
    })
    expect(warm).not.toBeNull()
    expect(server.state.warm).toEqual(warm)
  })

  it('cut by the death of the agent ends failed, and is asked for again', async () => {
    {
      await using life = await start()
      server.ledger = [{ id: '001_expand', phase: 'expand' }]
      await ask(life.agent, deployOf(7))
      const world = new MemoryWorld(server)
      await using dying = await startAgent(directory, world)
      world.dieIn(2)
      void dying.agent.submit('mark-that-dies', requestSchema.parse(markOf('002_data', 'applied')), 'deploy')
      await world.died
    }
    await using second = await start()
    expect(await resultOf(second.agent, 'mark-that-dies')).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('mark it again'),
    })
    expect(await ask(second.agent, markOf('002_data', 'applied'))).toMatchObject({ outcome: 'done' })
    expect(server.ledger.map(({ id }) => id)).toEqual(['001_expand', '002_data'])
  })
})
