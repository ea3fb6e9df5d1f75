import { MongoClient, type MongoClientOptions, MongoServerError } from 'mongodb'
import { z } from 'zod'
import { Failure, messageOf, refused } from '../lib/index.ts'
import { isConnectionLoss } from '../migrations/index.ts'

/** Where a database is and who asks; nothing of it is ever printed but host, port and user. */
export interface DatabaseAddress {
  host: string
  port: number
  username?: string | undefined
  password?: string | undefined
  /** The database that knows the user; default `admin`. */
  authSource?: string | undefined
}

/** How long a server may take to answer at all: 10 s. */
const ANSWER_LIMIT = 10_000

/** A client of one server, never of the other members that it names; it connects when it is first used. */
export function clientFor({ host, port, username, password, authSource = 'admin' }: DatabaseAddress): MongoClient {
  const options: MongoClientOptions = {
    directConnection: true,
    serverSelectionTimeoutMS: ANSWER_LIMIT,
    connectTimeoutMS: ANSWER_LIMIT,
    appName: 'pacs-backup',
    maxPoolSize: 4,
    ...(username === undefined ? {} : { auth: { username, password: password ?? '' }, authSource }),
  }
  // A literal IPv6 address needs its brackets. Credentials never stand in the string.
  return new MongoClient(`mongodb://${host.includes(':') ? `[${host}]` : host}:${port}/`, options)
}

/**
 * Connects to one server and makes sure that it answers to this user.
 * @throws Failure `unreachable` when nothing answers, `refused` when the user is refused
 */
export async function connectDatabase(address: DatabaseAddress): Promise<MongoClient> {
  const client = clientFor(address)
  try {
    await client.connect()
    await client.db('admin').command({ ping: 1 })
    return client
  } catch (thrown) {
    await client.close().catch(() => undefined)
    throw connectFailure(thrown, `${address.host}:${address.port}`, address.username)
  }
}

const AUTHENTICATION_FAILED = 18
const UNAUTHORIZED = 13

function connectFailure(thrown: unknown, where: string, username: string | undefined): Failure {
  if (thrown instanceof MongoServerError && [AUTHENTICATION_FAILED, UNAUTHORIZED].includes(Number(thrown.code))) {
    const who = username === undefined ? 'a log-in without a user' : `the user ${username}`
    return refused(`the database at ${where} refuses ${who}: check its password in the configuration`)
  }
  return new Failure('unreachable', `no database answers at ${where}: ${messageOf(thrown).split('\n')[0]}`, {
    cause: thrown,
  })
}

/** One clear line where the way to a database broke; anything else comes back as it is. @param todo what a person does then */
export function databaseGone(thrown: unknown, todo: string): unknown {
  if (thrown instanceof Failure || !isConnectionLoss(thrown)) return thrown
  return new Failure('unreachable', `the connection to the database broke: ${todo}`, { cause: thrown })
}

/** What a server says of itself. */
interface ServerFacts {
  version: string
  /** `replica set` can give one snapshot of all collections, `standalone` cannot. */
  topology: 'replica set' | 'sharded' | 'standalone'
}

const helloSchema = z.object({ setName: z.string().optional(), msg: z.string().optional() })
const buildSchema = z.object({ version: z.string() })

export async function serverFacts(client: MongoClient): Promise<ServerFacts> {
  const admin = client.db('admin')
  const hello = helloSchema.parse(await admin.command({ hello: 1 }))
  const { version } = buildSchema.parse(await admin.command({ buildInfo: 1 }))
  const topology = hello.msg === 'isdbgrid' ? 'sharded' : hello.setName === undefined ? 'standalone' : 'replica set'
  return { version, topology }
}
