import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { messageOf } from '../../src/lib/index.ts'
import { putFiles } from './container.ts'
import { ownerLabel, removeAbandonedDatabases } from './database-owner.ts'
import { docker, LAB_LABEL, tryDocker } from './docker.ts'
import { ensureEngine } from './engine.ts'
import { LabError } from './errors.ts'
import { ensureVendorImage } from './image-set.ts'
import { freePorts } from './ports.ts'
import { Progress } from './progress.ts'
import { removeLab } from './remove.ts'
import { claimStateFolder, stateFolder } from './state.ts'
import { waitFor } from './wait.ts'

export type DatabaseUser = 'root' | 'app' | 'migrations' | 'backup'

export interface Address {
  host: string
  port: number
}

/** A MongoDB of one test's own, or what stands in for it: the shipped service's image, start script and users, without a lab around it. */
export interface Database extends Address, AsyncDisposable {
  /** Whether this is a mongod. What only a mongod can do (transactions, an oplog, roles) is skipped elsewhere, with the reason. */
  readonly real: boolean
  /** As the server's `hello` says it. */
  readonly topology: 'standalone' | 'replica-set'
  /** Name of the container; undefined where PACS_TEST_MONGODB_URI names a server that runs already, and can be neither killed nor started. */
  readonly container: string | undefined
  /** Users of the database `admin`: `authSource=admin`. */
  readonly passwords: Readonly<Record<DatabaseUser, string>>
  /** A connected client, closed with the database. @param at another way to the server, such as a {@link Wire} */
  connect(user: DatabaseUser, at?: Address): Promise<MongoClient>
  /** Ends every process of the server at once. */
  kill(): Promise<void>
  /** Starts the server after {@link kill}, with its data, and waits until it answers. */
  start(): Promise<void>
  down(): Promise<void>
}

const IMAGE = 'mongo:8.0'
const PRODUCTION = join(import.meta.dirname, '../../deployment/production/mongodb')
/** Milliseconds until it must answer: one or two seconds are usual, and a machine that does much else takes minutes. */
const LIMIT = 180_000
const USERS = ['root', 'app', 'migrations', 'backup'] as const

/**
 * Starts a database and waits until it answers `hello` and lets its users in.
 * @throws LabError whatever the cause
 */
export async function startDatabase(progress: Progress = new Progress()): Promise<Database> {
  try {
    const given = process.env.PACS_TEST_MONGODB_URI
    return given === undefined ? await startContainer(progress) : await openGiven(given)
  } catch (thrown) {
    if (thrown instanceof LabError) throw thrown
    throw new LabError(`the database could not be started: ${messageOf(thrown)}`, { cause: thrown })
  }
}

async function startContainer(progress: Progress): Promise<Database> {
  await ensureEngine(progress)
  const { image, real } = await ensureVendorImage(IMAGE, progress)
  await removeAbandonedDatabases()
  const name = `database-${randomBytes(4).toString('hex')}`
  const container = `pacs-lab-${name}`
  await claimStateFolder(name)
  const passwords = newPasswords()
  const [port = 0] = await freePorts(1)
  const server = new Server({ host: '127.0.0.1', port }, real, container, passwords, () => removeLab(name))
  try {
    await docker([
      'create',
      ...['--name', container, '--label', `${LAB_LABEL}=${name}`, '--label', await ownerLabel()],
      ...['--user', '999:999', '--init', '--memory', '1g', '-p', `127.0.0.1:${port}:27017`, '-e', 'HOME=/nonexistent'],
      ...['--entrypoint', 'bash', image, '/etc/pacs/entrypoint.sh', '--replSet', 'pacs', '--bind_ip_all'],
    ])
    await putFiles(container, await filesFor(passwords), await stateFolder(name))
    await server.start()
    return server
  } catch (thrown) {
    await removeLab(name)
    throw thrown
  }
}

async function filesFor(passwords: Database['passwords']) {
  const files = new Map([
    ['/run/secrets/mongodb-keyfile', { content: randomBytes(96).toString('base64'), mode: 0o444 }],
  ])
  for (const user of USERS)
    files.set(`/run/secrets/mongodb-${user}-password`, { content: passwords[user], mode: 0o444 })
  for (const script of ['entrypoint.sh', 'init.js'])
    files.set(`/etc/pacs/${script}`, { content: await readFile(join(PRODUCTION, script), 'utf8'), mode: 0o444 })
  return files
}

/** A server that runs already. Everything in its database `pacs` is dropped, and the three users are made anew. */
async function openGiven(uri: string): Promise<Database> {
  const url = new URL(uri)
  const passwords = { ...newPasswords(), root: decodeURIComponent(url.password) }
  await using client = new MongoClient(uri, { directConnection: true })
  await client.db('pacs').dropDatabase()
  const admin = client.db('admin')
  const roles = {
    app: [{ role: 'readWrite', db: 'pacs' }],
    migrations: ['pacs', 'pacs_restored'].flatMap((db) => ['readWrite', 'dbAdmin'].map((role) => ({ role, db }))),
    backup: ['backup', 'readAnyDatabase'].map((role) => ({ role, db: 'admin' })),
  }
  for (const user of ['app', 'migrations', 'backup'] as const) {
    const { users } = await admin.command({ usersInfo: user })
    const verb = users.length > 0 ? 'updateUser' : 'createUser'
    await admin.command({ [verb]: user, pwd: passwords[user], roles: roles[user] })
  }
  const address = { host: url.hostname, port: Number(url.port || 27017) }
  const server = new Server(address, true, undefined, passwords, async () => {}, decodeURIComponent(url.username))
  await server.waitUntilUp()
  return server
}

class Server implements Database {
  readonly host: string
  readonly port: number
  readonly real: boolean
  readonly container: string | undefined
  readonly passwords: Database['passwords']
  topology: Database['topology'] = 'standalone'
  readonly #remove: () => Promise<void>
  readonly #root: string
  readonly #clients = new Set<MongoClient>()

  constructor(
    { host, port }: Address,
    real: boolean,
    container: string | undefined,
    passwords: Database['passwords'],
    remove: () => Promise<void>,
    root = 'root',
  ) {
    this.host = host
    this.port = port
    this.real = real
    this.container = container
    this.passwords = passwords
    this.#remove = remove
    this.#root = root
  }

  async connect(user: DatabaseUser, at: Address = this): Promise<MongoClient> {
    const client = this.#client(user, at, 10_000)
    this.#clients.add(client)
    return client.connect()
  }

  async kill(): Promise<void> {
    await docker(['kill', '--signal', 'KILL', this.#ownContainer()])
  }

  async start(): Promise<void> {
    await docker(['start', this.#ownContainer()])
    await this.waitUntilUp()
  }

  async waitUntilUp(): Promise<void> {
    const hello = await waitFor(
      'the database to let its users in',
      async () => {
        // The user that the start script makes last.
        await using client = this.#client('backup', this, 500)
        return await client.db('admin').command({ hello: 1 })
      },
      LIMIT,
    ).catch(async (thrown) => {
      if (this.container === undefined) throw thrown
      const { stdout, stderr } = await tryDocker(['logs', '--tail', '5', this.container])
      throw new LabError(`${messageOf(thrown)}; its last words: ${stdout}${stderr}`)
    })
    this.topology = hello.setName === undefined ? 'standalone' : 'replica-set'
  }

  async down(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close(true)))
    await this.#remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
  }

  #client(user: DatabaseUser, { host, port }: Address, patience: number): MongoClient {
    return new MongoClient(`mongodb://${host}:${port}/?directConnection=true`, {
      auth: { username: user === 'root' ? this.#root : user, password: this.passwords[user] },
      authSource: 'admin',
      serverSelectionTimeoutMS: patience,
    })
  }

  #ownContainer(): string {
    if (this.container === undefined)
      throw new LabError('the server of PACS_TEST_MONGODB_URI is not ours to kill or start')
    return this.container
  }
}

function newPasswords(): Record<DatabaseUser, string> {
  const password = () => randomBytes(24).toString('hex')
  return { root: password(), app: password(), migrations: password(), backup: password() }
}
