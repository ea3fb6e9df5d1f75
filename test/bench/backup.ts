// What a backup and its proof cost: how fast it reads, what a second one adds, what each level takes, and the memory of the children that work.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import type { DataPlan } from '../../src/agent/data/data-plan.ts'
import type { Place } from '../../src/agent/data/place.ts'
import { listBackups, Restic, readContents, verificationSchema } from '../../src/backup/index.ts'
import { BackupSite } from '../backup/site.ts'
import { sendImages } from '../dicom/send.ts'
import { syntheticImage } from '../dicom/synthetic-image.ts'
import { addressOf, type Progress } from '../lab/index.ts'
import { agentWork } from './agent-work.ts'
import { benchDumpRate } from './dump-rate.ts'
import { type Measure, medianOf, worstOf } from './report.ts'

const INSERT = 5000
/** Images over one association. */
const SEND = 100
/** MB (10^6 bytes) that a child may have. */
const MEMORY = 150
const DAY = 86_400_000

export interface BackupSize {
  rounds: number
  documents: number
  instances: number
}

/** Runs all measures of backups on one database and one Orthanc. */
export async function benchBackup(size: BackupSize, progress: Progress): Promise<Measure[]> {
  const { rounds, documents, instances } = size
  await using site = await progress.step('database, Orthanc, Redis, restic', () => BackupSite.start())
  const db = await site.db
  await progress.step(`${documents} documents`, () => addReports(db, 0, documents))
  await progress.step(`${instances} instances`, () => addInstances(site, instances))
  const rates = await benchDumpRate(site.database, rounds, progress)
  const bench = new Children(site, progress)
  const first = await bench.backup('first backup')
  await changeNewest(db, documents)
  const second = await bench.backup('backup after 1 % of new and newest documents')
  const verification = await bench.verify('verification')
  await db.collection<Report>('reports').updateMany({ n: { $mod: [100, 0] } }, { $set: { read: true } })
  const scattered = await bench.backup('backup after 1 % of documents here and there')
  await addLarge(db)
  await bench.backup('backup with documents of 15 MB')
  await bench.verify('verification with documents of 15 MB')
  const added = (name: string, limit: number | null, bytes: number) =>
    medianOf(name, '%', limit, [(100 * bytes) / first.added])
  return [
    medianOf('documents', 'documents', null, [documents]),
    medianOf('DICOM instances', 'instances', null, [instances]),
    ...rates,
    medianOf('first backup', 's', null, [first.seconds]),
    medianOf('first backup, stored', 'MB', null, [first.added / 1e6]),
    medianOf('backup after 1 % new or newest', 's', null, [second.seconds]),
    added('backup after 1 % new or newest, stored of the first', 5, second.added),
    added('backup after 1 % here and there, stored of the first', null, scattered.added),
    ...verification.map(({ level, seconds }) => medianOf(`verification, ${level}`, 's', null, [seconds])),
    ...bench.peaks.map(({ name, peak }) => worstOf(`memory of the ${name}`, 'MB', MEMORY, [peak])),
  ]
}

interface Report {
  _id: number
  n: number
}

/** About 250 bytes each, a third of them without a pattern. */
async function addReports(db: Db, from: number, to: number): Promise<void> {
  const reports = db.collection<Report>('reports')
  for (let start = from; start < to; start += INSERT) {
    const some = Array.from({ length: Math.min(INSERT, to - start) }, (_, index) => {
      const n = start + index
      const hash = randomBytes(32).toString('hex')
      const text = `Series ${n % 17} without finding; compared with the study before. ${hash}`
      return { _id: n, n, study: `1.2.840.${n}`, text, author: `reader${n % 40}`, createdAt: new Date(1e12 + n * 1000) }
    })
    await reports.insertMany(some, { ordered: false })
  }
  if (from === 0) await reports.createIndex({ study: 1 }, { name: 'by_study' })
}

/** What a day does: as many new documents as edits of the newest ones, together 1 %. */
async function changeNewest(db: Db, documents: number): Promise<void> {
  const half = Math.ceil(documents / 200)
  await db.collection<Report>('reports').updateMany({ _id: { $gte: documents - half } }, { $set: { signed: true } })
  await addReports(db, documents, documents + half)
}

async function addLarge(db: Db): Promise<void> {
  const all = db.collection<{ _id: number; bytes: Buffer }>('renderings')
  for (let n = 0; n < 8; n++) await all.insertOne({ _id: n, bytes: randomBytes(15_000_000) })
}

async function addInstances(site: BackupSite, instances: number): Promise<void> {
  const archive = { host: await addressOf(site.orthanc), port: 4242, called: 'ORTHANC', calling: 'TEST' }
  for (let sent = 0; sent < instances; sent += SEND) {
    const images = Array.from({ length: Math.min(SEND, instances - sent) }, () => syntheticImage())
    await sendImages(images, archive)
  }
}

/** The agent's children, as the agent starts them. */
class Children {
  readonly peaks: { name: string; peak: number }[] = []
  readonly #site: BackupSite
  readonly #progress: Progress
  readonly #common: { data: DataPlan; place: Place }

  constructor(site: BackupSite, progress: Progress) {
    this.#site = site
    this.#progress = progress
    const { archives, caches, folders } = site.backup()
    const { port, passwords } = site.database
    const login = (username: 'migrations' | 'backup') => ({
      ...{ port, database: 'pacs', username },
      password: passwords[username],
    })
    this.#common = {
      data: {
        database: { service: 'mongodb', migrate: login('migrations'), backup: login('backup') },
        archives: [...archives],
        caches: [...caches],
        folders: [...folders],
        repository: { ...site.repository, env: {} },
        second: null,
        release: '20261124t101500z-abc1234def01',
        versions: site.images,
        stack: join(site.directory, 'stack'),
      },
      place: {
        backups: join(site.directory, 'backups'),
        metrics: join(site.directory, 'metrics'),
        restic: site.tools.restic,
        path: site.tools.path,
        dockerConfig: site.directory,
      },
    }
  }

  /** @returns seconds of the whole process, and bytes that the repository grew by, as restic says */
  async backup(name: string): Promise<{ seconds: number; added: number }> {
    const { ms } = await this.#run(name, 'backup', {})
    const { restic: program, path, cache } = this.#site.tools
    const restic = new Restic(program, this.#site.repository, path, cache)
    const signal = new AbortController().signal
    const [newest] = await listBackups(restic, signal)
    if (!newest) throw new Error('no backup is there')
    const { stored } = await readContents(restic, newest, signal)
    return { seconds: ms / 1000, added: stored.added }
  }

  /** @returns its levels, each passed */
  async verify(name: string): Promise<{ level: string; seconds: number }[]> {
    await this.#run(name, 'verify', { backup: 'newest', repository: 'first', through: 'L6', maxAge: DAY })
    const report = await readFile(join(this.#common.place.backups, 'verification.json'), 'utf8')
    const { outcome, levels } = verificationSchema.parse(JSON.parse(report))
    if (outcome !== 'passed') throw new Error(levels.flatMap(({ findings }) => findings).join('; '))
    return levels.filter(({ level }) => level < 'L5')
  }

  async #run(name: string, work: string, more: object) {
    const ran = await this.#progress.step(name, () => agentWork({ work, ...this.#common, ...more }))
    this.peaks.push({ name, peak: ran.peak })
    return ran
  }
}
