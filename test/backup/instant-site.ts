import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db, MongoClient } from 'mongodb'
import { expect } from 'vitest'
import { countAll } from '../../src/backup/counting.ts'
import { definitionDifferences, readDefinitions } from '../../src/backup/definition.ts'
import {
  type BackupRequest,
  type Contents,
  dockerIn,
  type RestoreRunRequest,
  retentionSchema,
  runRestore,
  takeBackup,
} from '../../src/backup/index.ts'
import { hostEnv } from '../lab/docker.ts'
import { type Address, type Database, ensureRestic, Progress, startDatabase, waitFor } from '../lab/index.ts'
import { Member } from './member.ts'
import { PlantedOplog } from './oplog.ts'

const { signal } = new AbortController()

/** A second, and what the database held when it began. */
export interface Mark {
  to: string
  state: Awaited<ReturnType<typeof stateOf>>
}

/** All that a database holds, by content. */
export async function stateOf(db: Db) {
  return { definitions: await readDefinitions(db), documents: await countAll(db, signal) }
}

/**
 * A database whose every change stands in an oplog, with a folder for its backups. Where it is a mongod it tells of them in its own
 * oplog, and elsewhere the test tells in the same format.
 */
export class InstantSite implements AsyncDisposable {
  readonly database: Database
  readonly directory: string
  readonly restic: string
  readonly client: MongoClient
  /** How the database is asked by who backs up and reads the oplog. */
  readonly at: Address
  /** Null where the database is a mongod, which has its own. */
  readonly oplog: PlantedOplog | null
  readonly #member: Member | null

  private constructor(
    database: Database,
    directory: string,
    restic: string,
    client: MongoClient,
    stand: { member: Member; oplog: PlantedOplog } | null,
  ) {
    this.database = database
    this.directory = directory
    this.restic = restic
    this.client = client
    this.oplog = stand?.oplog ?? null
    this.#member = stand?.member ?? null
    this.at = this.#member ?? database
  }

  static async start(): Promise<InstantSite> {
    const progress = new Progress()
    const directory = await mkdtemp(join(tmpdir(), 'pacs-instant-'))
    await writeFile(join(directory, 'password'), randomBytes(24).toString('hex'), { mode: 0o400 })
    const restic = await ensureRestic(progress)
    const database = await startDatabase(progress)
    const client = await database.connect('root')
    await client.db('pacs_restored').dropDatabase()
    if (database.topology !== 'standalone') return new InstantSite(database, directory, restic, client, null)
    const oplog = await PlantedOplog.begin(client, 'pacs')
    const member = await Member.of(database, () => oplog.time)
    return new InstantSite(database, directory, restic, client, { member, oplog })
  }

  get db(): Db {
    return this.client.db('pacs')
  }

  /** Where the database is restored to. */
  get side(): Db {
    return this.client.db('pacs_restored')
  }

  get repository() {
    return { location: join(this.directory, 'repository'), passwordFile: join(this.directory, 'password') }
  }

  get #shared() {
    const cache = join(this.directory, 'cache')
    return {
      tools: { docker: dockerIn(hostEnv()), restic: this.restic, path: process.env.PATH ?? '', cache },
      ...{ repository: this.repository, archives: [], caches: [], signal, progress: () => undefined },
    }
  }

  /** @param at another way to the server @param server that it is the backup of */
  async backUp({ host, port }: Address = this.at, server = 'test'): Promise<Contents> {
    const address = { host, port, username: 'backup', password: this.database.passwords.backup }
    const request: BackupRequest = {
      ...this.#shared,
      ...{ work: join(this.directory, 'work'), second: null, retention: retentionSchema.parse({}), host: server },
      ...{ instance: null, versions: {}, database: { service: 'mongodb', database: 'pacs', address }, folders: [] },
    }
    return (await takeBackup(request)).contents
  }

  /** A request to restore the database as of `to`; with `changes`. @param at another way to the server */
  restoring(
    to: string,
    changes: Partial<RestoreRunRequest> = {},
    { host, port }: Address = this.database,
  ): RestoreRunRequest {
    const { passwords } = this.database
    return {
      ...this.#shared,
      ...{
        work: join(this.directory, 'restore'),
        from: null,
        which: 'newest',
        host: 'test',
        target: { kind: 'database', to },
      },
      typed: null,
      afterwards: null,
      database: { host, port, username: 'migrations', password: passwords.migrations },
      oplogReader: { host: this.at.host, port: this.at.port, username: 'backup', password: passwords.backup },
      ...changes,
    }
  }

  /** Does something to the database, and tells it where the database does not. */
  async act(doing: () => Promise<unknown>, telling: (oplog: PlantedOplog) => Promise<unknown>): Promise<void> {
    await doing()
    if (this.oplog !== null) await telling(this.oplog)
  }

  /** The state of now, and the second that began after the last write. */
  async mark(): Promise<Mark> {
    const { db, oplog } = this
    const written = oplog === null ? await lastWrite(db) : oplog.time.getHighBitsUnsigned()
    const second = await waitFor(
      'the next second',
      async () => {
        const { localTime } = await db.admin().command({ hello: 1 })
        const now = Math.floor(localTime.getTime() / 1000)
        return now > written ? now : undefined
      },
      30_000,
    )
    // What an idle server does every 10 s.
    if (oplog === null) await db.admin().command({ appendOplogNote: 1, data: { msg: 'a test' } })
    else await oplog.noop()
    return { to: new Date(second * 1000).toISOString().replace('.000Z', 'Z'), state: await stateOf(db) }
  }

  /** @returns the steps */
  async expectRestored({ to, state }: Mark, changes: Partial<RestoreRunRequest> = {}): Promise<string[]> {
    const { side } = this
    await side.dropDatabase()
    const { steps, restored } = await runRestore(this.restoring(to, changes))
    expect(restored).toEqual(['database pacs_restored'])
    const found = await stateOf(side)
    expect(found.documents).toEqual(state.documents)
    expect(found.definitions.map(({ name }) => name)).toEqual(state.definitions.map(({ name }) => name))
    const differences = state.definitions.flatMap((one, n) => definitionDifferences(one, found.definitions[n] ?? one))
    expect(differences).toEqual([])
    return steps
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#member?.[Symbol.asyncDispose]()
    await this.database.down()
    await rm(this.directory, { recursive: true, force: true })
  }
}

async function lastWrite(db: Db): Promise<number> {
  const { lastWrite } = await db.admin().command({ hello: 1 })
  return lastWrite.opTime.ts.getHighBitsUnsigned()
}
