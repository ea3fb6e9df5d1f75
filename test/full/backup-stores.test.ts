// The second repository in the stores that a backup may go to off the host, each a real server that asks for credentials.
import { createHash, randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listBackups, type Repository, Restic, runRestore, takeBackup, verifyBackup } from '../../src/backup/index.ts'
import { fillRecords } from '../backup/records.ts'
import { startRelay } from '../backup/relay.ts'
import { type Gate, startGate } from '../backup/signed-store.ts'
import { BackupSite } from '../backup/site.ts'
import { addressOf, docker, ensureToolImage, LAB_LABEL, waitFor } from '../lab/index.ts'

const KEY = { id: 'AKIA4BACKUPS', secret: randomBytes(20).toString('hex') }
const USER = { name: 'vault', password: randomBytes(12).toString('hex') }
let site: BackupSite
let gate: Gate
let rest: string

beforeAll(async () => {
  site = await BackupSite.start()
  const image = await ensureToolImage('stores')
  const htpasswd = join(site.directory, 'htpasswd')
  const hash = createHash('sha1').update(USER.password).digest('base64')
  await writeFile(htpasswd, `${USER.name}:{SHA}${hash}\n`)
  const run = async (name: string, ...args: string[]) => {
    const container = `${site.name}-${name}`
    const labels = ['--label', `${LAB_LABEL}=${site.name}`]
    await docker(['run', '--detach', '--name', container, ...labels, ...args])
    return addressOf(container)
  }
  const s3 = await run('s3', image, '/gofakes3', '-backend', 'memory', '-host', ':9000', '-initialbucket', 'clinic')
  const mount = ['--volume', `${htpasswd}:/htpasswd:ro`, '--tmpfs', '/data']
  rest = await run('rest', ...mount, image, '/rest-server', '--path', '/data', '--htpasswd-file', '/htpasswd')
  const answers = () => Promise.all([fetch(`http://${s3}:9000/`), fetch(`http://${rest}:8000/`)])
  await waitFor('both stores to answer', answers, 30_000)
  await writeFile(keyFile(), `[default]\naws_access_key_id=${KEY.id}\naws_secret_access_key=${KEY.secret}\n`)
  gate = await startGate({ host: s3, port: 9000 }, KEY)
  await fillRecords(await site.db, 500)
  await site.send()
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await site?.[Symbol.asyncDispose]()
})

/** The key as the stock tools of S3 keep it. */
const keyFile = () => join(site.directory, 's3-credentials')

interface Store {
  kind: string
  right: () => Repository
  /** The same credentials, said in the other way. */
  other: () => Repository
  wrong: () => Repository
  secret: string
}

const stores: Store[] = [
  {
    kind: 'S3',
    right: () => ({ ...s3(), env: { AWS_ACCESS_KEY_ID: KEY.id, AWS_SECRET_ACCESS_KEY: KEY.secret } }),
    other: () => ({ ...s3(), env: { AWS_SHARED_CREDENTIALS_FILE: keyFile() } }),
    wrong: () => ({ ...s3(), env: { AWS_ACCESS_KEY_ID: KEY.id, AWS_SECRET_ACCESS_KEY: `${KEY.secret}0` } }),
    secret: KEY.secret,
  },
  {
    kind: 'REST',
    right: () => ({ ...http(), env: { RESTIC_REST_USERNAME: USER.name, RESTIC_REST_PASSWORD: USER.password } }),
    other: () => ({ ...http(), location: http().location.replace('//', `//${USER.name}:${USER.password}@`) }),
    wrong: () => ({ ...http(), env: { RESTIC_REST_USERNAME: USER.name, RESTIC_REST_PASSWORD: `${USER.password}0` } }),
    secret: USER.password,
  },
]
const s3 = (): Repository => ({ ...site.repository, location: `s3:http://127.0.0.1:${gate.port}/clinic/backups` })
const http = (): Repository => ({ ...site.repository, location: `rest:http://${rest}:8000/backups` })

describe.each(stores)('a second repository by $kind', ({ right, other, wrong, secret }) => {
  test('is waited for with a wrong secret, which is nowhere said', async () => {
    const { contents, second } = await takeBackup(site.backup({ second: wrong() }))
    expect(second).toMatchObject({ outcome: 'later', why: expect.stringMatching(/refused the credentials/) })
    expect(JSON.stringify([contents, second])).not.toContain(secret)
  })

  test('gets every backup, what it missed included, and proves its restore by itself', async () => {
    const { contents, second } = await takeBackup(site.backup({ second: right() }))
    expect(second).toMatchObject({ outcome: 'copied', backups: expect.arrayContaining([contents.id]) })
    expect(second?.outcome === 'copied' && second.backups.length).toBeGreaterThanOrEqual(2)
    const report = await verifyBackup(site.verification({ repository: other(), which: contents.id }))
    expect(report.levels.flatMap(({ findings }) => findings)).toEqual([])
    expect(report.levels.map(({ level }) => level)).toEqual(['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'])
    expect(report.holds.instances).toBe(1)
    const away = await takeBackup(site.backup({ archives: [], second: wrong() }))
    expect(away.second).toMatchObject({ outcome: 'later', waiting: [away.contents.id] })
  })
})

test('a way to a REST server that breaks in the middle of a pack leaves no backup there; the next one goes on', async () => {
  await using relay = await startRelay({ host: rest, port: 8000 })
  const through = (): Repository => ({
    ...(stores[1]?.right() ?? expect.unreachable()),
    location: `rest:http://127.0.0.1:${relay.port}/cut`,
  })
  const { restic, path, cache } = site.tools
  const there = async () => (await listBackups(new Restic(restic, through(), path, cache))).map(({ id }) => id)
  const backup = () => takeBackup(site.backup({ archives: [], second: through() }))
  const whole = await backup()
  expect(await there()).toContain(whole.contents.id)
  const before = await there()

  // What does not compress is one pack of more than twice as many bytes as come through.
  await writeFile(join(site.directory, 'stack', 'viewer.wasm'), randomBytes(4_000_000))
  relay.breakAfter(1_500_000)
  const cut = await backup()
  expect(cut.second).toEqual({
    outcome: 'later',
    why: expect.stringMatching(/^the way between \S+ and rest:\S+ broke: .*; ask again, it goes on$/),
    waiting: [cut.contents.id],
  })
  expect(relay.broken).toBeGreaterThan(1)
  relay.mend()
  expect(await there()).toEqual(before)

  const next = await backup()
  expect(next.second).toMatchObject({ outcome: 'copied', backups: [cut.contents.id, next.contents.id] })
  const report = await verifyBackup(site.verification({ repository: through(), which: cut.contents.id }))
  expect(report.levels.flatMap(({ findings }) => findings)).toEqual([])
})

test('a second repository by S3 gives everything back to a server that lost all, its first repository too', async () => {
  const db = await site.db
  const reports = await db.collection('reports').countDocuments()
  await db.dropDatabase()
  await site.emptyArchivesAndRedis()
  await rm(site.repository.location, { recursive: true })
  const from = stores[0]?.right() ?? expect.unreachable()
  const target = { kind: 'everything', directory: join(site.directory, 'folders') } as const
  const { restored } = await runRestore(site.restore({ target, from }))
  expect(restored).toContain('orthanc: 1 instances')
  expect(await db.collection('reports').countDocuments()).toBe(reports)
  expect(await site.archives[0].md5Faults()).toEqual([])
  expect(await site.archives[0].statistics()).toMatchObject({ CountStudies: 1 })
  const report = await verifyBackup(site.verification())
  expect(report.levels.flatMap(({ findings }) => findings)).toEqual([])
})

test('by S3 nothing came to the store that was not signed with the key', () => {
  expect(gate.requests).toBeGreaterThan(10)
})
