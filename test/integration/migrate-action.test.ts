// What a user meets of migrations, on a real database: the action on a runner, and the agent's child on the server.
import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Db } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { ChildLine } from '../../src/agent/data/child.ts'
import { work } from '../../src/agent/data/work.ts'
import { loadMigrations } from '../../src/migrations/index.ts'
import type { ReleaseManifest } from '../../src/release/index.ts'
import { type Database, startDatabase, startWire, type Wire } from '../lab/index.ts'
import { clear, contentOf, passLease, putReports, sampleFolder } from '../migrations/site.ts'
import { openingDatabase, servesRelease } from '../unit/actions/migrations.ts'
import { freshKey } from '../unit/actions/private-key.ts'
import { startServer } from '../unit/actions/server.ts'

const FOLDER = 'deployment/production/migrations'
const release = `ghcr.io/org/pacs/release@sha256:${'1'.repeat(64)}`
const sarifSchema = z.object({
  runs: z.array(
    z.object({
      results: z.array(z.object({ ruleId: z.string(), level: z.string(), message: z.object({ text: z.string() }) })),
    }),
  ),
})

let database: Database
let root: Db
let wire: Wire
let folder: string
/** As the manifest of a release carries them. */
let carried: ReleaseManifest['migrations']
let files: Record<string, string>

beforeAll(async () => {
  database = await startDatabase()
  root = (await database.connect('root')).db('pacs')
  wire = await startWire(database)
  folder = await sampleFolder()
  carried = (await loadMigrations(folder)).map(({ id, sha256, phase }) => ({ id, sha256, phase }))
  const names = await readdir(folder)
  const texts = names.map(async (name) => [`${FOLDER}/${name}`, await readFile(join(folder, name), 'utf8')] as const)
  files = Object.fromEntries(await Promise.all(texts))
})
beforeEach(async () => {
  await clear(root)
  await putReports(root, 60)
})
afterAll(async () => {
  await wire?.[Symbol.asyncDispose]()
  await database?.down()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

describe('the action', () => {
  it('plans without one write, red where a run would be refused, and runs its expand once that is mended', async () => {
    await using server = await startServer(freshKey().text)
    await server.database(wire.port)
    openingDatabase(server, database.passwords.migrations, carried)
    servesRelease(server, release)
    await root.collection('reports').createIndex({ author: 1, study: 1 }, { name: 'author' })
    const before = await contentOf(root)
    const sent = wire.writes.length

    const plan = await server.run('migrate', { plan: 'true', phase: 'all' }, { files })
    expect(wire.writes.slice(sent)).toEqual([])
    expect(await contentOf(root)).toEqual(before)
    const trouble = 'reports an index author with other keys or options is there'
    expect(plan.log.commands).toContainEqual({
      name: 'error',
      properties: { title: 'impact', file: `${FOLDER}/003_report_words.js`, line: '1' },
      message: trouble,
    })
    expect(plan.log.messages('error').at(-1)).toBe(
      'refused: would be applied: 001_create_collections, 003_report_words; ' +
        '004_count_words (data) waits for 001_create_collections (expand), which is not applied; ' +
        '005_drop_note (contract) waits for 001_create_collections (expand), which is not applied; ' +
        `would be refused: 003_report_words.js: ${trouble}`,
    )
    expect(plan.outputs).toMatchObject({
      ...{ outcome: 'refused', 'exit-class': '10', 'pending-data': '' },
      pending: '001_create_collections,003_report_words',
    })
    expect(plan.summary).toMatch(/^\| migration \| what \| does here \| can be undone \|$/m)
    expect(
      plan.summary.split('\n').filter((line) => /^\| 00\d_\w+ \(expand\)/.test(line.replaceAll('&#95;', '_'))),
    ).toHaveLength(2)
    const { runs } = sarifSchema.parse(JSON.parse(await readFile(plan.outputs.sarif ?? '', 'utf8')))
    expect(runs[0]?.results).toEqual([{ ruleId: 'impact', level: 'error', message: { text: trouble } }])

    await root.collection('reports').dropIndex('author')
    const run = await server.run('migrate', { release }, { files })
    expect(run.log.messages('error')).toEqual([])
    expect(server.daemon.service.reports.map(({ report }) => report)).toMatchObject([
      { outcome: 'refused' },
      { outcome: 'done', message: expect.stringMatching(/^applied: 001_create_collections, 003_report_words/) },
    ])
    const left = await server.run('migrate', { release, plan: 'true', phase: 'data' }, { files })
    expect(left.outputs).toMatchObject({ outcome: 'done', pending: '004_count_words' })
    expect(left.summary).toContain('60 documents are changed')

    await root.collection('auditlogs').dropIndex('seq')
    openingDatabase(server, database.passwords.migrations, carried.slice(0, 1))
    const pull = await server.run('migrate', { plan: 'true', phase: 'all' }, { files })
    const said = sarifSchema.parse(JSON.parse(await readFile(pull.outputs.sarif ?? '', 'utf8')))
    expect(said.runs[0]?.results.map(({ ruleId, level, message }) => [ruleId, level, message.text])).toEqual([
      ['contract-too-early', 'error', expect.stringMatching(/^a contract in the release of 004_count_words/)],
      ['drift', 'warning', 'auditlogs: index seq is not there: someone changed it by hand'],
    ])
    expect(pull.outputs).toMatchObject({ outcome: 'refused' })
  })
})

describe('the action on a server without an agent', () => {
  it('runs every phase here through the tunnel, and on data only with a reason for the missing backup', async () => {
    await using server = await startServer(freshKey().text)
    await server.database(wire.port)
    const login = {
      database: 'pacs',
      'database-username': 'migrations',
      'database-password': database.passwords.migrations,
    }
    const run = (inputs: Record<string, string>) =>
      server.run('migrate', { via: 'tunnel', ...login, ...inputs }, { files })
    // Nothing listens where this tunnel ends: that is said after a while, and asked for beside the rest.
    await using closed = await startServer(freshKey().text)
    await closed.withoutAgent()
    const unreachable = closed.run('migrate', { via: 'tunnel', ...login }, { files })
    const before = await contentOf(root)
    const sent = wire.writes.length
    expect((await run({})).log.messages('error')[0]).toMatch(/^input via: an agent runs on this server/)
    await server.withoutAgent()
    const plan = await run({ plan: 'true', phase: 'all' })
    expect(plan.outputs).toMatchObject({ outcome: 'done', pending: '001_create_collections,003_report_words' })
    const unsaved = await run({})
    expect(unsaved.log.messages('error')).toEqual([
      'refused: the database holds data, and without an agent nothing here takes a backup of it: take one, then name it in the input no-backup',
    ])
    expect(unsaved.outputs).toMatchObject({ outcome: 'refused', 'exit-class': '10' })
    const wrong = await run({ 'database-password': 'a wrong one' })
    expect(wrong.log.messages('error')[0]).toMatch(
      /^the database at \S+tunnel\.sock refused the credentials of migrations$/,
    )
    expect(wrong.log.messages('add-mask')).toContain('a wrong one')
    const early = await run({ phase: 'data', 'no-backup': 'the snapshot of this night' })
    expect(early.log.messages('error')[0]).toMatch(
      /^refused: 004_count_words \(data\) waits for 001_create_collections/,
    )
    expect(wire.writes.slice(sent)).toEqual([])
    expect(await contentOf(root)).toEqual(before)

    const expand = await run({ 'no-backup': 'the snapshot of this night', reason: 'release 7' })
    expect(expand.log.messages('error')).toEqual([])
    expect(expand.outputs).toMatchObject({ outcome: 'done', pending: '', 'pending-data': '004_count_words' })
    const history = root.collection('_migrations_history')
    expect(await history.findOne({ migration: '003_report_words', event: 'applying' })).toMatchObject({
      ...{ actor: 'octocat', note: 'no backup: the snapshot of this night; release 7' },
    })
    const data = await run({ phase: 'data', 'no-backup': 'the snapshot of this night' })
    expect(data.summary).toContain('applied: 004&#95;count&#95;words')
    expect(await root.collection('reports').countDocuments({ words: { $exists: false } })).toBe(0)
    // Nothing is left to apply: no backup is asked for, and nothing is written.
    const written = wire.writes.length
    expect((await run({})).outputs).toMatchObject({ outcome: 'done', pending: '' })
    expect(wire.writes.slice(written)).toEqual([])
    expect(await readdir(server.job.temp)).toEqual(['pacs-migrations.sarif'])

    const nobody = await unreachable
    expect(nobody.log.messages('error')[0]).toMatch(/^127\.0\.0\.1:27017 on staging\.example\.org cannot be reached: /)
    expect(nobody.outputs).toMatchObject({ outcome: 'unreachable', 'exit-class': '50' })
    expect(await readdir(closed.job.temp)).toEqual([])
  })

  it('that is cancelled while the tunnel swallows everything ends in time and leaves nothing; the next run finishes', async () => {
    await using server = await startServer(freshKey().text)
    await using silent = await startWire(database)
    await server.database(silent.port)
    await server.withoutAgent()
    const run = (more: object) => {
      const login = { 'database-username': 'migrations', 'database-password': database.passwords.migrations }
      const inputs = { via: 'tunnel', database: 'pacs', ...login, 'no-backup': 'the snapshot of this night' }
      return server.run('migrate', inputs, { files, ...more })
    }
    silent.break({ how: 'silence', at: 'request', matches: ({ createIndexes }) => createIndexes === 'reports' })
    const cancelled = await run({ cancelAt: '003_report_words: reports may count their words' })
    expect([cancelled.code, cancelled.endedInTime]).toEqual([1, true])
    expect(cancelled.log.messages('error')).toEqual([expect.stringMatching(/^cancelled: the migration ends between/)])
    // Before the post step, which would end what it finds.
    expect(await readdir(server.job.temp)).toEqual([])
    expect(await processesIn(server.job.temp)).toEqual([])

    silent.mend()
    await passLease(root)
    const next = await run({})
    expect(next.log.messages('error')).toEqual([])
    expect(next.outputs).toMatchObject({ outcome: 'done', 'pending-data': '004_count_words' })
    expect(await root.collection('reports').indexExists('author')).toBe(true)
  })

  /** The working directories below `folder`, there or not any more, of processes that still run. */
  async function processesIn(folder: string): Promise<string[]> {
    const running = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const places = await Promise.all(running.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
    return places.filter((place) => place.startsWith(folder))
  }
})

describe('the agent’s child', () => {
  /** What the child says to one piece of work. */
  async function said(asked: object): Promise<ChildLine[]> {
    const lines: ChildLine[] = []
    const { port } = wire
    const access = { port, database: 'pacs', username: 'migrations', password: database.passwords.migrations }
    const common = { access, directory: folder, migrations: carried, run: 'run', actor: 'jane' }
    const input = Readable.from([JSON.stringify({ ...common, ...asked })])
    await work(input, (line) => void lines.push(line), new AbortController().signal)
    return lines
  }
  const undo = { work: 'undo', to: '003_report_words', keep: [], restore: [] }

  it('undoes exactly, and nothing before a person decided about each document that was edited since', async () => {
    await said({ work: 'migrate', phase: 'expand' })
    const before = await contentOf(root)
    await said({ work: 'migrate', phase: 'data' })
    const migrated = await contentOf(root)
    await root
      .collection('reports')
      .updateMany({ study: { $in: ['1.2.7', '1.2.14', '1.2.21'] } }, { $inc: { words: 1 } })
    const edited = await contentOf(root)
    const open = (await said(undo)).at(-1)
    expect(open).toMatchObject({ type: 'failed', kind: 'refused' })
    expect(open?.type === 'failed' && open.message.split('\n').slice(1).sort()).toEqual([
      'reports "r14"',
      'reports "r21"',
      'reports "r7"',
    ])
    expect(await contentOf(root)).toEqual(edited)
    expect(edited).not.toEqual(migrated)

    const decided = await said({ ...undo, keep: ['reports "r7"'], restore: ['reports'] })
    expect(decided.at(-1)).toEqual({ type: 'done', value: 'undone: 004_count_words' })
    expect(await root.collection('reports').countDocuments({ words: { $exists: true } })).toBe(1)
    await root.collection('reports').updateOne({ study: '1.2.7' }, { $unset: { words: '' }, $set: { revision: 1 } })
    expect(await contentOf(root)).toEqual(before)
    expect((await said(undo)).at(-1)).toEqual({ type: 'done', value: 'nothing was left to undo' })
  })

  it('marks what a person found out, and nothing that the ledger or the check of the migration knows better', async () => {
    const mark = (as: string) =>
      said({ work: 'mark', migration: '001_create_collections', as, reason: 'found it in the log' })
    const refused = (message: string) => ({
      type: 'failed',
      kind: 'refused',
      message: expect.stringContaining(message),
    })
    expect((await mark('applied')).at(-1)).toMatchObject(refused('is pending, and its history says nothing else'))
    await said({ work: 'migrate', phase: 'expand' })
    expect((await mark('pending')).at(-1)).toMatchObject(refused('is applied, and its history says the same'))
    await root.collection('_migrations').deleteOne({ _id: '001_create_collections' as never })
    expect((await said({ work: 'migrate', phase: 'expand' })).at(-1)).toMatchObject(refused('edited by hand'))
    expect((await mark('pending')).at(-1)).toMatchObject(refused('its check says that it is done'))
    expect(await mark('applied')).toEqual([{ type: 'done', value: '001_create_collections is marked applied' }])
    expect(await root.collection('_migrations_history').findOne({}, { sort: { _id: -1 } })).toMatchObject({
      ...{ event: 'marked-applied', actor: 'jane', note: 'found it in the log' },
    })
    expect((await said({ work: 'migrate', phase: 'expand' })).at(-1)).toMatchObject({ type: 'done' })
  })
})
