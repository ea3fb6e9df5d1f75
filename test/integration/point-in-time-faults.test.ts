// A restore to a second between two backups that ends half-way: nothing that lives is touched, what is left is named, and the next one
// comes to the end.
import { execFileSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Document } from 'mongodb'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DataPlan } from '../../src/agent/data/data-plan.ts'
import { openJobs } from '../../src/agent/data/open-jobs.ts'
import { runRestore } from '../../src/backup/index.ts'
import { InstantSite, type Mark, stateOf } from '../backup/instant-site.ts'
import { fillRecords } from '../backup/records.ts'
import { startWire, type Wire } from '../lab/index.ts'

const UPDATES = 1500
const AGENT = join(import.meta.dirname, '../../src/agent/main.ts')
let site: InstantSite
let before: string
let then: Mark
let live: Mark['state']

beforeAll(async () => {
  site = await InstantSite.start()
  const reports = site.db.collection<Document & { _id: string }>('reports')
  await fillRecords(site.db, 10)
  before = (await site.backUp()).id
  // Each takes a way to the server and back, so that the replay has a middle.
  for (let version = 2; version < UPDATES + 2; version++) {
    await site.act(
      () => reports.updateOne({ _id: 'r1' }, { $set: { version } }),
      (told) => told.update('reports', 'r1', { $v: 2, diff: { u: { version } } }),
    )
  }
  then = await site.mark()
  await site.act(
    () => reports.deleteOne({ _id: 'r2' }),
    (told) => told.delete('reports', 'r2'),
  )
  live = await stateOf(site.db)
}, 300_000)
afterAll(() => site?.[Symbol.asyncDispose]())

beforeEach(() => site.side.dropDatabase())

/** What it left is named to whoever asks again, touches nothing that lives, and once dropped it comes back whole. */
async function expectAgain(): Promise<void> {
  expect(await stateOf(site.db)).toEqual(live)
  expect(await readdir(join(site.directory, 'restore'))).toEqual([])
  await expect(runRestore(site.restoring(then.to))).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(
      /^the database pacs_restored is there already.*\("pacs_restored"\)\.dropDatabase\(\)/,
    ),
  })
  await site.expectRestored(then)
  expect(await stateOf(site.db)).toEqual(live)
}

it('a restore that is ended in the middle of the replay says so in one line, and the next run comes to the end', async () => {
  const { directory, database, restic, repository } = site
  const login = (username: 'migrations' | 'backup', port: number) => ({
    ...{ port, database: 'pacs', username, password: database.passwords[username] },
  })
  const logins = { migrate: login('migrations', database.port), backup: login('backup', site.at.port) }
  const data: DataPlan = {
    database: { service: 'mongodb', ...logins },
    ...{ archives: [], caches: [], folders: [], second: null, release: '', versions: {}, stack: directory },
    repository: { ...repository, env: {} },
  }
  const path = process.env.PATH ?? ''
  const place = { backups: directory, metrics: directory, restic, path, dockerConfig: directory }
  const report = {
    ...{ step: async () => {}, note: async () => {} },
    progress: async (line: string) => {
      if (!line.startsWith('replaying the oplog: 1000 of')) return
      const children = execFileSync('pgrep', ['-P', String(process.pid), '-f', AGENT], { encoding: 'utf8' })
      process.kill(Number(children), 'SIGTERM')
    },
  }
  const asked = {
    backup: 'newest',
    repository: 'first',
    target: { kind: 'database', to: then.to },
    plan: false,
  } as const
  const running = openJobs(AGENT, place, () => undefined).restore(
    { data, ...asked },
    { report, signal: new AbortController().signal },
  )
  await expect(running).rejects.toMatchObject({
    kind: 'failed',
    message: `ended by SIGTERM; pacs_restored is left as it was then, from the backup ${before}`,
  })
  await expectAgain()
}, 60_000)

it('a restore from whose replay the database goes away says so in one line, and the next run comes to the end', async () => {
  const faults: Parameters<Wire['break']>[0][] = [
    { how: 'close', at: 'reply', command: 'update', after: UPDATES / 2 },
    { how: 'close', at: 'request', command: 'update', after: UPDATES / 2, reachable: false },
    { how: 'silence', at: 'request', command: 'find', after: UPDATES / 2 },
  ]
  for (const fault of faults) {
    await site.side.dropDatabase()
    await using wire = await startWire(site.database)
    wire.break(fault)
    await expect(runRestore(site.restoring(then.to, {}, wire)), JSON.stringify(fault)).rejects.toMatchObject({
      kind: 'unreachable',
      message: `the connection to the database broke: plan it again, which says what is left; pacs_restored is left as it was then, from the backup ${before}`,
    })
    expect(wire.struck).toBe(1)
    await expectAgain()
  }
}, 180_000)

it('a restore from whose dump the database goes away says so in one line, and the next run comes to the end', async () => {
  await using wire = await startWire(site.database)
  wire.break({ how: 'close', at: 'reply', command: 'insert' })
  await expect(runRestore(site.restoring(then.to, {}, wire))).rejects.toMatchObject({
    kind: 'unreachable',
    message: 'the connection to the database broke: plan it again, which says what is left',
  })
  await expectAgain()
}, 60_000)

it('a restore beside which another one is asked for comes to its end, and the other one to nothing', async () => {
  let other: Promise<unknown> | undefined
  const progress = (line: string) => {
    if (!line.startsWith('replaying the oplog')) return
    other ??= runRestore(site.restoring(then.to, { work: join(site.directory, 'another') })).catch((thrown) => thrown)
  }
  await site.expectRestored(then, { progress })
  expect(await other).toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(/^the database pacs_restored is there already/),
  })
  await expectAgain()
}, 60_000)

it('a backup from which the database goes away says so in one line', async () => {
  await using wire = await startWire(site.at)
  wire.break({ how: 'close', at: 'reply', command: 'find', collection: 'reports', reachable: false })
  await expect(site.backUp(wire)).rejects.toMatchObject({
    kind: 'unreachable',
    message: 'the connection to the database broke: no backup is kept; ask again',
  })
}, 60_000)
