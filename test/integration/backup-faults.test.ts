// Backups, verifications and restores under faults: on a real database, Orthanc and Redis, with a real restic.
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { BSON, type Db } from 'mongodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  clearLeftovers,
  type Docker,
  listBackups,
  planRestore,
  Restic,
  removeScratch,
  runRestore,
  takeBackup,
  type Verification,
  verifyBackup,
} from '../../src/backup/index.ts'
import { processIdentity } from '../../src/lib/index.ts'
import { besideNoMigration, type OpenDatabase, openDatabase } from '../../src/migrations/index.ts'
import { takeLease } from '../../src/migrations/lease.ts'
import { type Damage, damaged, filesOf, withChangedDumps } from '../backup/damage.ts'
import { diesAt } from '../backup/dies-at.ts'
import { fillRecords } from '../backup/records.ts'
import { BackupSite } from '../backup/site.ts'
import { docker, ids } from '../lab/index.ts'
import { random, seedOfCommit } from '../site/seed.ts'
import { smallDisk } from '../site/small-disk.ts'

const REPORTS = 200
const CHECKS = join(import.meta.dirname, '../../deployment/production/checks')
let site: BackupSite
let db: Db
let first: string
let draw: () => number

beforeAll(async () => {
  const seed = await seedOfCommit()
  console.log(`backup-faults: seed ${seed} (PACS_TEST_SEED repeats it)`)
  draw = random(Number.parseInt(seed, 16))
  site = await BackupSite.start()
  db = await site.db
  await fillRecords(db, REPORTS)
  await Promise.all([site.send(), site.send()])
  await site.redisCommand('set', 'session:1', 'ada')
  // What does not compress fills packs.
  await writeFile(
    join(site.directory, 'stack', 'viewer.wasm'),
    Buffer.from(Array.from({ length: 300_000 }, () => draw() * 256)),
  )
  first = (await takeBackup(site.backup())).contents.id
})
afterAll(() => site?.[Symbol.asyncDispose]())

const restic = (location = site.repository.location) =>
  new Restic(site.tools.restic, { ...site.repository, location }, site.tools.path, site.tools.cache)
const backups = async () => (await listBackups(restic())).map(({ id }) => id)
const found = (report: Verification) =>
  Object.fromEntries(report.levels.map(({ level, outcome, findings }) => [level, outcome === 'passed' ? [] : findings]))
const checksIn = (folder: string) => ({
  ...{ folder, within: () => 60_000 },
  program: [process.execPath, join(import.meta.dirname, '../backup/answer-check.ts')] as [string, ...string[]],
})
const one = <T>(values: readonly T[]): T => values[Math.floor(draw() * values.length)] as T

describe('a damaged repository', () => {
  const ALL: Damage[] = [
    { part: 'data', how: 'truncate' },
    { part: 'data', how: 'remove' },
    { part: 'index', how: 'flip' },
    { part: 'snapshots', how: 'flip' },
  ]

  test('is found by restic’s check whatever file and bit is hit, and called damaged', async () => {
    // In every pack: those that hold the trees are read without reading the data, too.
    const flips = (await filesOf(site, 'data')).map((_, which): Damage => ({ part: 'data', how: 'flip', which }))
    for (const damage of [...flips, ...ALL]) {
      const { repository, what, remove } = await damaged(site, damage, draw)
      const checked = restic(repository.location).check()
      await expect(checked, what).rejects.toMatchObject({
        kind: 'unhealthy',
        message: expect.stringMatching(/is damaged/),
      })
      await remove()
    }
  })

  test('proves no restore: the report is red from the level that found it', async () => {
    const { repository, what, remove } = await damaged(site, { part: 'data', how: one(['flip', 'remove']) }, draw)
    const report = await verifyBackup(site.verification({ repository }))
    expect(report.outcome, what).toBe('failed')
    expect(report.levels[1], what).toMatchObject({ level: 'L1', outcome: 'failed' })
    await remove()
  })

  test('keeps the backup that is damaged out of the second one, by name, and no other', async () => {
    const before = await filesOf(site, 'data')
    const viewer = join(site.directory, 'stack', 'only.wasm')
    // The largest of its packs, and of no other backup.
    await writeFile(viewer, randomBytes(400_000))
    const { contents: hit } = await takeBackup(site.backup({ archives: [], caches: [] }))
    await rm(viewer)
    const files = await filesOf(site, 'data')
    const added = await Promise.all(
      files.filter((file) => !before.includes(file)).map(async (file) => ({ file, size: (await stat(file)).size })),
    )
    const { file } = added.reduce((largest, next) => (next.size > largest.size ? next : largest))
    const { repository, remove } = await damaged(
      site,
      { part: 'data', how: 'remove', which: files.indexOf(file) },
      draw,
    )
    const second = { ...site.repository, location: join(site.directory, 'second-of-damaged') }
    const next = await takeBackup(site.backup({ archives: [], repository, second }))
    const why = new RegExp(`^the repository ${repository.location} is damaged: `)
    expect(next.second).toMatchObject({
      ...{ outcome: 'copied', backups: [first, next.contents.id], pruning: { outcome: 'done' } },
      damaged: [{ id: hit.id, why: expect.stringMatching(why) }],
    })
    expect((await listBackups(restic(second.location))).map(({ id }) => id)).toEqual([next.contents.id, first])
    await remove()
  })
})

describe('a backup whose dumps are not what it says', () => {
  const MEMORY = 768 * 1024 ** 2
  const LIMITS = ['Memory', 'MemorySwap', 'PidsLimit', 'NanoCpus', 'SecurityOpt']

  test('is found out, each fault by its name, on containers that reach nothing that lives', async () => {
    const dumps = 'database/pacs'
    const id = await withChangedDumps(site, first, async (staged) => {
      const file = (name: string) => join(staged, dumps, name)
      const metadata = BSON.EJSON.parse(await readFile(file('reports.metadata.json'), 'utf8'), { relaxed: false })
      metadata.indexes = metadata.indexes.filter(({ name }: { name: string }) => name !== 'by_study')
      delete metadata.options.validator
      await writeFile(file('reports.metadata.json'), BSON.EJSON.stringify(metadata, { relaxed: false }))
      const documents = await readFile(file('reports.bson'))
      documents.write('Z', documents.lastIndexOf('STANDARD'))
      await writeFile(file('reports.bson'), documents)
      for (const name of ['sessions.bson', 'sessions.metadata.json']) await rm(file(name))
    })
    const checks = await mkdtemp(join(site.directory, 'checks-'))
    await writeFile(
      join(checks, 'signatures.check.js'),
      `export default { title: 'every signature names a report', async check({ db }) {
         const signatures = await db.collection('digitalsignatures').find().toArray()
         await db.collection('digitalsignatures').insertOne({ recordId: 'lost' })
         const lost = []
         for (const { recordId } of [...signatures, { recordId: 'r-1' }])
           if (!(await db.collection('reports').findOne({ _id: recordId }))) lost.push(recordId + ' is missing')
         return lost
       } }`,
    )
    let seen: ReturnType<typeof lookAtScratch> | undefined
    const report = await verifyBackup(
      site.verification({
        which: id,
        memory: MEMORY,
        checks: checksIn(checks),
        newestWithin: 3_600_000,
        progress: (line) => {
          if (line.startsWith('L4')) seen = lookAtScratch()
        },
      }),
    )
    expect(found(report)).toMatchObject({
      L1: [],
      L2: ['sessions: was not restored'],
      L3: ['reports: option validator is missing', 'reports: index by_study is missing', 'sessions: is missing'],
      L4: [
        `reports: as many documents as were backed up (${REPORTS + 1}), but not the same ones`,
        'sessions: all 1 documents are missing',
      ],
      L5: ['signatures.check.js: every signature names a report: r-1 is missing'],
    })
    expect(seen).toEqual({
      ...{ internal: true, others: 0, mounts: 0, published: {}, reached: [], knows: [] },
      limits: {
        Memory: MEMORY,
        MemorySwap: MEMORY,
        PidsLimit: 1024,
        NanoCpus: 1e9,
        SecurityOpt: ['no-new-privileges'],
      },
      expires: false,
    })
    expect(await db.collection('digitalsignatures').countDocuments()).toBe(10)
  })

  /** While a verification runs: what its database's container could reach and use, and what of the live site it was told. */
  function lookAtScratch() {
    const ask = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).trim()
    const [container = ''] = ask('ps', '-q', '--filter', 'label=pacs.verify').split('\n')
    const [network = ''] = ask('network', 'ls', '-q', '--filter', 'label=pacs.verify').split('\n')
    const [{ Internal, Containers }] = JSON.parse(ask('network', 'inspect', network))
    const inspected = ask('container', 'inspect', container)
    const [{ Args, Mounts, NetworkSettings, HostConfig }] = JSON.parse(inspected)
    const live = ask(
      'container',
      'inspect',
      '--format',
      '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}',
      site.database.container ?? '',
    )
    const [{ IPAM }] = JSON.parse(ask('network', 'inspect', network))
    const targets = [`${live}/27017`, `${IPAM.Config[0].Gateway}/${site.database.port}`, '1.1.1.1/443']
    const reached = targets.filter((target) => {
      try {
        ask('exec', container, 'timeout', '1', 'bash', '-c', `: </dev/tcp/${target}`)
        return true
      } catch {
        return false
      }
    })
    return {
      internal: Internal,
      others: Object.keys(Containers).length - 1,
      mounts: Mounts.filter(({ Type }: { Type: string }) => Type === 'bind').length + (HostConfig.Binds ?? []).length,
      published: HostConfig.PortBindings ?? NetworkSettings.Ports,
      reached,
      knows: [...Object.values(site.database.passwords), site.redisPassword].filter((secret) =>
        inspected.includes(secret),
      ),
      limits: Object.fromEntries(LIMITS.map((name) => [name, HostConfig[name]])),
      expires: !Args.includes('ttlMonitorEnabled=false'),
    }
  }

  test('is found out by the MD5 of the index when two images of the archive are swapped on the disk', async () => {
    const storage = '/var/lib/orthanc/db'
    const files = await docker(['exec', site.orthanc, 'find', storage, '-type', 'f', '-size', '+1k', '-path', '*-*-*'])
    const [a, b] = files.trim().split('\n').sort()
    const swap = ['exec', '-u', '0', site.orthanc, 'sh', '-c', `mv ${a} /tmp/a && mv ${b} ${a} && mv /tmp/a ${b}`]
    await docker(swap)
    const swapped = await takeBackup(site.backup({ database: null, caches: [], folders: [] }))
    await docker(swap)
    const report = await verifyBackup(site.verification({ which: swapped.contents.id }))
    const wrong = /^orthanc: file (\S+) has (another MD5 than the index says|\d+ bytes, the index says \d+)$/
    const findings = report.levels.find(({ level }) => level === 'L4')?.findings ?? []
    // In the order of the index, which knows no paths.
    expect(findings.map((line) => wrong.exec(line)?.[1]).sort()).toEqual(
      [a, b].map((path) => path?.slice(storage.length + 1)),
    )
  })
})

describe('a database that is not the one to back up', () => {
  test('is found by the shipped checks, where it holds anything at all', async () => {
    const { passwords } = site.database
    const source = site.backup().database ?? expect.unreachable()
    const client = await site.database.connect('root')
    await client.db('elsewhere').collection('orders').insertOne({ item: 'paper' })
    const address = { ...source.address, username: 'root', password: passwords.root }
    const wrong = await takeBackup(
      site.backup({ database: { ...source, database: 'elsewhere', address }, archives: [], caches: [], folders: [] }),
    )
    await client.db('elsewhere').dropDatabase()
    const report = await verifyBackup(site.verification({ which: wrong.contents.id, checks: checksIn(CHECKS) }))
    // Its size may tell, too.
    const { L0: _, L5, ...others } = found(report)
    expect(L5).toContainEqual(
      'ledger.check.js: the ledger of migrations is there: no migration is applied: is this the database of the application?',
    )
    expect(Object.values(others).flat()).toEqual([])
    expect(report.outcome).toBe('failed')
  })

  test('is one that somebody migrates, or began to while it was read', async () => {
    await using opened = await openLeases()
    const before = await backups()
    const request = site.backup({ archives: [], caches: [], folders: [] })
    {
      // Renewed every half second.
      await using _ = await lease(opened, 'runner-7', 2000)
      const said: string[] = []
      await expect(takeBackup({ ...request, progress: (line) => said.push(line) })).rejects.toMatchObject({
        kind: 'locked',
        message: expect.stringMatching(
          /^the database is locked by migrate of grace on runner-7 \(run https:\/\/ci\/7\)/,
        ),
      })
      expect(said.filter((line) => /runner-7.*: waits until 2\S+ unless it is renewed$/.test(line))).toHaveLength(1)
      expect(await readdir(site.work)).toEqual([])
      expect(await backups()).toEqual(before)
      // Its process is gone, which only its own machine knows.
      const leases = db.collection<{ _id: string }>('_migrations')
      await leases.updateOne({ _id: 'lease' }, { $set: { process: processIdentity()?.replace(/\S+$/, '1') } })
      await expect(takeBackup(request)).rejects.toMatchObject({ kind: 'locked' })
      await leases.updateOne({ _id: 'lease' }, { $set: { host: request.host } })
      expect(await besideNoMigration(db, beside(), async () => 'read')).toBe('read')
    }
    // The lease that was given back keeps nobody out, and one that was taken and given back meanwhile is seen.
    const meanwhile = besideNoMigration(db, beside(), async () =>
      (await lease(opened, 'runner-8', 2000))[Symbol.asyncDispose](),
    )
    await expect(meanwhile).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/was changed meanwhile by migrate of grace on runner-8/),
    })
    await takeBackup(request)
  })

  test('is no longer one when the lease of a runner that was killed has run out, which is waited for', async () => {
    await using opened = await openLeases()
    const leave = (ttl: number) => opened.lease.take({ ...holderOn('runner-9'), token: randomUUID() }, ttl, null)
    const order: string[] = []
    const onWait = () => order.push('waits')
    expect(await leave(3000)).toMatchObject({ isOurs: true })
    await besideNoMigration(db, beside({ onWait }), async () => order.push('reads'))
    expect(order).toEqual(['waits', 'reads'])

    // Not for ever, where its time was written by hand; and not when nobody asks any more.
    expect(await leave(3_600_000)).toMatchObject({ isOurs: true })
    const locked = { kind: 'locked', message: expect.stringMatching(/locked by migrate of grace on runner-9/) }
    await expect(besideNoMigration(db, beside({ wait: 600 }), async () => 'read')).rejects.toMatchObject(locked)
    const cancelled = new AbortController()
    const waiting = besideNoMigration(
      db,
      beside({ signal: cancelled.signal, onWait: () => cancelled.abort(new Error('cancelled')) }),
      async () => 'read',
    )
    await expect(waiting).rejects.toThrow('cancelled')
    await db
      .collection<{ _id: string }>('_migrations')
      .updateOne({ _id: 'lease' }, { $set: { expiresAt: new Date(0) } })
  })

  const openLeases = () => {
    const { host, port, passwords } = site.database
    return openDatabase({ host, port, database: 'pacs', username: 'root', password: passwords.root })
  }
  const holderOn = (host: string) => ({
    ...{ run: 'https://ci/7', actor: 'grace', host },
    ...{ process: null, purpose: 'migrate' },
  })
  const lease = (opened: OpenDatabase, host: string, ttl: number) =>
    takeLease(opened.lease, holderOn(host), 'migrate', { ttl })
  const beside = (changes: Partial<Parameters<typeof besideNoMigration>[1]> = {}) => ({
    ...{ host: site.backup().host, signal: new AbortController().signal, onWait: () => undefined },
    ...changes,
  })
})

describe('what is not a backup’s fault', () => {
  test('ends a verification, a backup and a restore with its own name: a wrong key, a lock, a wrong database', async () => {
    const passwordFile = join(site.directory, 'wrong')
    await writeFile(passwordFile, 'wrong', { mode: 0o400 })
    const repository = { ...site.repository, passwordFile }
    const wrong = { kind: 'refused', message: expect.stringMatching(/does not open with this password/) }
    await expect(takeBackup(site.backup({ repository }))).rejects.toMatchObject(wrong)
    await expect(verifyBackup(site.verification({ repository }))).rejects.toMatchObject(wrong)
    const target = { kind: 'collection', collection: 'reports' } as const
    await expect(planRestore(site.restore({ target, repository }))).rejects.toMatchObject(wrong)

    const source = site.backup().database ?? expect.unreachable()
    const backupOf = (database: typeof source) => takeBackup(site.backup({ database, archives: [], caches: [] }))
    await expect(backupOf({ ...source, database: 'pacs_old' })).rejects.toMatchObject({
      kind: 'refused',
      message: 'the database pacs_old holds no collection: is this its name?',
    })
    await expect(backupOf({ ...source, address: { ...source.address, password: 'wrong' } })).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/refuses the user backup: check its password/),
    })
    await expect(backupOf({ ...source, address: { ...source.address, port: 9 } })).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/^no database answers at \S+:9: /),
    })

    const before = await backups()
    {
      await using _ = await exclusiveLock()
      const locked = { kind: 'locked', message: expect.stringMatching(/is locked by another restic/) }
      await expect(takeBackup(site.backup())).rejects.toMatchObject(locked)
      await expect(verifyBackup(site.verification())).rejects.toMatchObject(locked)
      await expect(planRestore(site.restore({ target }))).rejects.toMatchObject(locked)
      await restic().check()
    }
    expect(await backups()).toEqual(before)
  })

  test.each([
    ['a backup', () => takeBackup(site.backup({ archives: [] }))],
    ['a verification', () => verifyBackup(site.verification({ through: 'L1' }))],
    ['a plan of a restore', () => planRestore(site.restore({ target: { kind: 'collection', collection: 'reports' } }))],
  ])('is the lock of one that was killed while it had the repository for itself: %s goes on', async (_, work) => {
    const { kill } = await exclusiveLock()
    await kill()
    expect(await readdir(join(site.repository.location, 'locks'))).toHaveLength(1)
    await work()
    expect(await readdir(join(site.repository.location, 'locks'))).toEqual([])
  })

  /** Another restic that holds the repository for itself and was stopped in the middle of it. */
  async function exclusiveLock(attempts = 20): Promise<AsyncDisposable & { kill: () => Promise<void> }> {
    const { location, passwordFile } = site.repository
    const env = { RESTIC_REPOSITORY: location, RESTIC_PASSWORD_FILE: passwordFile, HOME: site.directory }
    const holder = spawn(site.tools.restic, ['--no-cache', 'check', '--read-data'], { env, stdio: 'ignore' })
    const exited = once(holder, 'exit')
    // Under its last name: restic writes a lock beside and renames it.
    const isLocked = () => readdirSync(join(location, 'locks')).some((name) => /^[0-9a-f]{64}$/.test(name))
    // It is there for a moment: looked for without a pause.
    for (const limit = Date.now() + 10_000; !isLocked() && Date.now() < limit; );
    holder.kill('SIGSTOP')
    await setImmediate()
    if (!isLocked() || holder.exitCode !== null) {
      holder.kill('SIGKILL')
      await exited
      if (attempts > 1) return exclusiveLock(attempts - 1)
      throw new Error('restic could not be stopped while it holds its lock')
    }
    // Never by SIGTERM: restic 0.18 waits for itself for ever when its check is cancelled at certain moments.
    const kill = async () => {
      holder.kill('SIGKILL')
      await exited
    }
    return {
      kill,
      async [Symbol.asyncDispose]() {
        await kill()
        await restic().removeStaleLocks()
      },
    }
  }

  test('is a full disk, under the dump, under the repository and under a verification', async (ctx) => {
    await using disk = await smallDisk(8)
    if (disk === null) return ctx.skip('no file system of a given size can be mounted here')
    const before = await backups()
    const work = join(disk.path, 'work')
    const fillsUp = (line: string) => {
      if (/documents/.test(line)) disk.fill()
    }
    const full = { kind: 'error', message: expect.stringMatching(/the disk is full/) }
    await expect(takeBackup(site.backup({ work, progress: fillsUp }))).rejects.toMatchObject(full)
    expect(await readdir(work)).toEqual([])
    await disk.empty()

    const repository = { ...site.repository, location: join(disk.path, 'repository') }
    const storing = (line: string) => {
      if (line === 'storing') disk.fill()
    }
    await expect(takeBackup(site.backup({ repository, progress: storing }))).rejects.toMatchObject(full)
    expect(await docker(['container', 'inspect', '--format', '{{.State.Status}}', site.orthanc])).toBe('running')
    await disk.empty()

    const little = verifyBackup(site.verification({ work, progress: (line) => line.startsWith('L1') && disk.fill() }))
    await expect(little).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/work\/restored has 0 MiB free, the backup to restore .* needs \d+ MiB$/),
    })
    await disk.empty()

    // The scratch database lies where the engine keeps its containers, beside those that live.
    disk.fill()
    const engine: Docker = (args, call) =>
      args[0] === 'info' ? Promise.resolve({ code: 0, stdout: disk.path, stderr: '' }) : site.tools.docker(args, call)
    const narrow = verifyBackup(site.verification({ tools: { ...site.tools, docker: engine } }))
    await expect(narrow).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^\S+pacs-disk-\S+ has 0 MiB free, the databases to restore .* needs \d+ MiB$/),
    })
    await disk.empty()

    // There was room when it was asked, and something else takes it while the backup comes back.
    const filling = join(site.directory, 'filling-restic')
    const fill = `dd if=/dev/zero of=${disk.path}/filler bs=64k; dd if=/dev/zero of=${disk.path}/rest bs=1`
    const script = `#!/bin/sh\ncase " $* " in *' restore '*) ${fill} ;; esac 2>/dev/null\nexec ${site.tools.restic} "$@"\n`
    await writeFile(filling, script, { mode: 0o755 })
    const tools = { ...site.tools, restic: filling }
    await expect(verifyBackup(site.verification({ work, tools }))).rejects.toMatchObject(full)
    expect(await readdir(work)).toEqual([])
    expect(await ids(['ps', '-aq', '--filter', 'label=pacs.verify'])).toEqual([])
    expect(await backups()).toEqual(before)
  })

  test('is a scratch database that is removed under way', async () => {
    const killed = verifyBackup(
      site.verification({
        which: first,
        progress: (line) => {
          if (!line.startsWith('L3')) return
          const [container = ''] = execFileSync('docker', ['ps', '-q', '--filter', 'label=pacs.verify'], {
            encoding: 'utf8',
          }).split('\n')
          execFileSync('docker', ['rm', '--force', container])
        },
      }),
    )
    await expect(killed).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/the scratch database is gone/),
    })
    expect(await ids(['ps', '-aq', '--filter', 'label=pacs.verify'])).toEqual([])
  })
})

test('a document of 16 MB is backed up, proved to restore, and restored', async () => {
  const scans = db.collection<{ _id: number; bytes: Buffer }>('scans')
  await scans.insertOne({ _id: 1, bytes: randomBytes(16 * 1024 * 1024 - 4096) })
  const { contents } = await takeBackup(site.backup({ archives: [], caches: [], folders: [] }))
  const proof = await verifyBackup(site.verification({ which: contents.id }))
  expect(proof.levels.flatMap(({ findings }) => findings)).toEqual([])
  const target = { kind: 'collection', collection: 'scans' } as const
  const { restored } = await runRestore(site.restore({ target, which: contents.id }))
  const beside = db.collection(restored[0]?.replace('pacs.', '') ?? '')
  const [live, back] = [await scans.findOne({}, { raw: true }), await beside.findOne({}, { raw: true })]
  expect(Buffer.compare(live as unknown as Buffer, back as unknown as Buffer)).toBe(0)
  await scans.drop()
  await beside.drop()
})

describe('a process that is killed', () => {
  test('in a backup leaves a paused Orthanc that is resumed, and nothing that counts as a backup', async () => {
    const before = await backups()
    await diesAt('backup', site.backup(), '^docker pause')
    expect(await docker(['container', 'inspect', '--format', '{{.State.Status}}', site.orthanc])).toBe('paused')
    await clearLeftovers(site.tools.docker, site.work)
    expect(await docker(['container', 'inspect', '--format', '{{.State.Status}}', site.orthanc])).toBe('running')
    expect(await readdir(site.work)).toEqual([])

    await diesAt(
      'backup',
      site.backup(),
      one(['documents$', 'copying the index', '^storing$', 'storing the files', '^docker run .*backup --json']),
    )
    expect(await backups()).toEqual(before)
    const next = await takeBackup(site.backup({ archives: [] }))
    expect(next.pruning).toMatchObject({ outcome: 'done' })
    expect(await backups()).toEqual([next.contents.id, ...before])
  })

  test('restic itself, in the middle of a pack, ends the backup with its name; what it left harms no other', async () => {
    const before = await backups()
    const { location } = site.repository
    const halves = `find ${location}/data -name '*-tmp-*' -size +0`
    const dying = join(site.directory, 'dying-restic')
    const lines = [
      `case " $* " in *' backup '*) ;; *) exec ${site.tools.restic} "$@" ;; esac`,
      // So slowly that a pack takes seconds.
      `${site.tools.restic} --limit-upload 64 "$@" & pid=$!`,
      `until [ -n "$(${halves})" ] || ! kill -0 $pid; do :; done`,
      'kill -KILL $pid; wait $pid',
    ]
    await writeFile(dying, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 })
    // Packs hold 16 MiB at most, and this is new.
    await writeFile(join(site.directory, 'stack', 'reader.wasm'), randomBytes(400_000))
    const tools = { ...site.tools, restic: dying }
    await expect(takeBackup(site.backup({ archives: [], tools }))).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/^restic ended with 137 on /),
    })
    // One pack or two: restic writes its trees beside its files.
    expect(await readdir(join(location, 'data'), { recursive: true })).toContainEqual(expect.stringContaining('-tmp-'))
    expect(await readdir(site.work)).toEqual([])
    expect(await backups()).toEqual(before)

    const next = await takeBackup(site.backup({ archives: [] }))
    expect(await backups()).toEqual([next.contents.id, ...before])
    const report = await verifyBackup(site.verification({ which: next.contents.id }))
    expect(report.levels.flatMap(({ findings }) => findings)).toEqual([])
  })

  test('in a verification leaves containers that are removed', async () => {
    await diesAt('verify', site.verification({ which: first }), one(['^docker run --detach', '^reports: ', '^L4']))
    expect(await ids(['ps', '-aq', '--filter', 'label=pacs.verify'])).toHaveLength(1)
    const owner = `pacs.verify.owner=${processIdentity()}`
    const alive = await docker(['create', '--label', 'pacs.verify=another', '--label', owner, site.images.redis ?? ''])
    await removeScratch(site.tools.docker)
    expect(await ids(['ps', '-aq', '--no-trunc', '--filter', 'label=pacs.verify'])).toEqual([alive.trim()])
    await removeScratch(site.tools.docker, 'another')
    expect(await ids(['ps', '-aq', '--filter', 'label=pacs.verify'])).toEqual([])
    expect(await ids(['network', 'ls', '-q', '--filter', 'label=pacs.verify'])).toEqual([])
  })

  test('in a restore leaves the live data alone, and says what is to be dropped before the next', async () => {
    const request = site.restore({ target: { kind: 'collection', collection: 'reports' }, which: first })
    const live = await db.collection('reports').countDocuments()
    await diesAt('restore', request, '^reports_restored_\\w+: ')
    expect(await db.collection('reports').countDocuments()).toBe(live)
    const [side = ''] = (await db.listCollections().toArray())
      .map(({ name }) => name)
      .filter((name) => /_restored_/.test(name))
    await expect(runRestore(request)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(new RegExp(`a restore that was cut.*type db\\.${side}\\.drop\\(\\)`)),
    })
    await db.collection(side).drop()
    expect((await runRestore(request)).restored).toEqual([`pacs.${side}`])
  })
})
