// Backups of a real database, Redis, an Orthanc on SQLite and one on PostgreSQL: taken, stored by restic, restored into scratch containers, compared.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Db } from 'mongodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tidyHere } from '../../src/agent/data/tidy.ts'
import { HeldTtl } from '../../src/backup/held-ttl.ts'
import {
  arrange,
  type BackupResult,
  type Docker,
  type DockerCall,
  listBackups,
  newBackupId,
  planRestore,
  type Repository,
  Restic,
  retentionSchema,
  runRestore,
  takeBackup,
  verifyBackup,
} from '../../src/backup/index.ts'
import { swapIn } from '../../src/backup/restore-collections.ts'
import { processIdentity, type RunResult } from '../../src/lib/index.ts'
import type { TestArchive } from '../backup/archive.ts'
import { diesAt } from '../backup/dies-at.ts'
import { fillRecords } from '../backup/records.ts'
import { BackupSite } from '../backup/site.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { docker, ids } from '../lab/index.ts'

const REPORTS = 3000
let site: BackupSite
let db: Db
let archive: TestArchive
let first: BackupResult

beforeAll(async () => {
  site = await BackupSite.start('postgres')
  archive = site.archives[1] ?? expect.unreachable()
  db = await site.db
  await fillRecords(db, REPORTS)
  await Promise.all([site.send(), site.send(), site.send(), archive.send(), archive.send()])
  await site.redisCommand('mset', 'session:1', 'ada', 'session:2', 'grace')
  first = await takeBackup(site.backup())
})
afterAll(() => site?.[Symbol.asyncDispose]())

const second = (location: string): Repository => ({ ...site.repository, location })
const resticOf = (repository: Repository) =>
  new Restic(site.tools.restic, repository, site.tools.path, site.tools.cache)
const backupsIn = async (repository: Repository) => (await listBackups(resticOf(repository))).map(({ id }) => id)

describe('a backup', () => {
  test('says what it holds', () => {
    const { contents } = first
    const counts = Object.fromEntries((contents.database?.collections ?? []).map(({ name, count }) => [name, count]))
    expect(counts).toEqual({ digitalsignatures: 10, reports: REPORTS + 1, sessions: 1 })
    expect(contents.archives).toMatchObject([
      { service: 'orthanc', storage: 'db', studies: 3, instances: 3, index: null },
      { service: 'archive', storage: 'db', studies: 2, instances: 2, files: 2, paused: 0 },
    ])
    expect(contents.archives[1]?.index).toMatchObject({ service: 'postgres', database: 'orthanc', user: 'orthanc' })
    expect(contents.archives[1]?.index?.tables).toContainEqual({
      name: 'resources',
      // Two studies of one patient.
      rows: 7,
      hash: expect.stringMatching(/^\d{10,}$/),
    })
    expect(contents.caches).toMatchObject([{ service: 'redis', keys: 2 }])
    expect(contents.folders).toMatchObject([{ name: 'stack', files: 1, secret: false }])
    expect(contents.database?.collections.find(({ name }) => name === 'reports')?.newest.dates.createdAt).toMatch(/^2/)
  })

  test('says honestly what one moment means here', () => {
    const { moment, server } = first.contents.database ?? {}
    const [line] = first.contents.oneMoment
    if (server?.topology === 'standalone') {
      expect(moment?.kind).toBe('span')
      expect(line).toMatch(/each collection as it was read, between .* no member of a replica set/)
    } else {
      expect(moment?.kind).toBe('snapshot')
      expect(line).toMatch(/all collections as of cluster time \d+\.\d+/)
    }
  })

  test('leaves nothing behind: an empty work directory, no container of its own, and Orthanc running', async () => {
    expect(await readdir(site.work)).toEqual([])
    expect(await ids(['ps', '-aq', '--filter', 'label=pacs.backup'])).toEqual([])
    expect(await docker(['container', 'inspect', '--format', '{{.State.Status}}', site.orthanc])).toBe('running')
  })

  test('lies in a repository that the group of its owner keeps, those files too that the reader of volumes wrote', async () => {
    const packs = await docker([
      ...['run', '--rm', '--network', 'none', '--volume', `${site.repository.location}:/r:ro`, '--entrypoint', 'find'],
      ...[site.images.redis ?? '', '/r/data', '-type', 'f', '!', '-perm', '-040'],
    ])
    expect(packs).toBe('')
  })
})

describe('its verification', () => {
  test('restores and finds everything the same, on every level', async () => {
    let seen: unknown
    const report = await verifyBackup(
      site.verification({
        newestWithin: 3_600_000,
        progress: (line) => {
          if (line.startsWith('L4')) seen = scratchPostgres()
        },
      }),
    )
    expect(seen).toEqual({
      ...{ NetworkMode: 'none', Binds: null, PortBindings: {}, RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } },
      ...{ Memory: 1024 ** 3, MemorySwap: 1024 ** 3, NanoCpus: 1e9, PidsLimit: 256 },
      ...{ CapAdd: null, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], Privileged: false },
      user: 'postgres',
      // By these it is removed after a kill.
      labels: { 'pacs.verify': site.name, 'pacs.verify.owner': processIdentity() },
    })
    expect(report.levels.flatMap(({ level, findings }) => findings.map((one) => `${level}: ${one}`))).toEqual([])
    expect(report.outcome).toBe('passed')
    expect(report.levels.map(({ level }) => level)).toEqual(['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'])
    expect(report.holds).toMatchObject({ collections: 3, documents: REPORTS + 12, instances: 5, keys: 2 })
    expect(await ids(['ps', '-aq', '--filter', 'label=pacs.verify'])).toEqual([])
    expect(await ids(['network', 'ls', '-q', '--filter', 'label=pacs.verify'])).toEqual([])
  })

  /** While a verification runs: what the PostgreSQL that it restores an index into could reach and use. */
  function scratchPostgres(): object {
    const asked = ['container', 'inspect', `pacs-verify-${site.name}-postgres`]
    const [{ HostConfig, Config }] = JSON.parse(execFileSync('docker', asked, { encoding: 'utf8' }))
    const names = [
      ...['NetworkMode', 'Binds', 'PortBindings', 'RestartPolicy', 'Memory', 'MemorySwap', 'NanoCpus', 'PidsLimit'],
      ...['CapAdd', 'CapDrop', 'SecurityOpt', 'Privileged'],
    ]
    const labels = Object.fromEntries(['pacs.verify', 'pacs.verify.owner'].map((name) => [name, Config.Labels[name]]))
    return { ...Object.fromEntries(names.map((name) => [name, HostConfig[name]])), user: Config.User, labels }
  }

  test('ends at the level that is asked for', async () => {
    const { levels, outcome } = await verifyBackup(site.verification({ through: 'L1' }))
    expect([outcome, ...levels.map(({ level }) => level)]).toEqual(['passed', 'L0', 'L1'])
  })
})

describe('a dump of PostgreSQL', () => {
  /** A backup whose engine answers a dump as `lies` makes it. */
  const backupWith = async (lies: (dump: RunResult, call: DockerCall) => RunResult, cut = 0) => {
    const { docker } = site.tools
    const lying: Docker = async (args, call = {}) => {
      const { onBytes } = call
      if (!String(call.input).includes('pg_dump') || onBytes === undefined) return docker(args, call)
      const pieces: Uint8Array[] = []
      const result = await docker(args, { ...call, onBytes: (bytes) => pieces.push(bytes) })
      const dump = Buffer.concat(pieces)
      onBytes(dump.subarray(0, dump.length - cut))
      return lies(result, call)
    }
    const { archives } = site.backup()
    const request = { database: null, caches: [], folders: [], archives: archives.slice(1) }
    return takeBackup(site.backup({ ...request, tools: { ...site.tools, docker: lying } }))
  }
  const levelsOf = async (backup: BackupResult) => {
    const { levels } = await verifyBackup(site.verification({ which: backup.contents.id }))
    return Object.fromEntries(levels.map(({ level, findings }) => [level, findings]))
  }

  test('that was torn does not pass for a backup that restores', async () => {
    const found = await levelsOf(await backupWith((result) => result, 2000))
    expect(found.L2).toEqual([expect.stringMatching(/^the dump of orthanc does not restore: pg_restore: error/)])
    expect(found.L4).toContain('archive: the index was not restored')
  })

  test('that lacks a row, or has another one in its place, is found table by table', async () => {
    const changed = await backupWith((result) => ({
      ...result,
      stderr: result.stderr
        .replace(/("name" : "metadata", "rows" : )(\d+)/, (_, before, rows) => `${before}${Number(rows) + 1}`)
        .replace(/("name" : "labels", "rows" : 0, "hash" : ")0/, '$17'),
    }))
    expect((await levelsOf(changed)).L4).toEqual([
      'archive: the table labels of the index has other rows than were backed up',
      expect.stringMatching(/^archive: the table metadata of the index has \d+ rows, \d+ were backed up$/),
    ])
  })

  test('that PostgreSQL refuses is no backup, in its words', async () => {
    const [, source] = site.backup().archives
    if (!source?.index) expect.unreachable()
    const index = { ...source.index, database: 'elsewhere' }
    const request = { database: null, caches: [], archives: [{ ...source, index }] }
    await expect(takeBackup(site.backup(request))).rejects.toThrow(
      /PostgreSQL in \S+-postgres did not answer for the database elsewhere: .*"elsewhere" does not exist/,
    )
  })

  test('is of one moment, however many images come in meanwhile', async () => {
    let ended = false
    const request = { database: null, caches: [], folders: [], archives: [archive.source] }
    const taking = takeBackup(site.backup(request)).finally(() => {
      ended = true
    })
    let sent = 0
    for (; !ended; sent++) await archive.send()
    expect(sent).toBeGreaterThan(1)
    const found = await levelsOf(await taking)
    expect(Object.values(found).flat()).toEqual([])
  })
})

describe('a second backup', () => {
  test('stores only what changed, and the first is kept', async () => {
    await db.collection('digitalsignatures').insertOne({ recordId: 'r11', meaning: 'author', signedAt: new Date() })
    // A small dump of PostgreSQL is one chunk, and says when it was made.
    const second = await takeBackup(site.backup({ archives: site.backup().archives.slice(0, 1) }))
    expect(second.contents.stored.added).toBeLessThan(first.contents.stored.added / 2)
    expect(second.pruning).toEqual({ outcome: 'done', forgotten: [] })
    const ids = await backupsIn(site.repository)
    expect([ids[0], ids.at(-1)]).toEqual([second.contents.id, first.contents.id])
  })
})

test('waits for a Redis that rewrites its append-only file, and has all of it', async () => {
  const keys = Array.from({ length: 20 }, (_, n) => [`rewritten:${n}`, 'x']).flat()
  await site.redisCommand('mset', ...keys)
  // Microseconds for each key, in the process that writes.
  await site.redisCommand('config', 'set', 'rdb-key-save-delay', '200000')
  await site.redisCommand('bgrewriteaof')
  await site.redisCommand('config', 'set', 'rdb-key-save-delay', '0')
  const { contents } = await takeBackup(
    site.backup({ database: null, archives: [], repository: second(join(site.directory, 'cache')) }),
  )
  expect(contents.caches).toMatchObject([{ keys: 22 }])
  await site.redisCommand('del', ...keys.filter((_, n) => n % 2 === 0))
})

describe('the second repository', () => {
  test('that is away is said, and gets everything when it is back', async () => {
    const away = await takeBackup(site.backup({ archives: [], second: second('rest:http://127.0.0.1:1/') }))
    expect(away.second).toMatchObject({ outcome: 'later', why: expect.stringMatching(/cannot be reached/) })
    const back = await takeBackup(site.backup({ archives: [], second: second(join(site.directory, 'second')) }))
    expect(back.second).toMatchObject({ outcome: 'copied' })
    expect(back.second?.outcome === 'copied' && back.second.backups).toEqual(
      expect.arrayContaining([first.contents.id, away.contents.id, back.contents.id]),
    )
    const passwordFile = join(site.directory, 'another-password')
    await writeFile(passwordFile, 'another password', { mode: 0o400 })
    const closed = { ...second(join(site.directory, 'second')), passwordFile }
    const next = await takeBackup(site.backup({ archives: [], caches: [], second: closed }))
    expect(next.second).toMatchObject({ outcome: 'later', waiting: [next.contents.id] })
  })

  test('proves the restore of a backup as the first one does', async () => {
    const report = await verifyBackup(
      site.verification({ repository: second(join(site.directory, 'second')), which: first.contents.id }),
    )
    expect(report.levels.flatMap(({ findings }) => findings)).toEqual([])
    expect(report.holds.instances).toBe(5)
  })
})

describe('a restore', () => {
  const restore = (changes: Parameters<BackupSite['restore']>[0]) =>
    site.restore({ which: first.contents.id, ...changes })

  test('of a collection leaves the live one alone, and replaces it only when its name is typed', async () => {
    await db.collection('reports').deleteMany({ version: 1 })
    const target = { kind: 'collection', collection: 'reports' } as const
    const beside = await runRestore(restore({ target }))
    expect(beside.mustType).toBe('reports')
    expect(await db.collection('reports').countDocuments()).toBe(1)
    const [side = ''] = beside.restored.map((name) => name.replace(/^pacs\./, ''))
    expect(await db.collection(side).countDocuments()).toBe(REPORTS + 1)
    const mark = { _id: 'r0' as never }
    await db.collection(side).updateOne(mark, { $set: { version: 2 } })
    await expect(runRestore(restore({ target, typed: 'reports' }))).rejects.toThrow(
      /not the same ones.*type db\.reports_restored_\w+\.drop\(\)/,
    )
    await db.collection(side).updateOne(mark, { $set: { version: 1 } })

    await expect(runRestore(restore({ target, typed: 'report' }))).rejects.toThrow(/"report" was typed/)
    const swapped = await runRestore(restore({ target, typed: 'reports' }))
    expect(await db.collection('reports').countDocuments()).toBe(REPORTS + 1)
    const [, kept = ''] = /^pacs\.(reports_before_\w+) \(as it was\)$/.exec(swapped.restored[1] ?? '') ?? []
    expect(await db.collection(kept).countDocuments()).toBe(1)
  })

  test('of a collection keeps what the application writes between the two renames, and comes into its place', async () => {
    const id = newBackupId(new Date())
    const [restored, live] = ['findings_restored', 'findings']
    await db.collection(restored).insertOne({ is: 'restored' })
    await db.collection(live).insertOne({ is: 'live' })
    // Whoever writes as soon as the name is free makes a collection that has neither validator nor index.
    const writtenTo = (times: number): Db => {
      let left = times
      const renameCollection = async (from: string, to: string) => {
        const renamed = await db.renameCollection(from, to)
        if (from === live && left-- > 0) await db.collection(live).insertMany([{ is: 'written' }, { is: 'written' }])
        return renamed
      }
      return Object.assign(Object.create(db), { renameCollection })
    }
    const holds = async (name = '') => (await db.collection(name).find().toArray()).map((one) => one.is)
    const side = id.replaceAll(/\W/g, '')
    expect(await swapIn(writtenTo(2), restored, live, id, new HeldTtl())).toEqual([
      live,
      `findings_before_${side} (as it was)`,
      `findings_meanwhile1_${side} (written meanwhile: 2 documents)`,
      `findings_meanwhile2_${side} (written meanwhile: 2 documents)`,
    ])
    expect(await holds(live)).toEqual(['restored'])
    expect(await holds(`findings_before_${side}`)).toEqual(['live'])
    expect(await holds(`findings_meanwhile1_${side}`)).toEqual(['written', 'written'])
    await expect(swapIn(db, restored, live, id, new HeldTtl())).rejects.toThrow(
      /findings_\w+ is there already, from another restore/,
    )

    const another = newBackupId(new Date())
    await db.collection(restored).insertOne({ is: 'restored' })
    await expect(swapIn(writtenTo(99), restored, live, another, new HeldTtl())).rejects.toThrow(
      /^findings is written to all the time: stop what writes there.*findings_restored\.renameCollection\("findings"\).*kept: findings_before_\w+ \(as it was\), findings_meanwhile1_/,
    )
    expect(await holds(`findings_before_${another.replaceAll(/\W/g, '')}`)).toEqual(['restored'])
    for (const { name } of await db.listCollections().toArray())
      if (name.startsWith(live)) await db.collection(name).drop()
  })

  test('of a collection lets nothing expire in it before it takes the place of the live one', async () => {
    const target = { kind: 'collection', collection: 'sessions' } as const
    const secondsOf = async (name: string) =>
      (await db.collection(name).indexes()).find((index) => index.name === 'ttl')?.expireAfterSeconds
    const live = await secondsOf('sessions')
    const beside = await runRestore(restore({ target }))
    const side = beside.restored[0]?.replace(/^pacs\./, '') ?? expect.unreachable()
    expect(await secondsOf(side)).toBe(2_147_483_647)
    await runRestore(restore({ target, typed: 'sessions' }))
    expect(await secondsOf('sessions')).toBe(live)
  })

  test('of a database goes beside the live one and never over another', async () => {
    const request = restore({ target: { kind: 'database' } })
    const { restored, steps } = await runRestore(request)
    expect(restored).toEqual(['database pacs_restored'])
    const side = (await site.database.connect('root')).db('pacs_restored')
    const [sessions] = await side.listCollections({ name: 'sessions' }).toArray()
    expect(sessions).toMatchObject({ options: { validator: { user: { $regex: '^[a-z]', $ne: 'root' } } } })
    const standalone = site.database.topology === 'standalone'
    expect(steps.at(-1)).toMatch(standalone ? /no later point in time .* no member of a replica set/ : /--to brings/)
    await expect(runRestore(request)).rejects.toThrow(
      /is there already.*db\.getSiblingDB\("pacs_restored"\)\.dropDatabase\(\)/,
    )
  })

  test.each([0, 1])('of a study gives its files and nothing else, from archive %i', async (which) => {
    const image = await (site.archives[which] ?? expect.unreachable()).send()
    await takeBackup(site.backup({ database: null, caches: [] }))
    const directory = join(site.directory, `study-${which}`)
    const target = { kind: 'study', study: image.studyInstanceUid, directory } as const
    const { restored } = await runRestore(site.restore({ target, database: null }))
    expect(restored).toEqual([join(directory, image.studyInstanceUid, '1.dcm')])
    const dicom = await readFile(restored[0] ?? '')
    expect(dicom.toString('latin1', 128, 132)).toBe('DICM')
    expect(dicom.includes(image.sopInstanceUid)).toBe(true)
    await expect(runRestore(site.restore({ target, database: null }))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/is there already.*remove it or name another directory/),
    })
    const unknown = { ...target, study: '1.2.3' }
    await expect(runRestore(site.restore({ target: unknown, database: null }))).rejects.toThrow(
      /holds no study 1\.2\.3/,
    )
    expect(await ids(['ps', '-aq', '--filter', 'label=pacs.verify'])).toEqual([])
  })

  test('of a study that is killed leaves no copy of the index running, once what it left is tidied', async () => {
    const { studyInstanceUid } = await archive.send()
    const repository = second(join(site.directory, 'killed'))
    await takeBackup(site.backup({ database: null, archives: [archive.source], caches: [], repository }))
    const target = { kind: 'study', study: studyInstanceUid, directory: join(site.directory, 'study-killed') } as const
    await diesAt('restore', site.restore({ target, database: null, repository }), '^docker exec .*pg_restore')
    const running = () => ids(['ps', '-q', '--filter', 'name=pacs-verify-study-'])
    expect(await running()).toHaveLength(1)
    const { path, restic } = site.tools
    const folders = { backups: site.directory, metrics: site.directory, dockerConfig: join(site.directory, 'docker') }
    await tidyHere({ ...folders, path, restic }, ['restore'])
    expect(await running()).toEqual([])
  })

  test('of everything is refused as long as the server holds anything, by name', async () => {
    const target = { kind: 'everything', directory: join(site.directory, 'folders') } as const
    const { refusals } = await planRestore(restore({ target }))
    expect(refusals).toEqual([
      expect.stringMatching(/the database pacs holds digitalsignatures, reports/),
      expect.stringMatching(/orthanc holds 4 studies/),
      expect.stringMatching(/archive holds \d+ studies/),
      expect.stringMatching(/redis holds 2 keys/),
    ])
    await expect(runRestore(restore({ target }))).rejects.toThrow(/empty server only/)
    await expect(runRestore(restore({ target, from: second('rest:http://127.0.0.1:1/') }))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^before anything changed: .*cannot be reached/),
    })
  })

  test('of everything fills an empty server, also when it is killed on the way and asked for again', async () => {
    await db.dropDatabase()
    await site.emptyArchivesAndRedis()
    const target = { kind: 'everything', directory: join(site.directory, 'folders') } as const
    await diesAt('restore', restore({ target }), '^reports: ')
    // The night after it was cut: a backup of what there is by then is not the one that is meant.
    const retention = retentionSchema.parse({ last: 99 })
    await takeBackup(site.backup({ archives: [], caches: [], folders: [], retention }))
    const again = (typed: string | null = null) => restore({ target, which: 'newest', typed })
    expect(await planRestore(again())).toMatchObject({
      backup: first.contents.id,
      steps: expect.arrayContaining([expect.stringContaining(`go on with the restore of ${first.contents.id}`)]),
    })
    // A half restored database may have been written to since: it goes only when its name is typed.
    await expect(runRestore(again())).rejects.toThrow(/pacs is half restored.*type pacs to let it be dropped/)
    await diesAt('restore', again('pacs'), '^docker cp \\S+index \\S+:/')
    await diesAt('restore', again(), '^docker exec .*createdb')
    // What it had done is lost, as when the server is set up anew meanwhile.
    await db.dropDatabase()
    await site.archives[0].empty()
    const lost = ['database', 'orthanc'].map((part) => expect.stringMatching(`^restore ${part} again: `))
    expect(await planRestore(again())).toMatchObject({ refusals: [], steps: expect.arrayContaining(lost) })
    const { restored, mustType } = await runRestore(again())
    expect(mustType).toBeNull()
    expect(await readdir(target.directory)).toEqual(['stack'])
    await expectEverything(restored, target.directory)
  })

  test('of everything comes from the second repository, too, where the first is gone', async () => {
    await db.dropDatabase()
    await site.emptyArchivesAndRedis()
    await rm(site.repository.location, { recursive: true })
    const directory = join(site.directory, 'folders-of-second')
    const from = second(join(site.directory, 'second'))
    const said: string[] = []
    const request = restore({
      ...{ target: { kind: 'everything', directory }, from },
      progress: (line) => {
        said.push(line)
      },
    })
    const copying = `copy what ${site.repository.location} lacks of the backup from ${from.location}, before anything is changed`
    expect(await planRestore(request)).toMatchObject({ refusals: [], steps: expect.arrayContaining([copying]) })
    expect(existsSync(site.repository.location)).toBe(false)
    const { restored } = await runRestore(request)
    expect(said.slice(0, 3)).toEqual([
      `copying the backup ${first.contents.id}`,
      expect.stringMatching(/^copying: .*% .*packs copied$/),
      expect.anything(),
    ])
    await expectEverything(restored, directory)
    expect(await backupsIn(site.repository)).toEqual([first.contents.id])

    // A repository elsewhere fills no volume: that is said before anything is changed.
    const { refusals } = await planRestore({ ...request, repository: second('rest:http://127.0.0.1:1/') })
    expect(refusals).toContainEqual(expect.stringMatching(/^volumes are stored in a repository on this server/))
  })

  /** All that the first backup holds is there again, and works. */
  async function expectEverything(restored: readonly string[], directory: string): Promise<void> {
    expect(restored).toEqual([
      'database pacs',
      'orthanc: 3 instances',
      'archive: 2 instances',
      'redis: 2 keys',
      join(directory, 'stack'),
    ])
    expect(await db.collection('reports').countDocuments()).toBe(REPORTS + 1)
    expect((await site.redisCommand('get', 'session:2')).trim()).toBe('grace')
    for (const [at, studies] of [3, 2].entries()) {
      const one = site.archives[at] ?? expect.unreachable()
      expect(await one.statistics()).toMatchObject({ CountInstances: studies, CountStudies: studies })
      expect(await one.md5Faults()).toEqual([])
      await one.send()
      expect(await one.statistics()).toMatchObject({ CountStudies: studies + 1 })
    }
  }
})

describe('retention', () => {
  test('removes what it does not keep from both repositories, with what only that held, and what never became whole', async () => {
    const repository = second(join(site.directory, 'small'))
    const away = second(join(site.directory, 'small-second'))
    const large = join(site.directory, 'stack', 'viewer.wasm')
    const retention = retentionSchema.parse({ last: 2, daily: 1, weekly: 0, monthly: 0 })
    const take = () => takeBackup(site.backup({ archives: [], caches: [], repository, second: away, retention }))
    await writeFile(large, randomBytes(4_000_000))
    const { contents: oldest } = await take()
    await rm(large)
    const { contents: middle } = await take()
    const [old, young] = ['20260101t000000z-00000000', newBackupId(new Date())]
    for (const one of [repository, away]) {
      expect(await bytesIn(one)).toBeGreaterThan(4_000_000)
      for (const id of [old, young])
        await resticOf(one).backup([import.meta.filename], [`id=${id}`, 'part=work'], 'test')
    }
    const newest = await take()
    expect(newest.pruning).toEqual({ outcome: 'done', forgotten: [oldest.id, old] })
    for (const one of [repository, away]) {
      const kept = arrange(await resticOf(one).snapshots())
      expect(kept.complete.map(({ id }) => id)).toEqual([newest.contents.id, middle.id])
      expect([...kept.torn.keys()]).toEqual([young])
      expect(await bytesIn(one)).toBeLessThan(4_000_000)
      const report = await verifyBackup(site.verification({ repository: one, which: middle.id }))
      expect(report.levels.flatMap(({ findings }) => findings)).toEqual([])
    }
  })

  test('that removes a backup under a verification is no damage of it', async () => {
    const repository = second(join(site.directory, 'removed'))
    const { contents } = await takeBackup(site.backup({ archives: [], caches: [], repository }))
    const snapshots = (await resticOf(repository).snapshots()).map(({ id }) => id)
    const args = ['-r', repository.location, '-p', repository.passwordFile, 'forget', '--prune', ...snapshots]
    const progress = (line: string) => {
      if (line.startsWith('L2')) execFileSync(site.tools.restic, args, { stdio: 'ignore' })
    }
    await expect(verifyBackup(site.verification({ repository, which: contents.id, progress }))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/was removed while it was verified/),
    })
  })

  async function bytesIn({ location }: Repository): Promise<number> {
    const packs = await readdir(join(location, 'data'), { recursive: true })
    const sizes = await Promise.all(packs.map((name) => stat(join(location, 'data', name))))
    return sizes.reduce((sum, one) => sum + (one.isFile() ? one.size : 0), 0)
  }
})

describe('an archive of which something goes while its files are read', () => {
  /** A backup of one archive alone; `meanwhile` is done once its index is copied. */
  const backupWith = async (one: TestArchive, repository: Repository, meanwhile: () => Promise<unknown>) => {
    const lateDocker: Docker = async (args, call) => {
      if (args.includes('backup') && args.some((arg) => arg.startsWith('type=volume'))) await meanwhile()
      return site.tools.docker(args, call)
    }
    const tools = { ...site.tools, docker: lateDocker }
    const only = { database: null, caches: [], folders: [], archives: [one.source] }
    return (await takeBackup(site.backup({ ...only, repository, tools }))).contents
  }

  test.each([0, 1])('proves its restore but for what Orthanc did not delete, archive %i', async (which) => {
    const one = site.archives[which] ?? expect.unreachable()
    const repository = second(join(site.directory, `deleted-${which}`))
    const findings = async () => {
      const { levels, oneMoment } = await verifyBackup(site.verification({ repository }))
      return [levels.flatMap((level) => level.findings), oneMoment, levels.map(({ lost }) => lost)]
    }
    const kept = await one.send()
    const study = kept.studyInstanceUid
    const [image, before] = [await one.send(syntheticImage(undefined, undefined, { study })), await one.files()]
    const deleted = await backupWith(one, repository, () => one.deleteImage(image))
    const after = await one.files()
    const gone = before.filter((path) => !after.includes(path))
    expect(deleted.archives[0]?.deleted).toEqual({ files: 1, names: gone.map((path) => basename(path)) })
    const told = [expect.stringMatching(`of its ${before.length} files 1 were deleted before all were read$`)]
    expect(await findings()).toEqual([[], told, [0, 0, 0, 0, 0, 0, 0]])

    const directory = join(site.directory, `deleted-study-${which}`)
    const restoring = () =>
      runRestore(site.restore({ target: { kind: 'study', study, directory }, database: null, repository }))
    const { restored } = await restoring()
    expect(restored).toEqual([join(directory, study, '1.dcm'), 'without 1 file deleted while the backup was taken'])
    expect((await readFile(restored[0] ?? '')).includes(kept.sopInstanceUid)).toBe(true)
    await rm(directory, { recursive: true })
    const { id } = await backupWith(one, repository, () => one.delete(kept))
    await expect(restoring()).rejects.toMatchObject({
      kind: 'refused',
      message: `study ${study} was deleted while the backup ${id} was taken: name an earlier one`,
    })
    expect(existsSync(directory)).toBe(false)

    const [lost = ''] = await one.files()
    const torn = await backupWith(one, repository, () => docker(['exec', '--user', '0', one.container, 'rm', lost]))
    expect(torn.archives[0]?.deleted).toEqual({ files: 0, names: [] })
    const line = expect.stringMatching(`^${one.service}: file \\S+${basename(lost)} is missing$`)
    expect(await findings()).toEqual([[line], [expect.stringMatching(/ none were deleted/)], [0, 0, 0, 0, 1, 0, 0]])
  })
})
