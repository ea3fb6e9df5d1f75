import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Address } from './database.ts'
import { bodyOf, commandName, type Fields, MessageReader, requestIdOf, responseToOf } from './stand-ins/mongo/wire.ts'
import { commandOf, halfOf } from './wire-command.ts'

/** Where a fault strikes: the first command that fits all that is given. */
export interface Fault {
  /** `close` ends the connection; `silence` lets nothing through any more, in neither direction. */
  how: 'close' | 'silence'
  /**
   * `request`: the server never sees the command. `reply`: it carries it out, and the client does not hear of it. `half`: it
   * carries out the first half of the documents of a bulk command, and the client does not hear of it.
   */
  at: 'request' | 'reply' | 'half'
  /** Only a command of this name, such as `insert`; any other than the drivers' own (hello, login, ping) when left out. */
  command?: string
  /** Only on this collection. */
  collection?: string
  /** Only a command of which this is true. */
  matches?: (command: Fields) => boolean
  /** How many that fit pass before; 0 when left out. */
  after?: number
  /** Whether the server can be reached again afterwards: `false` refuses new connections until {@link Wire.mend}. Default true. */
  reachable?: boolean
}

/** What a driver sends of its own accord. */
const DRIVERS_OWN = /^(hello|isMaster|ismaster|ping|buildInfo|saslStart|saslContinue|endSessions|killCursors)$/
/** What changes nothing. All else counts as a write, and so does an aggregation that ends in $out or $merge. */
const READS =
  /^(find|getMore|aggregate|count|distinct|listCollections|listIndexes|listDatabases|listCommands|connectionStatus|dbStats|dbstats|collStats|collstats|serverStatus|getParameter|explain|usersInfo|rolesInfo|hostInfo|startSession|refreshSessions|replSetGetStatus|replSetGetConfig|dbHash|currentOp)$/

/**
 * A way to a database that counts the commands that reach the server, and can break. It stands in the test's own process.
 */
export class Wire implements Address, AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #sent: { name: string; writes: boolean }[] = []
  #fault: (Fault & { left: number }) | undefined
  #struck = 0
  #strikes = Promise.withResolvers<void>()
  /** Told of every command that reaches the server, without the drivers' own. */
  watch: ((command: Fields) => void) | undefined
  #silent = false
  #open = true

  constructor(target: Address) {
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client, target))
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the wire does not listen')
    return address.port
  }

  async listen(): Promise<this> {
    this.#server.listen(0, this.host)
    await once(this.#server, 'listening')
    return this
  }

  /** Names of the commands that reached the server, in order, without the drivers' own. */
  get commands(): readonly string[] {
    return this.#sent.map(({ name }) => name).filter((name) => !DRIVERS_OWN.test(name))
  }

  /** Names of the commands that reached the server and can change something there. */
  get writes(): readonly string[] {
    return this.#sent.filter(({ writes }) => writes).map(({ name }) => name)
  }

  /** How many commands of this name reached the server. */
  count(name: string): number {
    return this.#sent.filter((command) => command.name === name).length
  }

  /** Breaks at the command that `fault` describes, once. A later fault takes the place of one that has not struck. */
  break(fault: Fault): void {
    this.#fault = { ...fault, left: fault.after ?? 0 }
    this.#strikes = Promise.withResolvers()
  }

  /** How many faults have struck. */
  get struck(): number {
    return this.#struck
  }

  /** Waits until the fault of the last {@link Wire.break} has struck. */
  untilStruck(): Promise<void> {
    return this.#strikes.promise
  }

  /** Ends all connections now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Lets nothing through any more, in neither direction, without ending a connection. */
  silence(): void {
    this.#silent = true
  }

  /** Heals everything: connections that were silenced are ended, new ones work. */
  mend(): void {
    this.#fault = undefined
    this.#silent = false
    this.#open = true
    this.cut()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
  }

  #join(client: Socket, target: Address): void {
    if (!this.#open) {
      client.destroy()
      return
    }
    const server = connect({ port: target.port, host: target.host, noDelay: true })
    const ended = () => {
      client.destroy()
      server.destroy()
      this.#sockets.delete(client)
    }
    for (const socket of [client, server]) socket.on('error', ended).on('close', ended)
    this.#sockets.add(client)
    const doomed = new Set<number>()
    const requests = new MessageReader()
    client.on('data', (chunk) => {
      for (const message of requests.push(chunk)) {
        if (this.#silent || client.destroyed) return
        const fault = this.#matching(message)
        if (fault !== undefined && fault.at !== 'request') doomed.add(requestIdOf(message))
        if (fault?.at === 'request') {
          this.#strike(fault, ended)
          return
        }
        this.#note(message)
        server.write(fault?.at === 'half' ? halfOf(message) : message)
      }
    })
    const replies = new MessageReader()
    server.on('data', (chunk) => {
      for (const message of replies.push(chunk)) {
        if (this.#silent || client.destroyed) return
        if (doomed.delete(responseToOf(message)) && this.#fault !== undefined) {
          this.#strike(this.#fault, ended)
          return
        }
        client.write(message)
      }
    })
  }

  #note(message: Buffer): void {
    const name = commandName(message)
    this.#sent.push({ name, writes: isWrite(name, message) })
    if (this.watch !== undefined && !DRIVERS_OWN.test(name)) this.watch(commandOf(message))
  }

  #matching(message: Buffer): Fault | undefined {
    const fault = this.#fault
    const name = commandName(message)
    if (fault === undefined || fault.left < 0) return undefined
    if (fault.command === undefined ? DRIVERS_OWN.test(name) : name !== fault.command) return undefined
    if (fault.collection !== undefined && bodyOf(message)[name] !== fault.collection) return undefined
    if (fault.matches !== undefined && !fault.matches(commandOf(message))) return undefined
    fault.left -= 1
    return fault.left < 0 ? fault : undefined
  }

  #strike(fault: Fault, end: () => void): void {
    this.#fault = undefined
    this.#struck += 1
    this.#strikes.resolve()
    if (fault.reachable === false) this.#open = false
    if (fault.how === 'silence') this.#silent = true
    else end()
  }
}

/** Opens a {@link Wire} to `target`. */
export function startWire(target: Address): Promise<Wire> {
  return new Wire(target).listen()
}

function isWrite(name: string, message: Buffer): boolean {
  if (DRIVERS_OWN.test(name)) return false
  if (!READS.test(name)) return true
  return name === 'aggregate' && storesResult(bodyOf(message))
}

function storesResult({ pipeline }: Fields): boolean {
  if (!Array.isArray(pipeline)) return false
  const last: unknown = pipeline.at(-1)
  return typeof last === 'object' && last !== null && ('$out' in last || '$merge' in last)
}
