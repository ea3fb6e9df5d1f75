import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import { z } from 'zod'
import {
  type BackupRequest,
  dockerIn,
  type Repository,
  type RestoreRunRequest,
  retentionSchema,
  type Tools,
  type VerificationRequest,
} from '../../src/backup/index.ts'
import { sendImage } from '../dicom/send.ts'
import { type SyntheticImage, syntheticImage } from '../dicom/synthetic-image.ts'
import { hostEnv } from '../lab/docker.ts'
import {
  addressOf,
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

const HOUR = 3_600_000

/** A database, an Orthanc and a Redis of one test file's own, with a folder for repositories and work. */
export class BackupSite implements AsyncDisposable {
  readonly name: string
  readonly directory: string
  readonly database: Database
  readonly tools: Tools
  readonly images: Readonly<Record<string, string>>
  readonly redisPassword = randomBytes(12).toString('hex')

  private constructor(
    name: string,
    directory: string,
    database: Database,
    tools: Tools,
    images: Record<string, string>,
  ) {
    this.name = name
    this.directory = directory
    this.database = database
    this.tools = tools
    this.images = images
  }

  static async start(): Promise<BackupSite> {
    const progress = new Progress()
    const name = `backup-${randomBytes(4).toString('hex')}`
    const directory = await mkdtemp(join(tmpdir(), 'pacs-backup-'))
    const restic = await ensureRestic(progress)
    const database = await startDatabase(progress)
    const images = {
      mongodb: (await ensureVendorImage('mongo:8.0', progress)).image,
      orthanc: (await ensureVendorImage('orthancteam/orthanc:26.8.1', progress)).image,
      redis: (await ensureVendorImage('redis:8', progress)).image,
    }
    const tools = { docker: dockerIn(hostEnv()), restic, path: process.env.PATH ?? '', cache: join(directory, 'cache') }
    const site = new BackupSite(name, directory, database, tools, images)
    await writeFile(site.repository.passwordFile, randomBytes(24).toString('hex'), { mode: 0o400 })
    await mkdir(join(directory, 'stack'))
    await writeFile(join(directory, 'stack', 'docker-compose.prod.yml'), 'services: {}\n')
    await Promise.all([site.#startOrthanc(), site.#startRedis()])
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
    return `${this.name}-orthanc`
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
      archives: [{ service: 'orthanc', container: this.orthanc, volume: this.orthanc }],
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
      maxAge: 26 * HOUR,
      through: 'L6',
      readData: 'all',
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
      which: 'newest',
      database: { host, port, username: 'root', password: passwords.root },
      archives,
      caches,
      typed: null,
      signal: new AbortController().signal,
      progress: () => undefined,
      ...changes,
    }
  }

  async send(image: SyntheticImage = syntheticImage()): Promise<SyntheticImage> {
    await sendImage(image, { host: await addressOf(this.orthanc), port: 4242, called: 'ORTHANC', calling: 'TEST' })
    return image
  }

  async redisCommand(...command: string[]): Promise<string> {
    const args = ['exec', '-e', 'REDISCLI_AUTH', this.redis, 'redis-cli', '--no-auth-warning', ...command]
    return docker(args, { env: { REDISCLI_AUTH: this.redisPassword } })
  }

  async orthancStatistics(): Promise<unknown> {
    return waitFor('Orthanc to answer', async () => (await this.#askOrthanc('/statistics')).json(), 60_000)
  }

  /** Instances whose file Orthanc itself finds changed. */
  async orthancMd5Faults(): Promise<string[]> {
    const instances = z.array(z.string()).parse(await (await this.#askOrthanc('/instances')).json())
    const checked = instances.map(async (id) => {
      const answer = await this.#askOrthanc(`/instances/${id}/attachments/dicom/verify-md5`, 'POST')
      return answer.ok ? [] : [id]
    })
    return (await Promise.all(checked)).flat()
  }

  async #askOrthanc(path: string, method = 'GET'): Promise<Response> {
    return fetch(`http://${await addressOf(this.orthanc)}:8042${path}`, { method })
  }

  /** As on a new server. */
  async emptyOrthancAndRedis(): Promise<void> {
    await this.redisCommand('flushall')
    await docker(['rm', '--force', this.orthanc])
    await docker(['volume', 'rm', this.orthanc])
    await this.#startOrthanc()
  }

  async #startOrthanc(): Promise<void> {
    const label = ['--label', `${LAB_LABEL}=${this.name}`]
    await docker(['volume', 'create', ...label, this.orthanc])
    await docker([
      ...['run', '--detach', '--name', this.orthanc, ...label, '--user', '999:999', '--memory', '512m'],
      ...['--volume', `${this.orthanc}:/var/lib/orthanc`, '--env', 'GENERATE_HOST_ID_IF_MISSING=false'],
      ...['--env', 'ORTHANC__AUTHENTICATION_ENABLED=false', '--env', 'ORTHANC__DICOM_AET=ORTHANC'],
      this.images.orthanc ?? '',
    ])
    const host = await addressOf(this.orthanc)
    await waitFor('Orthanc to answer', async () => (await fetch(`http://${host}:8042/system`)).ok, 60_000)
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
