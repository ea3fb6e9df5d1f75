import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { MongoClient, type MongoClientOptions } from 'mongodb'
import { badInput, Failure, messageOf } from '../../lib/index.ts'

/** How to reach a database: never a URI with a password in it. */
export interface DatabaseAddress {
  /** A loopback end of a tunnel, or the host itself; a unix socket instead by `socket`. */
  host?: string
  port?: number
  socket?: string
  database: string
  username?: string
  password?: string
  /** The database that holds the user; `admin` by default. */
  authSource?: string
  tls?: {
    caFile?: string /** The name that the certificate is for, when `host` is a tunnel's end. */
    serverName?: string
  }
}

/** Milliseconds until a server that does not answer is given up. */
const NO_ANSWER = 10_000

/** Makes clients that speak to this one server. They connect with their first call. */
export async function clientsFor(
  address: DatabaseAddress,
  options: MongoClientOptions = {},
): Promise<() => MongoClient> {
  const { username, password = '', authSource = 'admin' } = address
  const where = address.socket === undefined ? whereOf(address) : encodeURIComponent(address.socket)
  const all: MongoClientOptions = {
    directConnection: true,
    appName: 'pacs-deploy',
    serverSelectionTimeoutMS: NO_ANSWER,
    connectTimeoutMS: NO_ANSWER,
    writeConcern: { w: 'majority', journal: true },
    ...(username === undefined ? {} : { auth: { username, password }, authSource }),
    ...(address.tls === undefined ? {} : await tlsOptions(address.tls)),
    ...options,
  }
  return () => new MongoClient(`mongodb://${where}/`, all)
}

/**
 * Connects `client`.
 * @throws Failure `unreachable` when nothing answers, `bad-input` for wrong credentials or the wrong certificate.
 */
export async function connectTo(address: DatabaseAddress, client: MongoClient): Promise<void> {
  try {
    await client.connect()
  } catch (thrown) {
    await client.close().catch(() => undefined)
    throw describe(whereOf(address), address.username, thrown)
  }
}

function whereOf({ host = '127.0.0.1', port = 27017, socket }: DatabaseAddress): string {
  return socket ?? `${host}:${port}`
}

async function tlsOptions({ caFile, serverName }: NonNullable<DatabaseAddress['tls']>): Promise<MongoClientOptions> {
  const options: Pick<ConnectionOptions, 'ca' | 'servername'> = {}
  if (caFile !== undefined) {
    options.ca = await readFile(caFile, 'utf8').catch((thrown: unknown) => {
      throw badInput(`the authority of the database's certificate cannot be read: ${messageOf(thrown)}`)
    })
  }
  if (serverName !== undefined) options.servername = serverName
  return { tls: true, ...options }
}

function describe(where: string, username: string | undefined, thrown: unknown): Failure {
  const said = messageOf(thrown)
  const cause = { cause: thrown }
  if (/auth|\b18\b|SCRAM/i.test(said)) {
    return new Failure(
      'bad-input',
      `the database at ${where} refused the credentials of ${username ?? 'nobody'}`,
      cause,
    )
  }
  if (/certificate|altname|self-signed/i.test(said)) {
    return new Failure(
      'bad-input',
      `the database at ${where} is not the one that its certificate names: ${said}`,
      cause,
    )
  }
  return new Failure('unreachable', `no database answered at ${where} within ${NO_ANSWER / 1000} s: ${said}`, cause)
}
