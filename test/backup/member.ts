// What a member of a replica set answers where the lab's database, which is none, answers otherwise: its name, the time of a
// snapshot, and its oplog.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Timestamp } from 'mongodb'
import type { Address } from '../lab/index.ts'
import {
  bodyOf,
  commandName,
  type Fields,
  MessageReader,
  requestIdOf,
  responseToOf,
  withBody,
} from '../lab/stand-ins/mongo/wire.ts'

/** Where a test writes the oplog that is shown: nobody may write the server's own. */
export const PLANTED = 'planted'

/** A way to the lab's database by which it looks like a member of a replica set. */
export class Member implements Address, AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Of the last entry of its oplog, which a snapshot holds. */
  readonly #time: () => Timestamp

  private constructor(target: Address, time: () => Timestamp) {
    this.#time = time
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client, target))
  }

  static async of(target: Address, time: () => Timestamp): Promise<Member> {
    const member = new Member(target, time)
    member.#server.listen(0, member.host)
    await once(member.#server, 'listening')
    return member
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the member does not listen')
    return address.port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #join(client: Socket, target: Address): void {
    const server = connect({ port: target.port, host: target.host, noDelay: true })
    const ended = () => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', ended).on('close', ended)
    }
    const asked = new Map<number, (reply: Fields) => Fields>()
    const requests = new MessageReader()
    client.on('data', (chunk) => {
      for (const message of requests.push(chunk)) {
        const name = commandName(message)
        const { readConcern, ...body } = bodyOf(message)
        const { level } = (readConcern ?? {}) as Fields
        if (/^(hello|isMaster|ismaster)$/.test(name)) asked.set(requestIdOf(message), (reply) => this.#hello(reply))
        if (level === 'snapshot') {
          // Only the first question asks for the time; what was decoded would have other orders of fields.
          if (body.singleBatch === true) {
            asked.set(requestIdOf(message), (reply) => ({
              ...reply,
              cursor: { ...(reply.cursor as Fields), atClusterTime: this.#time() },
            }))
          }
          server.write(withBody(message, body))
        } else if (body.$db === 'local') server.write(withBody(message, { ...body, $db: PLANTED }))
        else server.write(message)
      }
    })
    const replies = new MessageReader()
    server.on('data', (chunk) => {
      for (const message of replies.push(chunk)) {
        const change = asked.get(responseToOf(message))
        asked.delete(responseToOf(message))
        client.write(change === undefined ? message : withBody(message, change(bodyOf(message))))
      }
    })
  }

  #hello(reply: Fields): Fields {
    const lastWrite = { majorityOpTime: { ts: this.#time() } }
    const me = `${this.host}:${this.port}`
    return { ...reply, setName: 'pacs', setVersion: 1, hosts: [me], primary: me, me, secondary: false, lastWrite }
  }
}
