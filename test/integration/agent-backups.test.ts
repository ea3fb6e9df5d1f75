// Backups as the agent takes and restores them: when one is fresh, what a second repository has half of, and what goes along of the
// server's own configuration. On a real database, with a real restic.
import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backUpHere } from '../../src/agent/data/backups.ts'
import type { ChildLine } from '../../src/agent/data/child.ts'
import type { DataPlan } from '../../src/agent/data/data-plan.ts'
import { listHere } from '../../src/agent/data/list-backups.ts'
import type { Place } from '../../src/agent/data/place.ts'
import { restoreHere } from '../../src/agent/data/restores.ts'
import { layout } from '../../src/agent/layout.ts'
import { planData } from '../../src/agent/server/plan-data.ts'
import { chooseBackup } from '../../src/backup/catalogue.ts'
import { type Contents, listBackups, newBackupId, Restic, readContents } from '../../src/backup/index.ts'
import { openDatabase } from '../../src/migrations/index.ts'
import { fillRecords } from '../backup/records.ts'
import { type Database, ensureRestic, Progress, startDatabase, waitFor } from '../lab/index.ts'
import { memoryRelease } from '../unit/agent/memory-world.ts'
import { FIT, stackFrom } from '../unit/stack/stack-from.ts'

const HOUR = 3_600_000
const SECRET = randomBytes(24).toString('hex')
const never = new AbortController().signal
let database: Database
let directory: string
let place: Place

beforeAll(async () => {
  const progress = new Progress()
  database = await startDatabase(progress)
  directory = await mkdtemp(join(tmpdir(), 'pacs-agent-backups-'))
  const path = process.env.PATH ?? ''
  const docker = join(directory, 'docker')
  const folders = { backups: join(directory, 'backups'), metrics: join(directory, 'metrics'), dockerConfig: docker }
  place = { ...folders, path, restic: await ensureRestic(progress) }
  const files = {
    'release/stack/docker-compose.prod.yml': 'services: {}\n',
    'audit/2020-02-29.jsonl': '{"kind":"deploy","actor":"ada"}\n',
    'config/.env': 'PACS_PUBLIC_HOST=pacs.example.org\n',
    'config/secrets/restic-password': randomBytes(24).toString('hex'),
    'config/secrets/jwt-key': SECRET,
  }
  for (const folder of ['release/stack', 'audit', 'journal', 'config/secrets', 'backups', 'metrics'])
    await mkdir(join(directory, folder), { recursive: true, mode: 0o700 })
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content, { mode: 0o444 })
  await fillRecords((await database.connect('migrations')).db('pacs'), 50)
})

afterAll(async () => {
  await database?.down()
  if (directory !== undefined) await rm(directory, { recursive: true, force: true })
})

/** What the agent plans for a release with this `.env`, on the database of this file. */
async function planned(name: string, env: Readonly<Record<string, string>> = {}): Promise<DataPlan> {
  const config = {
    ...{ revision: '0123456789abcdef', directory: join(directory, 'config'), certificate: null },
    env: { BACKUP_REPOSITORY: join(directory, name), ...env },
  }
  const release = { ...memoryRelease(1), directory: join(directory, 'release') }
  const paths = { ...layout(), audit: join(directory, 'audit'), journal: join(directory, 'journal') }
  const login = (username: 'root' | 'backup') => ({
    ...{ port: database.port, database: 'pacs', username, password: database.passwords[username] },
  })
  const service = { service: 'mongodb', migrate: login('root'), backup: login('backup') }
  return { ...(await planData(stackFrom(FIT), release, config, paths)), database: service }
}

const resticOf = ({ repository }: DataPlan) =>
  new Restic(place.restic, repository, place.path, join(place.backups, 'cache'))

/** As `migrate` asks for one. */
async function freshBackup(data: DataPlan): Promise<{ message: string; said: string[] }> {
  const lines: ChildLine[] = []
  const asked = { data, place, unlessNewerThan: HOUR, unlessEmpty: true }
  const message = await backUpHere(asked, (line) => lines.push(line), never)
  return { message, said: lines.flatMap((line) => ('message' in line ? [line.message] : [])) }
}

describe('the list of backups', () => {
  it('names those of both repositories, also beside an exclusive lock, and what is gone or away', async () => {
    const second = join(directory, 'listed-second')
    const data = await planned('listed', { BACKUP_SECOND_REPOSITORY: second })
    const none = await listHere({ data, place }, never)
    expect(none.repositories.map(({ problem }) => problem)).toEqual([
      `the repository ${data.repository.location} is not there`,
      `the repository ${second} is not there`,
    ])
    await backUpHere({ data, place }, () => undefined, never)
    const [backup] = await listBackups(resticOf(data))
    if (backup === undefined) expect.unreachable('there is no backup')
    const { id, startedAt, bytes } = backup
    const whole = { id, server: hostname(), startedAt, bytes, whole: true }
    await writeFile(join(second, 'locks', 'f'.repeat(64)), 'of another restic')
    expect(await listHere({ data, place }, never)).toEqual({
      repositories: [
        { repository: 'first', problem: null, backups: [whole] },
        { repository: 'second', problem: null, backups: [whole] },
      ],
    })
    await resticOf(data).forget([backup.snapshots[0]?.id ?? ''])
    await rename(second, `${second}-away`)
    expect(await listHere({ data, place }, never)).toEqual({
      repositories: [
        { repository: 'first', problem: null, backups: [{ ...whole, whole: false }] },
        { repository: 'second', problem: `the repository ${second} is not there`, backups: [] },
      ],
    })
  })
})

describe('a repository on a disk that is not mounted', () => {
  it('is not made anew in its place, whichever of the two it is, and goes on once it is', async () => {
    const second = join(directory, 'mounted-second')
    const data = await planned('mounted', { BACKUP_SECOND_REPOSITORY: second })
    const taken = async () => (await backUpHere({ data, place }, () => undefined, never)).replace(/^backup \S+ /, '')
    expect(await taken()).toMatch(/^holds \d+ documents and 0 studies$/)
    const unmounted = async (location: string, doing: () => Promise<void>) => {
      await rename(location, `${location}-disk`)
      await mkdir(location)
      await doing()
      expect(await readdir(location)).toEqual([])
      await rmdir(location)
      await rename(`${location}-disk`, location)
    }
    await unmounted(second, async () => {
      const away = /the second repository lacks 1 backup: .* held 1 backup and is not there: is its disk mounted\?/
      expect(await taken()).toMatch(away)
    })
    await unmounted(data.repository.location, async () => {
      await expect(taken()).rejects.toThrow(/ held 2 backups and is not there: is its disk mounted\? .* remove \//)
    })
    expect(await taken()).toMatch(/^holds \d+ documents and 0 studies$/)
    const held = await listBackups(resticOf(data))
    expect(held).toHaveLength(3)
    const two = { ...data, repository: { ...data.repository, location: second } }
    expect(await listBackups(resticOf(two))).toHaveLength(3)
  })
})

describe('a backup before a migration', () => {
  const minutesBefore = (instant: string, minutes: number) => new Date(Date.parse(instant) - minutes * 60_000)

  /** Lets the newest backup have ended `minutes` earlier, and begun `begun` earlier. @returns its id now */
  async function makeOlder(data: DataPlan, minutes: number, begun = minutes): Promise<string> {
    const restic = resticOf(data)
    const [newest = expect.unreachable('there is no backup')] = await listBackups(restic)
    const contents = await readContents(restic, newest)
    const startedAt = minutesBefore(newest.startedAt, begun)
    const finishedAt = minutesBefore(contents.finishedAt, minutes)
    const older = newBackupId(startedAt)
    const { location, passwordFile } = data.repository
    const change = ['--tag', `id=${newest.id}`, '--remove', `id=${newest.id}`, '--add', `id=${older}`]
    const args = ['-r', location, '-p', passwordFile, '--no-cache', 'tag', ...change]
    execFileSync(place.restic, args, { stdio: 'ignore' })
    const changed = (await listBackups(restic)).find(({ id }) => id === older) ?? expect.unreachable()
    const last = changed.snapshots.at(-1) ?? expect.unreachable()
    const file = join(await mkdtemp(join(directory, 'older-')), 'contents.json')
    const times = { startedAt: startedAt.toISOString(), finishedAt: finishedAt.toISOString() }
    await writeFile(file, JSON.stringify({ ...contents, id: older, ...times }))
    await restic.forget([last.id])
    await restic.backup([file], last.tags, last.hostname)
    return older
  }

  it('is taken anew when the last whole one is more than an hour old, whatever younger one is torn', async () => {
    const data = await planned('fresh')
    expect((await freshBackup(data)).message).toMatch(/^backup \S+ holds \d+ documents/)
    const young = await makeOlder(data, 50)
    expect((await freshBackup(data)).message).toMatch(new RegExp(`^backup ${young} is fresh: it ended 50 min`))
    const old = await makeOlder(data, 11)
    const torn = newBackupId(new Date())
    await resticOf(data).backup([import.meta.filename], [`id=${torn}`, 'part=work'], 'test')
    expect((await freshBackup(data)).message).toMatch(/^backup \S+ holds \d+ documents/)
    const all = (await listBackups(resticOf(data))).map(({ id }) => id)
    expect(all).toEqual([expect.not.stringMatching(torn), old])
  })

  it('is none where one that took hours ended within the hour', async () => {
    const data = await planned('long')
    await freshBackup(data)
    const long = await makeOlder(data, 50, 180)
    expect((await freshBackup(data)).message).toMatch(new RegExp(`^backup ${long} is fresh: it ended 50 min`))
  })

  it.each([
    ['no database', () => null],
    ['another database', (database: Contents['database']) => database && { ...database, database: 'staging' }],
    ['nobody knows what', () => 'damaged'],
  ])('is taken where the young one holds %s', async (what, changed) => {
    const data = await planned(what.replaceAll(' ', '-'))
    await freshBackup(data)
    await makeOlder(data, 61)
    const [old = expect.unreachable()] = await listBackups(resticOf(data))
    const contents = await readContents(resticOf(data), old)
    const file = join(await mkdtemp(join(directory, 'young-')), 'contents.json')
    const finishedAt = new Date().toISOString()
    await writeFile(file, JSON.stringify({ ...contents, finishedAt, database: changed(contents.database) }))
    const young = newBackupId(new Date())
    await resticOf(data).backup([file], [`id=${young}`, 'part=contents'], hostname())
    const { message } = await freshBackup(data)
    const taken = /^backup (\S+) holds \d+ documents/.exec(message)?.[1] ?? expect.unreachable(message)
    expect((await freshBackup(data)).message).toMatch(new RegExp(`^backup ${taken} is fresh: it ended`))
    expect((await freshBackup({ ...data, database: null })).message).toMatch(/^backup \S+ is fresh: it ended/)
  })

  it('is taken where the young one in the repository is of another server, and is the newest that this one means', async () => {
    const data = await planned('shared')
    await freshBackup(data)
    const old = await makeOlder(data, 61)
    const theirs = newBackupId(new Date())
    await resticOf(data).backup([import.meta.filename], [`id=${theirs}`, 'part=contents'], 'staging')
    const { message } = await freshBackup(data)
    const taken = /^backup (\S+) holds \d+ documents/.exec(message)?.[1] ?? expect.unreachable(message)
    const all = await listBackups(resticOf(data))
    expect(all.map(({ id }) => id).toSorted()).toEqual([old, theirs, taken].toSorted())
    expect((await freshBackup(data)).message).toMatch(new RegExp(`^backup ${taken} is fresh: it ended`))
  })

  it('is taken, and kept, where the clock was put back and older ones are to come', async () => {
    const second = join(directory, 'ahead-second')
    const data = await planned('ahead', { BACKUP_SECOND_REPOSITORY: second })
    const two = { ...data, repository: { ...data.repository, location: second } }
    await freshBackup(data)
    await makeOlder(data, 61)
    // More of this day than retention keeps.
    const ahead = Array.from({ length: 10 }, (_, n) => newBackupId(new Date(Date.now() + (n + 6) * 60_000)))
    const whole = (id: string) => [`id=${id}`, 'part=contents']
    await Promise.all(ahead.map((id) => resticOf(data).backup([import.meta.filename], whole(id), hostname())))
    const { message } = await freshBackup(data)
    const taken = /^backup (\S+) holds \d+ documents/.exec(message)?.[1] ?? expect.unreachable(message)
    for (const one of [data, two]) expect((await listBackups(resticOf(one))).map(({ id }) => id)).toContain(taken)
    expect(chooseBackup(await listBackups(resticOf(data)), 'newest', hostname(), new Date()).id).toBe(taken)
    expect((await freshBackup(data)).message).toMatch(new RegExp(`^backup ${taken} is fresh: it ended`))
  })

  it('waits until the lease of a runner that was killed has run out, and says so', async () => {
    const data = await planned('leased')
    await freshBackup(data)
    await makeOlder(data, 61)
    const login = { port: database.port, database: 'pacs', username: 'root', password: database.passwords.root }
    await using opened = await openDatabase(login)
    const holder = { run: 'https://ci/7', actor: 'grace', host: 'runner-7', process: null, purpose: 'migrate' }
    expect(await opened.lease.take({ ...holder, token: randomUUID() }, 5000, null)).toMatchObject({ isOurs: true })
    const { message, said } = await freshBackup(data)
    expect(message).toMatch(/^backup \S+ holds \d+ documents/)
    const waits =
      /^the database is locked by migrate of grace on runner-7 \(run \S+\): waits until \S+ unless it is renewed$/
    expect(said.filter((line) => waits.test(line))).toHaveLength(1)
  })

  it('says what retention removed, and from which repository', async () => {
    const second = join(directory, 'told-second')
    const data = await planned('told', { BACKUP_SECOND_REPOSITORY: second })
    await freshBackup(data)
    const torn = '20200101t000000z-00000000'
    const two = { ...data, repository: { ...data.repository, location: second } }
    for (const one of [data, two])
      await resticOf(one).backup([import.meta.filename], [`id=${torn}`, 'part=work'], 'test')
    await makeOlder(data, 61)
    const { said } = await freshBackup(data)
    const removed = (name: string) => `removed from the ${name} repository, whose retention does not keep them: ${torn}`
    expect(said).toEqual(expect.arrayContaining([removed('first'), removed('second')]))
  })
})

describe('a second repository that has half of a backup', () => {
  const secondOf = (data: DataPlan): DataPlan => ({ ...data, repository: data.second ?? expect.unreachable() })
  const backupsIn = async (data: DataPlan) => (await listBackups(resticOf(data))).map(({ id }) => id)
  const inFolder = async ({ repository }: DataPlan, folder: string) => {
    const names = await readdir(join(repository.location, folder), { recursive: true }).catch(() => [])
    return names.filter((name) => /(^|\/)[0-9a-f]{64}$/.test(name)).length
  }

  /** restic, but before a copy the shell does `instead`: `$restic` is the real one, `$@` what it is asked. */
  async function placeWhere(instead: string): Promise<Place> {
    const script = join(directory, `restic-${randomBytes(4).toString('hex')}`)
    const lines = ['#!/bin/sh', `restic=${place.restic}`, `case " $* " in *' copy '*) ${instead} ;; esac`]
    await writeFile(script, [...lines, 'exec $restic "$@"', ''].join('\n'), { mode: 0o755 })
    return { ...place, restic: script }
  }
  /** Copies all snapshots but the last, that of the contents. */
  const butTheLast = 'n=$#; for one do shift; n=$((n - 1)); [ $n -eq 0 ] || set -- "$@" "$one"; done; $restic "$@"'

  it('has none of it, says so, and gets it with the next one', async () => {
    const data = await planned('half', { BACKUP_SECOND_REPOSITORY: join(directory, 'half-second') })
    const take = async (where: Place) => {
      const said = await backUpHere({ data, place: where }, () => undefined, never)
      return { said, id: /^backup (\S+) holds/.exec(said)?.[1] ?? '' }
    }
    const whole = await take(place)
    const cut = await take(await placeWhere(`${butTheLast}; exit 1`))
    expect(cut.said).toMatch(/; the second repository lacks 1 backup: restic ended with 1 .+$/)
    expect(await inFolder(secondOf(data), 'snapshots')).toBe(3)
    expect(await backupsIn(secondOf(data))).toEqual([whole.id])
    const next = await take(place)
    expect(next.said).toMatch(/holds \d+ documents and 0 studies$/)
    expect(await backupsIn(secondOf(data))).toEqual([next.id, cut.id, whole.id])
  })

  it('gets the backup before a migration, which does not wait for that, with the next one', async () => {
    const data = await planned('before', { BACKUP_SECOND_REPOSITORY: join(directory, 'before-second') })
    const where = await placeWhere('exit 1')
    const said = await backUpHere({ data, place: where, copyLater: true }, () => undefined, never)
    expect(said).toMatch(/; the second repository lacks 1 backup: the copy is left to the next nightly backup$/)
    expect(await readFile(join(place.metrics, 'pacs-backup.prom'), 'utf8')).toMatch(/_repository_waiting 1$/m)
    expect(await backUpHere({ data, place }, () => undefined, never)).toMatch(/ and 0 studies$/)
    expect(await backupsIn(secondOf(data))).toEqual(await backupsIn(data))
  })

  it('lacks what is damaged in the first, which is named', async () => {
    const data = await planned('partly', { BACKUP_SECOND_REPOSITORY: join(directory, 'partly-second') })
    const fatal = 'Fatal: decrypting blob <data/b0b2> from 3d1f failed: ciphertext verification failed'
    const where = await placeWhere(`echo '${fatal}' >&2; exit 1`)
    const said = await backUpHere({ data, place: where }, () => undefined, never)
    const [id = expect.unreachable()] = await backupsIn(data)
    const why = `the repository ${data.repository.location} is damaged: ${fatal.replace('Fatal: ', '')}`
    expect(said).toMatch(/^backup \S+ holds \d+ documents and 0 studies; /)
    expect(said.split('; ')[1]).toBe(`the second repository lacks 1 backup: ${id} (${why})`)
    const metrics = await readFile(join(place.metrics, 'pacs-backup.prom'), 'utf8')
    expect(metrics).toMatch(/^pacs_backup_second_repository_waiting 1$/m)
  })

  it('is no fault of a backup that is ended in the copy: that one counts, and says so', async () => {
    const second = join(directory, 'ended-second')
    const data = await planned('ended', { BACKUP_SECOND_REPOSITORY: second })
    await backUpHere({ data, place }, () => undefined, never)
    const ending = new AbortController()
    const notes: string[] = []
    const note = (line: ChildLine) => (line.type === 'note' || line.type === 'step') && notes.push(line.message)
    const where = await placeWhere(`${butTheLast}; exec sleep 60`)
    const running = backUpHere({ data, place: where }, note, ending.signal)
    await waitFor('all snapshots but the last', async () => (await inFolder(secondOf(data), 'snapshots')) === 3, 60_000)
    const [newest = expect.unreachable()] = await backupsIn(data)
    const metrics = () => readFile(join(place.metrics, 'pacs-backup.prom'), 'utf8')
    const whole = new RegExp(
      `^pacs_backup_second_repository_waiting 1$[^]*^pacs_backup_info{backup="${newest}"} 1$`,
      'm',
    )
    expect(await metrics()).toMatch(whole)
    expect(notes).toEqual(expect.arrayContaining([`backup ${newest} is stored`, 'to the second repository']))
    ending.abort(new Error('ended'))
    const said = new RegExp(`^backup ${newest} holds \\d+ documents .*; the second repository lacks 1 backup: ended$`)
    expect(await running).toMatch(said)
    expect(await metrics()).toMatch(whole)
  })

  it('and a restore from it that is cancelled or killed in the copy leave nothing that counts; the next goes on', async () => {
    const data = await planned('burnt', { BACKUP_SECOND_REPOSITORY: join(directory, 'burnt-second') })
    const message = await backUpHere({ data, place }, () => undefined, never)
    const db = (await database.connect('root')).db('pacs')
    const documents = await db.collection('reports').countDocuments()
    expect(documents).toBeGreaterThan(50)
    await rm(data.repository.location, { recursive: true })
    await db.dropDatabase()
    const target = { kind: 'everything', directory: join(directory, 'after-the-fire') } as const
    const asked = { data, target, backup: 'newest', repository: 'second', plan: false } as const
    const restore = (where: Place, signal = never) => restoreHere({ ...asked, place: where }, () => undefined, signal)
    const expectNothing = async () => {
      expect(await backupsIn(data)).toEqual([])
      const fromFirst = { ...asked, repository: 'first', place } as const
      await expect(restoreHere(fromFirst, () => undefined, never)).rejects.toThrow(/holds no complete backup/)
      expect(await db.listCollections().toArray()).toEqual([])
    }

    const cancelled = new AbortController()
    const running = restore(await placeWhere(`${butTheLast}; exec sleep 60`), cancelled.signal)
    const ended = expect(running).rejects.toThrow('cancelled')
    await waitFor('all snapshots but the last', async () => (await inFolder(data, 'snapshots')) === 1, 60_000)
    cancelled.abort(new Error('cancelled'))
    await ended
    await expectNothing()

    await expect(restore(await placeWhere(`${butTheLast}; kill -9 $$`))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^before anything changed: restic ended with 137 on /),
    })
    await expectNothing()

    expect(await restore(place)).toMatch(/^restored from backup \S+: database pacs; /)
    expect(message).toContain((await backupsIn(data)).join())
    expect(await db.collection('reports').countDocuments()).toBe(documents)
  })
})

describe('the configuration of a server', () => {
  const contentsOf = async (data: DataPlan) => {
    const [newest] = await listBackups(resticOf(data))
    return readContents(resticOf(data), newest ?? expect.unreachable())
  }

  /** Which files of a folder hold the text. */
  async function holding(folder: string, text: string): Promise<string[]> {
    const found = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    const read = await Promise.all(files.map(async (file) => ({ file, bytes: await readFile(file) })))
    return read.flatMap(({ file, bytes }) => (bytes.includes(text) ? [file.slice(folder.length + 1)] : []))
  }

  async function restoreEverything(data: DataPlan, to: string): Promise<string> {
    const root = await database.connect('root')
    await root.db('pacs').dropDatabase()
    const into = join(directory, to)
    const target = { kind: 'everything', directory: into } as const
    const asked = { data, place, backup: 'newest', repository: 'first', target, plan: false } as const
    expect(await restoreHere(asked, () => undefined, never)).toMatch(/^restored from backup \S+: database pacs; /)
    return into
  }

  it('stays on it unless somebody chose otherwise; audit and journal always go along', async () => {
    const data = await planned('without')
    await freshBackup(data)
    expect((await contentsOf(data)).folders).toMatchObject([
      { name: 'stack', secret: false },
      { name: 'audit', secret: false },
      { name: 'journal', secret: false },
    ])
    const into = await restoreEverything(data, 'restored-without')
    expect((await readdir(into)).sort()).toEqual(['audit', 'journal', 'stack'])
    expect(await holding(into, SECRET)).toEqual([])
    expect(await readFile(join(into, 'audit/2020-02-29.jsonl'), 'utf8')).toContain('"actor":"ada"')
  })

  it('gets audit and journal of the one that was lost, which its own backups hold from then on', async () => {
    const data = await planned('records')
    const [audit, journal] = [join(directory, 'audit'), join(directory, 'journal')]
    const write = (name: string, text: string) => writeFile(join(audit, name), text, { mode: 0o640 })
    await write('2020-03-01.jsonl', '{"actor":"grace"}\n')
    await writeFile(join(journal, 'deploy-1.jsonl'), '')
    await freshBackup(data)
    const [{ id } = expect.unreachable()] = await listBackups(resticOf(data))
    for (const folder of [audit, journal]) {
      await rm(folder, { recursive: true })
      await mkdir(folder, { mode: 0o700 })
    }
    await write('2020-03-01.jsonl', '{"actor":"jane"}\n')
    await restoreEverything(data, 'restored-records')
    const all = ['2020-02-29.jsonl', `2020-03-01.${id}.jsonl`, '2020-03-01.jsonl']
    expect((await readdir(audit)).sort()).toEqual(all)
    expect(await readFile(join(audit, '2020-03-01.jsonl'), 'utf8')).toBe('{"actor":"jane"}\n')
    expect((await stat(join(audit, `2020-03-01.${id}.jsonl`))).mode & 0o777).toBe(0o640)
    expect(await readdir(journal)).toEqual(['deploy-1.jsonl'])

    await backUpHere({ data, place }, () => undefined, never)
    const into = await restoreEverything(data, 'restored-records-again')
    expect(await holding(into, '"grace"')).toEqual([`audit/2020-03-01.${id}.jsonl`])
    expect((await readdir(audit)).sort()).toEqual(all)
  })

  it('goes along with its secrets where somebody chose so, encrypted, and comes back as it was for its owner alone', async () => {
    const data = await planned('with', { BACKUP_SECRETS: 'yes' })
    await freshBackup(data)
    expect((await contentsOf(data)).folders).toMatchObject([
      { name: 'stack', secret: false },
      { name: 'audit', secret: false },
      { name: 'journal', secret: false },
      { name: 'config', secret: true, files: 3 },
    ])
    expect(await holding(data.repository.location, SECRET)).toEqual([])
    expect(await readdir(join(place.backups, 'work'))).toEqual([])
    const into = await restoreEverything(data, 'restored-with')
    expect(await holding(into, SECRET)).toEqual(['config/secrets/jwt-key'])
    for (const name of ['.env', 'secrets/restic-password', 'secrets/jwt-key']) {
      const [was, is] = [join(directory, 'config', name), join(into, 'config', name)]
      expect(await readFile(is, 'utf8')).toBe(await readFile(was, 'utf8'))
    }
    expect((await stat(join(into, 'config/secrets'))).mode & 0o077).toBe(0)
  })
})
