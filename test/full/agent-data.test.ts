// What becomes of the data of a server, with the shipped stack: migrations of every phase, backups, proofs and restores, and whatever
// ends them half-way. Left alone or asked again, the server comes to the state of an undisturbed run, and nothing is done twice.
import { type Document, EJSON, ObjectId } from 'bson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sendImage } from '../dicom/send.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { fencedBlocks, readPage } from '../docs/fenced-blocks.ts'
import { guideBlocks } from '../docs/guide.ts'
import { FakeGitHub } from '../github/fake-api.ts'
import { type Machine, waitFor } from '../lab/index.ts'
import { openServerDatabase, type ServerDatabase } from '../site/database.ts'
import { loseDocument } from '../site/lose-document.ts'
import { agent, configure, type ServerSecrets, type SiteConfig, statusOf } from '../site/server.ts'
import { count, type Site, startSite } from '../site/site.ts'
import { ask, askAndKill, atRest, instancesOn, type Seen } from '../site/transactions.ts'
import { logIn, type Session, visit } from '../stack/visit.ts'

const QUICK = ['--watch', '2s', '--hold', '3s', '--keep-warm', '10m']
const LIMIT = 120_000
/** Enough for some seconds of a data migration, in batches of 50. */
const REPORTS = 3000
const IMAGE = syntheticImage('DATA^PATIENT', 'DATA-1')
const PASSWORD = 'secrets/restic-password'
let site: Site
let server: Machine
let config: SiteConfig & { secrets: ServerSecrets }
let database: ServerDatabase
let jane: Session
const releases = { first: '', second: '', third: '' }
const ids = { first: '', second: '' }

beforeAll(async () => {
  site = await startSite(['data', 'rebuilt'])
  server = site.lab.server('data')
  const configured = site.configs.get('data')
  if (configured === undefined) throw new Error('the server has no configuration')
  config = configured
  releases.first = await site.repository.build()
  const empty = await ask(server, ['migrate', releases.first])
  expect(empty).toMatchObject({ code: 0, result: { outcome: 'done' } })
  expect(JSON.stringify(empty.events)).toContain('the database holds no document: there is nothing to back up')
  expect(await ask(server, ['deploy', releases.first, ...QUICK])).toMatchObject({ result: { outcome: 'deployed' } })
  ids.first = (await statusOf(server)).serving?.release ?? ''
  database = await openServerDatabase(site.lab, server, configured.secrets.mongodbMigrationsPassword)
  await workADay()
})

afterAll(async () => {
  await database?.[Symbol.asyncDispose]()
  await site?.[Symbol.asyncDispose]()
})

/** A modality sends a study; people tell of a finding and sign a report; the years before left many reports. */
async function workADay(): Promise<void> {
  await sendImage(IMAGE, { host: '127.0.0.1', port: server.port(4242), called: 'PACS', calling: 'CT1' })
  jane = await logIn(site.lab, server)
  const study = IMAGE.studyInstanceUid
  const say = async (path: string, body: object, method?: 'PUT') => {
    const { status, body: said } = await visit(site.lab, server, path, {
      session: jane,
      body,
      ...(method ? { method } : {}),
    })
    expect(status, `${path}: ${said.toString()}`).toBeLessThan(300)
  }
  await say('/api/notifications', { study, severity: 'critical', finding: 'Tension pneumothorax', recipient: 'john' })
  await say(`/api/studies/${study}/report`, { text: 'A fracture of the left wrist.', base: 0 }, 'PUT')
  await say(`/api/studies/${study}/report/sign`, { version: 1, meaning: 'author', password: 'jane in the lab' })
  const old = Array.from({ length: REPORTS }, (_, n) => ({
    _id: new ObjectId(),
    study: `1.2.840.${n}`,
    text: `no finding in series ${n} `.repeat((n % 3) + 1).trim(),
    author: `reader${n % 5}`,
    createdAt: new Date(Date.UTC(2020, 1, 1) + n * 60_000),
    version: 1,
    state: 'signed',
    // The fixture 004 counts it up: 1 is once.
    revision: 0,
    ...(n % 2 === 0 ? { note: { source: 'paper', page: n } } : {}),
  }))
  await database.db.collection('reports').insertMany(old)
}

/** The reports as text by id, without the fields that migrations of this file set. */
async function reportsAsBefore(): Promise<Map<string, string>> {
  const all = await database.db.collection('reports').find().toArray()
  return new Map(
    all.map(({ words: _words, reader: _reader, revision: _revision, ...report }) => [
      String(report._id),
      EJSON.stringify(report, { relaxed: false }),
    ]),
  )
}

const ledger = async () => {
  const entries = await database.db
    .collection<{ _id: string; state: string }>('_migrations')
    .find({ state: { $exists: true } })
    .sort({ _id: 1 })
    .toArray()
  return entries.map(({ _id, state }) => `${_id} ${state}`)
}

async function historyOf(migration: string): Promise<string[]> {
  const lines = await database.db
    .collection<Document>('_migrations_history')
    .find({ migration })
    .sort({ _id: 1 })
    .toArray()
  return lines.map(({ event }) => String(event))
}

const RESTIC = `/opt/pacs/bin/restic -r /opt/pacs/backups/repository -p /opt/pacs/config/next/${PASSWORD} --no-cache`
const restic = (...args: string[]) => server.exec([...RESTIC.split(' '), '--no-lock', ...args], { user: 'pacs' })

/** How many complete backups the repository holds; 0 before there is one. */
async function backups(): Promise<number> {
  const { code, stdout } = await restic('snapshots', '--json', '--tag', 'part=contents')
  return code === 0 ? z.array(z.unknown()).parse(JSON.parse(stdout)).length : 0
}

/** Lets each complete backup have begun `minutes` before it did. */
async function makeBackupsOlder(minutes: number): Promise<void> {
  const { stdout } = await restic('snapshots', '--json', '--tag', 'part=contents')
  const all = z.array(z.object({ tags: z.array(z.string()) })).parse(JSON.parse(stdout))
  for (const { tags } of all) {
    const tag = tags.find((one) => one.startsWith('id=')) ?? ''
    const [, year, month, day, hour, minute, second, rest] =
      /^id=(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)z(-.*)$/.exec(tag) ?? []
    const began = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - minutes * 60_000
    const older = new Date(began)
      .toISOString()
      .replace(/[-:]|\.\d+/g, '')
      .toLowerCase()
    const change = ['--tag', tag, '--remove', tag, '--add', `id=${older}${rest}`]
    await server.run([...RESTIC.split(' '), 'tag', ...change], { user: 'pacs' })
  }
}

const withPassword = (text: string): SiteConfig => ({ ...config, files: { ...config.files, [PASSWORD]: text } })

/** What stands still in a refusal: the ledger, the instances, the backups, and what is warm. */
async function standing() {
  const { serving, warm } = await statusOf(server)
  return { ledger: await ledger(), instances: await instancesOn(server), backups: await backups(), serving, warm }
}

/** The request is refused, with this configuration where one is given, and nothing changes. */
async function expectRefused(args: readonly string[], why: RegExp, wrong?: SiteConfig): Promise<void> {
  const before = await standing()
  if (wrong !== undefined) await configure(server, wrong)
  try {
    const { result, stderr } = await ask(server, args)
    expect(result?.message ?? stderr).toMatch(why)
    expect(result?.outcome).toMatch(/^(refused|bad-input)$/)
  } finally {
    if (wrong !== undefined) await configure(server, config)
  }
  expect(await standing()).toEqual(before)
}

/** Asks for `args`, and for a rollback as soon as an event has `text` in it. */
async function askAndRollBack(
  args: readonly string[],
  text: string,
  ...target: string[]
): Promise<{ ended: Seen; back: Seen }> {
  let back: Promise<Seen> | undefined
  const ended = await ask(server, args, (event) => {
    if (!JSON.stringify(event).includes(text)) return
    back ??= ask(server, ['rollback', ...target, '--reason', 'worse than before', ...QUICK])
  })
  if (back === undefined) throw new Error(`${args.join(' ')} said nothing of ${text}: ${JSON.stringify(ended)}`)
  return { ended, back: await back }
}

/** What a page has a person type at the console of a server. */
const consoleBlocks = (page: string) =>
  fencedBlocks(page).flatMap(({ language, text }) => (language === 'sh' ? [text] : []))

const orthanc = async (format: string) =>
  (await server.run(['docker', 'container', 'inspect', '--format', format, 'pacs-orthanc-1'])).trim()

/** The folder itself is gone where the agent cleared up, and there where its child came to do so. */
const leftOfWork = () => server.run(['sh', '-c', 'ls -A /opt/pacs/backups/work 2>/dev/null || :'])

describe('an expand on a database that holds data', () => {
  beforeAll(async () => {
    for (const name of ['003_report_words.js', '004_count_words.js']) {
      await site.repository.addMigration(name, `migrations/${name}`)
    }
    await site.repository.addFile('deployment/production/checks/records.check.js', 'data/records.check.js')
    releases.second = await site.repository.build()
  })

  it('is refused, and nothing changes, where no backup can be taken', async () => {
    const missing = /secrets\/restic-password is missing or empty/
    await expectRefused(['migrate', releases.second], missing, withPassword(''))
    const elsewhere = { ...config, env: { ...config.env, BACKUP_REPOSITORY: '/root/backups' } }
    await expectRefused(['migrate', releases.second], /\/root\/backups/, elsewhere)
    expect(await ledger()).toEqual(['001_create_collections applied', '002_create_reports applied'])
  })

  it('is backed up before, exactly once', async () => {
    expect(await backups()).toBe(0)
    const counter = await count(site.lab, server)
    const { code, result, events } = await ask(server, ['migrate', releases.second])
    expect((await counter.stop()).lost).toEqual([])
    expect(result).toMatchObject({
      outcome: 'done',
      message: expect.stringMatching(
        /^applied: 003_report_words; backup \S+ holds (what was before|the database as of \S+)$/,
      ),
    })
    expect(code).toBe(0)
    expect(JSON.stringify(events).match(/backup \S+ holds \d+ documents and 1 study/g)).toHaveLength(1)
    expect(await backups()).toBe(1)
    expect(await ask(server, ['migrate', releases.second])).toMatchObject({ code: 0, result: { outcome: 'done' } })
    expect(await backups()).toBe(1)
  })
})

describe('a data migration', () => {
  let before: Map<string, string>

  beforeAll(async () => {
    const early = ['migrate', releases.second, '--phase', 'data']
    await expectRefused(early, /serves, not \S+: its data and contract migrations follow its own deploy/)
    expect(await ask(server, ['deploy', releases.second, ...QUICK])).toMatchObject({ result: { outcome: 'deployed' } })
    ids.second = (await statusOf(server)).serving?.release ?? ''
    before = await reportsAsBefore()
  })

  it('is refused with the wrong password of the backups, and the old release stays warm', async () => {
    const args = ['migrate', releases.second, '--phase', 'data']
    await expectRefused(args, /does not open with this password/, withPassword('not the password'))
    expect((await statusOf(server)).warm?.release).toBe(ids.first)
  })

  it('is refused where the last backup began over six hours ago and no other can be written, and takes another where it can', async () => {
    const args = ['migrate', releases.second, '--phase', 'data']
    await makeBackupsOlder(361)
    const snapshots = '/opt/pacs/backups/repository/snapshots'
    await server.run(['chmod', '0550', snapshots])
    await expectRefused(args, /^before anything changed: restic ended with \d+ on .*permission denied/)
    await server.run(['chmod', '2770', snapshots])
    expect((await statusOf(server)).warm?.release).toBe(ids.first)
    expect(await backups()).toBe(1)
  })

  it('whose agent is killed in the middle ends warm first, frees the lock and leaves what it did', async () => {
    const args = ['migrate', releases.second, '--phase', 'data']
    const { result } = await askAndKill(server, args, { text: '004_count_words: reports,' })
    expect(result).toMatchObject({ outcome: 'failed', message: expect.stringMatching(/^interrupted: the ledger/) })
    expect((await atRest(server)).warm).toBe(null)
    expect((await ledger()).at(-1)).toBe('004_count_words applying')
    const done = await database.db.collection('reports').countDocuments({ words: { $exists: true } })
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(before.size)
    // The other one was too old.
    expect(await backups()).toBe(2)
  })
})

describe('a backup', () => {
  it('whose agent is killed while the index of the images is copied lets Orthanc run on and leaves nothing', async () => {
    const { result } = await askAndKill(server, ['backup'], { text: 'orthanc: copying the index' })
    expect(result).toMatchObject({ outcome: 'refused', message: expect.stringMatching(/^interrupted/) })
    await atRest(server)
    expect(await orthanc('{{.State.Paused}} {{.State.Running}}')).toBe('false true')
    expect(await leftOfWork()).toBe('')
    expect(await backups()).toBe(2)
  })

  it('whose agent is killed while the files are stored leaves no reader of volumes, and the next one is whole', async () => {
    const engine = ['event=start', 'label=pacs.backup']
    const { result } = await askAndKill(server, ['backup'], { engine })
    expect(result).toMatchObject({ outcome: 'refused' })
    await atRest(server)
    expect(await server.run(['docker', 'ps', '-aq', '--filter', 'label=pacs.backup'])).toBe('')
    expect(await leftOfWork()).toBe('')
    const next = await ask(server, ['backup'])
    expect(next).toMatchObject({
      code: 0,
      result: { message: expect.stringMatching(/holds \d+ documents and 1 study$/) },
    })
    expect(await backups()).toBe(3)
  })

  it("with a study in it proves its restore on every level, the team's own check among them", async () => {
    const { code, result } = await ask(server, ['verify'])
    expect(result).toMatchObject({
      outcome: 'done',
      message: expect.stringContaining('1 DICOM instance came back the same'),
    })
    expect(code).toBe(0)
    for (const level of ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6']) {
      expect(result?.details).toMatch(new RegExp(`\\| ${level} \\|[^|]+\\| ✅ passed`))
    }
    // The three that are shipped, and that one, which the release that serves has brought.
    expect(result?.details).toMatch(/\| L5 \|[^|]+\| ✅ passed \| 4 \|/)
    expect(await server.run(['docker', 'ps', '-aq', '--filter', 'label=pacs.verify'])).toBe('')
    expect((await ask(server, ['verify', '20260101t000000z-00000000'])).result).toMatchObject({ outcome: 'refused' })
  })
})

describe('the workflow verify-backup.yml', () => {
  it('turns red for one lost document and opens an issue, which the next proof closes', async () => {
    await using github = await FakeGitHub.start(await site.repository.hostAddress())
    const verify = (backup?: string) =>
      site.repository.verifyBackup({ environment: 'data', ...(backup === undefined ? {} : { backup }) }, { github })
    const before = await backups()
    const taken = (await ask(server, ['backup'])).result?.message ?? ''
    const whole = /backup (\S+) holds/.exec(taken)?.[1] ?? ''
    const torn = await loseDocument(server, whole, 'reports')

    const red = await verify()
    expect(red.green, red.printed.slice(-3000)).toBe(false)
    expect(red.outputs.get('verify/verify')).toMatchObject({
      ...{ outcome: 'unhealthy', backup: torn, proved: 'false', lost: '1', 'exit-class': '11' },
    })
    expect(red.summaries.join('\n')).toMatch(/reports: .*\d+ of \d+ documents/)
    expect(github.issues).toMatchObject([
      { state: 'open', title: 'No proof of restore: data, the newest backup of the first repository' },
    ])

    await server.run(
      [
        'sh',
        '-c',
        `${RESTIC} forget --prune $(${RESTIC} snapshots --json --tag id=${torn} | grep -o '"short_id":"[0-9a-f]*"' | cut -d'"' -f4)`,
      ],
      { user: 'pacs' },
    )
    const green = await verify()
    expect(green.green, green.printed.slice(-3000)).toBe(true)
    expect(green.outputs.get('verify/verify')).toMatchObject({ backup: whole, proved: 'true', lost: '0' })
    expect(github.issues).toMatchObject([{ state: 'closed' }])
    expect(await backups()).toBe(before + 1)
  })
})

describe('a rollback', () => {
  it('ends a data migration between two batches', async () => {
    const args = ['migrate', releases.second, '--phase', 'data']
    const { ended, back } = await askAndRollBack(args, '004_count_words: reports,', ids.first)
    expect(ended).toMatchObject({
      code: 21,
      result: { outcome: 'failed', message: expect.stringContaining('a rollback') },
    })
    expect(back).toMatchObject({ code: 0, result: { outcome: 'deployed', direction: 'back', serving: ids.first } })
    expect((await ledger()).at(-1)).toBe('004_count_words applying')
  })

  it('ends a backup, of which nothing is kept', async () => {
    const { ended, back } = await askAndRollBack(['backup'], 'storing')
    expect(ended).toMatchObject({
      code: 10,
      result: { message: expect.stringContaining('a backup is kept only if it was whole by then') },
    })
    expect(back).toMatchObject({ code: 0, result: { outcome: 'deployed', direction: 'back', serving: ids.second } })
    expect(await backups()).toBe(4)
    expect(await orthanc('{{.State.Paused}}')).toBe('false')
  })
})

describe('a data migration that is asked for again', () => {
  it('goes on to the state of an undisturbed run, with nothing done twice', async () => {
    const before = await reportsAsBefore()
    const { code, result } = await ask(server, ['migrate', releases.second, '--phase', 'data'])
    expect(result).toMatchObject({
      outcome: 'done',
      message: expect.stringMatching(
        /^applied: 004_count_words; backup \S+ holds (what was before|the database as of \S+)$/,
      ),
    })
    expect(code).toBe(0)
    const reports = await database.db.collection('reports').find().toArray()
    expect(reports.filter(({ text, words }) => words !== text.split(' ').length)).toEqual([])
    expect(reports.filter(({ revision }) => revision === 1)).toHaveLength(REPORTS)
    expect(await reportsAsBefore()).toEqual(before)
    expect(await database.db.collection('_migrations_before').countDocuments({ migration: '004_count_words' })).toBe(
      before.size,
    )
    expect(await historyOf('004_count_words')).toEqual(['applying', 'applying', 'applying', 'applied'])
    expect(await backups()).toBe(4)
  })
})

describe('an undo at the console', () => {
  it('as docs/migrations.md writes it gives every report back, and the migration may be applied again', async () => {
    const before = await reportsAsBefore()
    const [block = ''] = consoleBlocks(await readPage('migrations.md'))
    await server.run(['sh', '-euc', `cd /opt/pacs/releases/${ids.second}/stack\n${block}`])
    expect(await ledger()).not.toContain('004_count_words applied')
    const reports = database.db.collection('reports')
    expect(await reports.countDocuments({ $or: [{ words: { $exists: true } }, { revision: 1 }] })).toBe(0)
    expect(await reportsAsBefore()).toEqual(before)
    expect(await ask(server, ['migrate', releases.second, '--phase', 'data'])).toMatchObject({ code: 0 })
    expect(await reports.countDocuments({ revision: 1 })).toBe(REPORTS)
  })
})

describe('a restore', () => {
  it('of a collection compares, and replaces the live one only when its name is typed', async () => {
    const notifications = database.db.collection('criticalnotifications')
    const lost = await notifications.find().toArray()
    expect(lost).toHaveLength(1)
    await notifications.deleteMany({})
    const of = ['--collection', 'criticalnotifications']
    const plan = await ask(server, ['restore', 'plan', ...of])
    expect(plan.result?.message).toContain('replacing needs the typed name criticalnotifications')
    expect(await notifications.countDocuments()).toBe(0)
    expect((await ask(server, ['restore', 'run', ...of, '--type', 'reports'])).result).toMatchObject({
      outcome: 'refused',
    })
    const { ended: beside, back } = await askAndRollBack(['restore', 'run', ...of], 'restoring')
    expect(back).toMatchObject({ code: 30, stderr: expect.stringContaining('locked: restore') })
    expect(beside.result?.message).toMatch(/nothing was replaced: type criticalnotifications to let it$/)
    expect(await notifications.countDocuments()).toBe(0)
    const typed = await ask(server, ['restore', 'run', ...of, '--type', 'criticalnotifications'])
    expect(typed.result).toMatchObject({ outcome: 'done' })
    expect(await notifications.find().toArray()).toEqual(lost)
    const told = await visit(site.lab, server, '/api/notifications', { session: jane })
    expect(told.body.toString()).toContain('Tension pneumothorax')
  })

  it('of a study gives its files, and no other study', async () => {
    const into = ['--into', '/opt/pacs/backups/study']
    const other = await ask(server, ['restore', 'run', '--study', '1.2.3', ...into])
    expect(other.result).toMatchObject({ outcome: 'refused', message: expect.stringContaining('holds no study 1.2.3') })
    const { result } = await ask(server, ['restore', 'run', '--study', IMAGE.studyInstanceUid, ...into])
    expect(result).toMatchObject({ outcome: 'done' })
    const file = `/opt/pacs/backups/study/${IMAGE.studyInstanceUid}/1.dcm`
    expect(await server.run(['sh', '-c', `head -c 132 ${file} | tail -c 4`])).toBe('DICM')
    expect((await server.exec(['grep', '-qa', IMAGE.sopInstanceUid, file])).code).toBe(0)
  })
})

describe('an expand by a runner', () => {
  beforeAll(async () => {
    await site.repository.addMigration('005_name_reader.js', 'data/005_name_reader.js')
    await site.repository.addMigration('006_drop_note.js', 'migrations/005_drop_note.js')
    await site.repository.addMigration('007_mark_seen.js', 'data/007_mark_seen.js')
    releases.third = await site.repository.build()
  })

  /** Brings the third release from the runner, and does `cut` as soon as documents of the expand are written. */
  async function bringAnd(cut: () => Promise<unknown>) {
    const seen = database.db.collection('reports')
    const running = site.repository.bring({ environment: 'data', release: releases.third })
    const before = await seen.countDocuments({ seen: true })
    await waitFor('documents of the expand', async () => (await seen.countDocuments({ seen: true })) > before, LIMIT)
    await cut()
    return running
  }

  it('that is killed frees the lock; nothing is served that lacks it', async () => {
    const run = await bringAnd(() => site.lab.runner.kill())
    expect(run.green).toBe(false)
    const { last, serving } = await atRest(server)
    expect(last?.result).toMatchObject({ outcome: 'failed', message: expect.stringContaining('went away') })
    expect(serving?.release).toBe(ids.second)
    await site.lab.runner.start()
    await expectRefused(['deploy', releases.third, ...QUICK], /007_mark_seen \(expand\) is half applied/)
  })

  it('whose tunnel is cut goes on, and the release is brought', async () => {
    const unseen = () => database.db.collection('reports').countDocuments({ seen: { $ne: true } })
    const run = await bringAnd(async () => {
      const back = await ask(server, ['rollback', '--reason', 'worse than before', ...QUICK])
      expect(back).toMatchObject({ code: 30, stderr: expect.stringContaining('locked: migrate') })
      await server.run(['pkill', '-KILL', '-u', 'pacs', 'sshd'])
      expect(await unseen()).toBeGreaterThan(0)
    })
    expect(run.green, run.printed.slice(-3000)).toBe(true)
    // Once for the run that was killed, once for this one, and once more if the cut met a command and not the pause between two batches.
    expect((await historyOf('007_mark_seen')).join(' ')).toMatch(/^(applying ){2,3}applied$/)
    expect(await unseen()).toBe(0)
  })
})

describe('a contract', () => {
  const contract = () => ['migrate', releases.third, '--phase', 'contract']

  it('waits for the data migrations before it', async () => {
    await expectRefused(contract(), /006_drop_note \(contract\) waits for 005_name_reader \(data\)/)
    const data = await ask(server, ['migrate', releases.third, '--phase', 'data', '--no-backup', 'taken an hour ago'])
    expect(data).toMatchObject({ code: 0, result: { message: 'applied: 005_name_reader' } })
    const audit = await server.run(['sh', '-c', 'cat /opt/pacs/audit/*.jsonl'])
    expect(audit).toContain('"noBackup":"taken an hour ago"')
    expect((await agent(server, [...contract(), '--no-backup', ''])).code).toBe(40)
  })

  it('names the releases that no rollback goes to any more, and none does', async () => {
    const done = await ask(server, contract())
    expect(done).toMatchObject({ code: 0, result: { outcome: 'done' } })
    expect(JSON.stringify(done.events)).toContain(
      `from here no rollback goes to ${ids.second}, ${ids.first}: they need`,
    )
    expect(await database.db.collection('reports').countDocuments({ note: { $exists: true } })).toBe(0)
    const unknown = /006_drop_note \(contract\) is applied, and this release does not know it/
    await expectRefused(['rollback', ids.second, '--reason', 'worse', ...QUICK], unknown)
    await expectRefused(['deploy', releases.second, ...QUICK], unknown)
  })
})

/** The second repository lies with another user of the first server. */
const VAULT = { BACKUP_SECOND_REPOSITORY: 'sftp:vault@data.lab:backups' }

/** Gives the agent of a machine a key of its own for the vault, the only one that opens it. */
async function letIntoVault(machine: Machine): Promise<void> {
  const home = '/opt/pacs/.ssh'
  await machine.run(['install', '-d', '-m', '0700', '-o', 'pacs', '-g', 'pacs', home])
  await machine.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `${home}/id_ed25519`], { user: 'pacs' })
  const known = `${server.hostname} ${server.hostKey}\n`
  await machine.run(['tee', `${home}/known_hosts`], { user: 'pacs', input: known })
  const key = await machine.run(['cat', `${home}/id_ed25519.pub`])
  await server.run(['tee', '/home/vault/.ssh/authorized_keys'], { user: 'vault', input: `restrict ${key}` })
}

describe('a second repository by SFTP', () => {
  it('gets every backup with the key of pacs, and proves its restore by itself', async () => {
    await server.run(['useradd', '--create-home', 'vault'])
    await server.run(['install', '-d', '-m', '0700', '-o', 'vault', '/home/vault/.ssh'])
    await letIntoVault(server)
    await configure(server, { ...config, env: { ...config.env, ...VAULT, BACKUP_SECRETS: 'yes' } })
    const all = (await backups()) + 1
    expect(await ask(server, ['backup'])).toMatchObject({
      ...{ code: 0, result: { message: expect.stringMatching(/holds \d+ documents and 1 study$/) } },
    })
    expect(await server.run(['sh', '-c', 'ls /home/vault/backups/snapshots | wc -l'])).not.toBe('0')
    const metrics = await server.run(['cat', '/opt/pacs/metrics/pacs-backup.prom'])
    expect(metrics).toMatch(/^pacs_backup_second_repository_waiting 0$/m)
    expect(await ask(server, ['verify', '--repository', 'second'])).toMatchObject({ code: 0 })
    const [, newest] = (await server.run(['pacs-agent', 'backups'])).split('\n')
    expect(newest).toMatch(/^\d{8}t\d{6}z-[0-9a-f]{8} {2}20\S+Z {2}\d+\.\d {2}\S+ +whole {2}whole$/)

    await server.run(['rm', '/home/vault/.ssh/authorized_keys'])
    const without = await ask(server, ['backup'])
    expect(without).toMatchObject({
      ...{
        code: 0,
        result: { message: expect.stringMatching(/the second repository lacks 1 backup: .+$/) },
      },
    })
    expect(await backups()).toBe(all + 1)
    await configure(server, config)
  })
})

describe('a server that is lost', () => {
  it('comes back on a new one from the second repository, as the deployment guide says, with its images and signatures', async () => {
    const rebuilt = site.lab.server('rebuilt')
    const { env, files } = site.configs.get('rebuilt') ?? expect.unreachable()
    const own = Object.fromEntries(Object.entries(files).filter(([path]) => path.startsWith('certs/')))
    const { PACS_PUBLIC_HOST = '' } = env
    await configure(rebuilt, {
      env: { ...config.env, PACS_PUBLIC_HOST, ...VAULT },
      files: { ...config.files, ...own },
    })
    await letIntoVault(rebuilt)
    const release = releases.third || releases.first
    const reports = await database.db.collection('reports').countDocuments()

    const block = (await guideBlocks()).find(({ text }) => text.includes('--repository second'))?.text ?? ''
    const written = block
      .trim()
      .split('\n')
      .map((line) => line.replace('"$RELEASE"', release).split(' ').slice(1))
    const [core = [], planned = [], restored = [], expand = [], deployed = [], data = []] = written
    expect(written.map(([verb]) => verb)).toEqual(['core', 'restore', 'restore', 'migrate', 'deploy', 'migrate'])
    expect(await ask(rebuilt, core)).toMatchObject({ code: 0, result: { outcome: 'done' } })
    const plan = await ask(rebuilt, planned)
    expect(plan.result).toMatchObject({ outcome: 'done', message: expect.stringMatching(/^backup \S+: \d+ steps$/) })
    expect(JSON.stringify(plan.events)).toContain('lacks of the backup from sftp:vault@data.lab:backups')
    const run = await ask(rebuilt, restored)
    expect(run).toMatchObject({ code: 0, result: { outcome: 'done' } })
    expect(run.result?.message).toMatch(/: database pacs; orthanc: 1 instances; redis: \d+ keys; /)
    // The backup is younger than the release.
    const applied = (phase: string) => ({
      code: 0,
      result: { message: `every migration of phase ${phase} is applied` },
    })
    expect(await ask(rebuilt, expand)).toMatchObject(applied('expand'))
    expect(await ask(rebuilt, [...deployed, ...QUICK])).toMatchObject({ result: { outcome: 'deployed' } })
    expect(await ask(rebuilt, data)).toMatchObject(applied('data'))

    const session = await logIn(site.lab, rebuilt)
    const study = `/api/studies/${IMAGE.studyInstanceUid}`
    const read = (path: string) => visit(site.lab, rebuilt, `${study}/${path}`, { session })
    expect(await read('rendered')).toMatchObject({ status: 200 })
    const report = async (from: Machine, by: Session) =>
      JSON.parse((await visit(site.lab, from, `${study}/report`, { session: by })).body.toString())
    const signed = await report(rebuilt, session)
    expect(signed).toEqual(await report(server, jane))
    expect(JSON.stringify(signed)).toContain('"meaning":"author"')
    await using there = await openServerDatabase(site.lab, rebuilt, config.secrets.mongodbMigrationsPassword)
    expect(await there.db.collection('reports').countDocuments()).toBe(reports)
  })
})

describe('docs/backups.md', () => {
  it('writes commands that do what it says', async () => {
    const study = '1.2.840.113619.2.55'
    await server.run(['rm', '-rf', '/opt/pacs/backups/study'])
    const audit = await database.db.collection('auditlogs').countDocuments()
    const taken = await backups()
    for (const block of consoleBlocks(await readPage('backups.md'))) {
      await server.run(['sh', '-euc', block.replaceAll(study, IMAGE.studyInstanceUid)])
    }
    expect(await backups()).toBe(taken + 1)
    expect(await server.run(['ls', `/opt/pacs/backups/study/${IMAGE.studyInstanceUid}`])).toBe('1.dcm')
    const beside = (await database.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name)
    expect(beside.filter((name) => name.startsWith('auditlogs') && name !== 'auditlogs')).toHaveLength(1)
    expect(await database.db.collection('auditlogs').countDocuments()).toBe(audit)
  })
})
