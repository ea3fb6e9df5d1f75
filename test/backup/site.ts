import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import {
  type BackupRequest,
  dockerIn,
  type Repository,
  type RestoreRunRequest,
  retentionSchema,
  type Tools,
  type VerificationRequest,
} from '../../src/backup/index.ts'
import type { SyntheticImage } from '../dicom/synthetic-image.ts'
import { hostEnv } from '../lab/docker.ts'
import {
  type Database,
  docker,
  ensureRestic,
  ensureVendorImage,
  LAB_LABEL,
  Progress,
  removeLab,
  startDatabase,
  waitFor,
} from '../lab/index.ts'
import { TestArchive } from './archive.ts'

const HOUR = 3_600_000

/** A database, an Orthanc and a Redis of one test file's own, with a folder for repositories and work. */
export class BackupSite implements AsyncDisposable {
  readonly name: string
  readonly directory: string
  readonly database: Database
  readonly tools: Tools
  readonly images: Readonly<Record<string, string>>
  /** An Orthanc on SQLite, and one on PostgreSQL where it was asked for. */
  readonly archives: readonly [TestArchive, ...TestArchive[]]
  readonly redisPassword = randomBytes(12).toString('hex')

  private constructor(
    name: string,
    directory: string,
    database: Database,
    tools: Tools,
    images: Record<string, string>,
    archives: readonly [TestArchive, ...TestArchive[]],
  ) {
    this.name = name
    this.directory = directory
    this.database = database
    this.tools = tools
    this.images = images
    this.archives = archives
  }

  /** @param others archives beside the one on SQLite */
  static async start(...others: 'postgres'[]): Promise<BackupSite> {
    const progress = new Progress()
    const name = `backup-${randomBytes(4).toString('hex')}`
    const directory = await mkdtemp(join(tmpdir(), 'pacs-backup-'))
    const restic = await ensureRestic(progress)
    const [database, archive, ...more] = await Promise.all([
      startDatabase(progress),
      TestArchive.start(name, 'sqlite', progress),
      ...others.map((kind) => TestArchive.start(name, kind, progress)),
    ])
    const archives = [archive, ...more] as const
    const images = {
      mongodb: (await ensureVendorImage('mongo:8.0', progress)).image,
      redis: (await ensureVendorImage('redis:8', progress)).image,
      ...Object.assign({}, ...archives.map((one) => one.images)),
    }
    const tools = { docker: dockerIn(hostEnv()), restic, path: process.env.PATH ?? '', cache: join(directory, 'cache') }
    const site = new BackupSite(name, directory, database, tools, images, archives)
    await writeFile(site.repository.passwordFile, randomBytes(24).toString('hex'), { mode: 0o400 })
    await mkdir(join(directory, 'stack'))
    await writeFile(join(directory, 'stack', 'docker-compose.prod.yml'), 'services: {}\n')
    await site.#startRedis()
    return site
  }

  get db(): Promise<Db> {
    return this.database.connect('migrations').then((client) => client.db('pacs'))
  }

  get repository(): Repository {
    return { location: join(this.directory, 'repository'), passwordFile: join(this.directory, 'password') }
  }

  get work(): string {
    return join(this.directory, 'work')
  }

  get orthanc(): string {
    return this.#sqlite.container
  }

  get #sqlite(): TestArchive {
    return this.archives[0]
  }

  get redis(): string {
    return `${this.name}-redis`
  }

  /** A request that backs up everything; with `changes`. */
  backup(changes: Partial<BackupRequest> = {}): BackupRequest {
    const { host, port, passwords } = this.database
    return {
      tools: this.tools,
      work: this.work,
      repository: this.repository,
      second: null,
      retention: retentionSchema.parse({}),
      host: 'test',
      instance: null,
      versions: { agent: '0.1.0' },
      database: {
        service: 'mongodb',
        database: 'pacs',
        address: { host, port, username: 'backup', password: passwords.backup },
      },
      archives: this.archives.map(({ source }) => source),
      caches: [{ service: 'redis', container: this.redis, user: 'default', password: this.redisPassword }],
      folders: [{ name: 'stack', path: join(this.directory, 'stack'), secret: false }],
      signal: new AbortController().signal,
      progress: () => undefined,
      ...changes,
    }
  }

  /** A request that verifies the newest backup on all levels; with `changes`. */
  verification(changes: Partial<VerificationRequest> = {}): VerificationRequest {
    return {
      tools: this.tools,
      id: this.name,
      work: join(this.directory, 'verification'),
      repository: this.repository,
      which: 'newest',
      host: 'test',
      maxAge: 26 * HOUR,
      through: 'L6',
      images: this.images,
      memory: 1024 ** 3,
      checks: null,
      newestWithin: null,
      restoreWithin: null,
      now: new Date(),
      signal: new AbortController().signal,
      progress: () => undefined,
      ...changes,
    }
  }

  /** A request to restore from the newest backup, as a user that may write anything; with `changes`. */
  restore(changes: Pick<RestoreRunRequest, 'target'> & Partial<RestoreRunRequest>): RestoreRunRequest {
    const { host, port, passwords } = this.database
    const { archives, caches } = this.backup()
    return {
      tools: this.tools,
      work: join(this.directory, 'restore'),
      repository: this.repository,
      from: null,
      which: 'newest',
      host: 'test',
      database: { host, port, username: 'root', password: passwords.root },
      oplogReader: { host, port, username: 'backup', password: passwords.backup },
      archives,
      caches,
      typed: null,
      afterwards: null,
      signal: new AbortController().signal,
      progress: () => undefined,
      ...changes,
    }
  }

  /** Sends an image to the Orthanc on SQLite. */
  send(image?: SyntheticImage): Promise<SyntheticImage> {
    return this.#sqlite.send(image)
  }

  async redisCommand(...command: string[]): Promise<string> {
    const args = ['exec', '-e', 'REDISCLI_AUTH', this.redis, 'redis-cli', '--no-auth-warning', ...command]
    return docker(args, { env: { REDISCLI_AUTH: this.redisPassword } })
  }

  /** As on a new server. */
  async emptyArchivesAndRedis(): Promise<void> {
    await this.redisCommand('flushall')
    await Promise.all(this.archives.map((archive) => archive.empty()))
  }

  async #startRedis(): Promise<void> {
    const label = ['--label', `${LAB_LABEL}=${this.name}`]
    await docker([
      ...['run', '--detach', '--name', this.redis, ...label, '--memory', '256m', this.images.redis ?? ''],
      ...['redis-server', '--requirepass', this.redisPassword, '--appendonly', 'yes', '--save', ''],
    ])
    await waitFor('Redis to answer', async () => (await this.redisCommand('ping')).trim() === 'PONG', 30_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeLab(this.name)
    await this.database.down()
    await rm(this.directory, { recursive: true, force: true })
  }
}
