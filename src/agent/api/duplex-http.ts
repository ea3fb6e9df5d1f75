import { Agent, type ClientRequestArgs, type IncomingMessage, request } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Failure, messageOf } from '../../lib/index.ts'

/** Opens a byte stream to the agent: a unix socket, or an SSH session that runs `pacs-agent ssh`. */
export type Connect = () => Duplex | Promise<Duplex>

/** The stream ended before its answer was whole. Whether the request arrived is not known. */
export class Cut extends Error {
  override readonly name = 'Cut'
}

type Method = 'GET' | 'PUT' | 'DELETE'

/** What node calls on a socket that it keeps for the next request; an SSH session has none of it. */
const nothingToTune = { setKeepAlive() {}, setTimeout() {}, ref() {}, unref() {} }

/** Keeps streams that are no sockets for the next request: an SSH session costs 130 ms. */
class DuplexAgent extends Agent {
  readonly #connect: Connect

  constructor(connect: Connect) {
    super({ keepAlive: true })
    this.#connect = connect
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (thrown: Error | null, stream: Duplex) => void,
  ): undefined {
    // The type says that a stream comes with every call; node reads it only when there is no error.
    const settle = callback as ((thrown: Error | null, stream?: Duplex) => void) | undefined
    Promise.resolve()
      .then(() => this.#connect())
      .then(
        (stream) => {
          // Errors are the request's to tell; of an answer that nobody reads to its end the stream alone hears.
          stream.on('error', () => undefined)
          settle?.(null, stream instanceof Socket ? stream : Object.assign(stream, nothingToTune))
        },
        (thrown: unknown) => settle?.(unreachable(thrown)),
      )
  }
}

export interface DuplexHttp {
  /**
   * Sends a request, `json` as its body, and gives the head of its answer.
   * @throws Failure `unreachable` when no stream could be opened or no HTTP came back; {@link Cut} when the stream broke off.
   */
  send(method: Method, path: string, options?: { json?: unknown; signal?: AbortSignal }): Promise<IncomingMessage>
  close(): void
}

/** HTTP over streams that `connect` opens; they are used again until `close`. Not by `fetch`: loading that takes a start 35 ms. */
export function duplexHttp(connect: Connect): DuplexHttp {
  const agent = new DuplexAgent(connect)
  return {
    send: (method, path, { json, signal } = {}) =>
      new Promise((resolve, reject) => {
        const headers = json === undefined ? {} : { 'content-type': 'application/json' }
        const outgoing = request({ agent, method, path, headers, ...(signal && { signal }) })
        outgoing.on('response', resolve)
        outgoing.on('error', (thrown) => reject(judge(thrown)))
        outgoing.end(json === undefined ? '' : JSON.stringify(json))
      }),
    close: () => agent.destroy(),
  }
}

function judge(thrown: Error & { code?: unknown }): Error {
  if (thrown instanceof Failure) return thrown
  if (String(thrown.code).startsWith('HPE_')) {
    return new Failure('unreachable', `what answers is no pacs-agent: it speaks no HTTP (${thrown.message})`)
  }
  return new Cut(thrown.message, { cause: thrown })
}

function unreachable(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown
  return new Failure('unreachable', `the agent could not be reached: ${messageOf(thrown)}`, { cause: thrown })
}
