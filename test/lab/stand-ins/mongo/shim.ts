// A proxy in front of FerretDB that makes it answer as a mongod does where our code can tell the difference, and refuses what
// FerretDB would only pretend to do.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { failure, type Users } from './users.ts'
import {
  bodyOf,
  commandName,
  type Fields,
  MessageReader,
  replyTo,
  request,
  requestIdOf,
  responseToOf,
  wantingReply,
  wantsNoReply,
  withBody,
} from './wire.ts'

/** What the shim knows of the server that it stands for. */
export interface Node {
  /** Path of FerretDB's socket. */
  socket: string
  /** Name of the replica set that the server was started for. */
  replicaSet: string | undefined
  initiated(): boolean
  initiate(): void
  users: Users
}

export async function listen(node: Node, port: number): Promise<Server> {
  const server = createServer({ noDelay: true }, (client) => new Connection(client, node)).listen(port)
  await once(server, 'listening')
  return server
}

/** What a command may carry whatever it is. */
const GENERIC = ['$db', 'lsid', 'comment', 'writeConcern', '$clusterTime', '$readPreference', 'maxTimeMS', 'apiVersion']
const CREATE_OPTIONS = ['validator', 'validationLevel', 'validationAction']
/** Replies that may hold an error by another name than mongod's, or more than mongod says. */
const READ_REPLIES = new Set(
  'insert update delete findAndModify findandmodify createIndexes collMod listIndexes saslStart saslContinue hello isMaster ismaster'.split(
    ' ',
  ),
)
const BEFORE_LOGIN = new Set([
  'hello',
  'isMaster',
  'ismaster',
  'ping',
  'buildInfo',
  'saslStart',
  'saslContinue',
  'endSessions',
])
const USER_COMMANDS = new Set(['createUser', 'updateUser', 'dropUser', 'usersInfo'])

/** One creation at a time: FerretDB lets two succeed. */
let creation: Promise<unknown> = Promise.resolve()

class Connection {
  readonly #client: Socket
  readonly #server: Socket
  readonly #node: Node
  readonly #asked = new Map<number, { name: string; silent: boolean; answer?: (reply: Fields) => void }>()
  #loggedIn = false
  #ownIds = 0x40000000
  #order: Promise<unknown> = Promise.resolve()

  constructor(client: Socket, node: Node) {
    this.#client = client
    this.#node = node
    this.#server = connect({ path: node.socket })
    const ended = () => {
      client.destroy()
      this.#server.destroy()
    }
    const fromClient = new MessageReader()
    const fromServer = new MessageReader()
    client.on('data', (chunk) => {
      for (const message of fromClient.push(chunk))
        this.#order = this.#order.then(() => this.#onCommand(message)).catch(ended)
    })
    this.#server.on('data', (chunk) => {
      for (const message of fromServer.push(chunk)) this.#onReply(message)
    })
    for (const socket of [client, this.#server]) socket.on('error', ended).on('close', ended)
  }

  async #onCommand(message: Buffer): Promise<void> {
    const name = commandName(message)
    const silent = wantsNoReply(message)
    const command = bodyOf(message)
    const reply = await this.#ownAnswer(name, command)
    if (reply === undefined) {
      this.#asked.set(requestIdOf(message), { name, silent })
      const { speculativeAuthenticate: login, ...rest } = command
      // A login within a hello is free to fail: the client then asks again, by saslStart.
      const elsewhere = login !== undefined && fields(login).db !== 'admin'
      this.#server.write(silent ? wantingReply(message) : elsewhere ? withBody(message, rest) : message)
    } else if (!silent) this.#client.write(replyTo(message, reply))
  }

  /** The answer to what FerretDB is not asked. */
  async #ownAnswer(name: string, command: Fields): Promise<Fields | undefined> {
    const { replicaSet } = this.#node
    if (name === 'replSetInitiate') return this.#initiate()
    if (replicaSet !== undefined && !this.#node.initiated() && !BEFORE_LOGIN.has(name))
      return failure(10107, 'NotWritablePrimary', 'not primary')
    if (command.autocommit === false)
      return failure(20, 'IllegalOperation', 'Transaction numbers are only allowed on a replica set member or mongos')
    if (fields(command.readConcern).level === 'snapshot')
      return failure(123, 'NotAReplicaSet', 'node needs to be a replica set member to use read concern')
    if (name === 'saslStart' && command.$db !== 'admin')
      return failure(18, 'AuthenticationFailed', 'Authentication failed.')
    if (name === 'create') {
      const created = creation.then(() => this.#create(command))
      creation = created.catch(() => {})
      return created
    }
    if (USER_COMMANDS.has(name)) return this.#ofUsers(name, command)
    return undefined
  }

  #initiate(): Fields {
    if (this.#node.replicaSet === undefined)
      return failure(76, 'NoReplicationEnabled', 'This node was not started with replication enabled.')
    if (!this.#mayAdminister()) return unauthorized('replSetInitiate')
    if (this.#node.initiated()) return failure(23, 'AlreadyInitialized', 'already initialized')
    this.#node.initiate()
    return { ok: 1 }
  }

  #ofUsers(name: string, command: Fields): Fields | undefined {
    if (!this.#loggedIn && (name !== 'createUser' || !this.#mayAdminister())) return unauthorized(name)
    if (command.$db !== 'admin') return failure(238, 'NotImplemented', 'the stand-in keeps users in "admin" only')
    return this.#node.users.answer(name, command)
  }

  /** Logged in, or by mongod's localhost exception: from this machine, as long as there is no user. */
  #mayAdminister(): boolean {
    if (this.#loggedIn) return true
    const local = /^(::ffff:)?127\.|^::1$/.test(this.#client.remoteAddress ?? '')
    return local && Object.keys(this.#node.users.all).length === 0
  }

  /** FerretDB drops every option of `create`, but honours those of `collMod`. */
  async #create(command: Fields): Promise<Fields> {
    const { create: name, $db } = command
    const unknown = Object.keys(command).filter(
      (key) => key !== 'create' && ![...GENERIC, ...CREATE_OPTIONS].includes(key),
    )
    if (unknown.length > 0)
      return failure(238, 'NotImplemented', `the stand-in creates no collection with ${unknown.join(', ')}`)
    const listed = await this.#ask({ listCollections: 1, filter: { name }, nameOnly: true, $db })
    if (!succeeded(listed)) return listed
    const { firstBatch } = fields(listed.cursor)
    if (Array.isArray(firstBatch) && firstBatch.length > 0)
      return failure(48, 'NamespaceExists', `Collection ${$db}.${name} already exists.`)
    const created = await this.#ask({ create: name, $db })
    const options = Object.entries(command).filter(([key]) => CREATE_OPTIONS.includes(key))
    if (!succeeded(created) || options.length === 0) return created
    const changed = await this.#ask({ collMod: name, ...Object.fromEntries(options), $db })
    if (!succeeded(changed)) await this.#ask({ drop: name, $db })
    return changed
  }

  /** A command of the shim's own, in this connection's login. */
  #ask(command: Fields): Promise<Fields> {
    this.#ownIds += 1
    const id = this.#ownIds
    return new Promise((answer, reject) => {
      this.#server.once('close', () => reject(new Error('FerretDB closed the connection')))
      this.#asked.set(id, { name: '', silent: false, answer })
      this.#server.write(request(id, command))
    })
  }

  #onReply(message: Buffer): void {
    const asked = this.#asked.get(responseToOf(message))
    this.#asked.delete(responseToOf(message))
    if (asked?.silent) return
    if (asked?.answer) asked.answer(asServer(bodyOf(message)))
    else if (asked === undefined || !READ_REPLIES.has(asked.name)) this.#client.write(message)
    else this.#client.write(this.#rewritten(asked.name, message))
  }

  #rewritten(name: string, message: Buffer): Buffer {
    const body = bodyOf(message)
    if (name.startsWith('sasl') && succeeded(body) && body.done === true) this.#loggedIn = true
    const changed = { ...asServer(body), ...this.#role(name) }
    if (name === 'listIndexes') {
      const cursor = fields(changed.cursor)
      if (Array.isArray(cursor.firstBatch))
        changed.cursor = {
          ...cursor,
          firstBatch: cursor.firstBatch.map((index) => without(fields(index), 'storageEngine')),
        }
    }
    return withBody(message, changed)
  }

  /** A member of a replica set that nobody initiated is no primary. */
  #role(name: string): Fields {
    if (!/^(hello|isMaster|ismaster)$/.test(name) || this.#node.replicaSet === undefined || this.#node.initiated())
      return {}
    const info = 'Does not have a valid replica set config'
    return { isWritablePrimary: false, ismaster: false, secondary: false, isreplicaset: true, info }
  }
}

/** Errors by mongod's codes. */
function asServer(body: Fields): Fields {
  const { writeErrors } = body
  const changed = { ...body, ...mapped(body) }
  if (Array.isArray(writeErrors))
    changed.writeErrors = writeErrors.map((error) => ({ ...fields(error), ...mapped(fields(error)) }))
  return changed
}

function mapped({ code, codeName, errmsg }: Fields): Fields {
  const named = (to: number, name: string) => ({ code: to, ...(codeName === undefined ? {} : { codeName: name }) })
  if (Number(code) === 525074461 || Number(code) === 121)
    return { ...named(121, 'DocumentValidationFailure'), errmsg: 'Document failed validation' }
  if (Number(code) === 1 && /duplicate key|exclusion constraint|unique constraint/i.test(String(errmsg)))
    return named(11000, 'DuplicateKey')
  // Those who insert one key at the same time may wait for each other; mongod has all but one of them find it there.
  if (String(errmsg).startsWith('deadlock detected')) return named(11000, 'DuplicateKey')
  return {}
}

function succeeded({ ok }: Fields): boolean {
  return Number(ok) === 1
}

function unauthorized(name: string): Fields {
  return failure(13, 'Unauthorized', `Command ${name} requires authentication`)
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

function without(from: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(from).filter(([key]) => key !== name))
}
