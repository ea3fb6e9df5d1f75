import { Agent, type ClientRequestArgs, type OutgoingHttpHeaders, request } from 'node:http'
import { Socket } from 'node:net'
import { type Duplex, Readable } from 'node:stream'
import { Failure, messageOf } from '../../lib/index.ts'

/** Opens a byte stream to the agent: a unix socket, or an SSH session that runs `pacs-agent ssh`. */
export type Connect = () => Duplex | Promise<Duplex>

/** The stream ended before its answer was whole. Whether the request arrived is not known. */
export class Cut extends Error {
  override readonly name = 'Cut'
}

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
        (stream) => settle?.(null, stream instanceof Socket ? stream : Object.assign(stream, nothingToTune)),
        (thrown: unknown) => settle?.(unreachable(thrown)),
      )
  }
}

export interface DuplexHttp {
  fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  close: () => void
}

/**
 * A `fetch` over streams that `connect` opens; they are used again until `close`. It throws Failure `unreachable` when no
 * stream could be opened or no HTTP came back, and {@link Cut} when the stream broke off.
 */
export function duplexHttp(connect: Connect): DuplexHttp {
  const agent = new DuplexAgent(connect)
  return {
    fetch: (input, init = {}) =>
      new Promise((resolve, reject) => {
        const { pathname, search } = new URL(typeof input === 'object' && 'url' in input ? input.url : input)
        const headers = plainHeaders(init.headers ?? {})
        const outgoing = request({ agent, method: init.method ?? 'GET', path: `${pathname}${search}`, headers })
        outgoing.on('response', (incoming) => {
          const type = incoming.headers['content-type'] ?? ''
          const options = { status: incoming.statusCode ?? 500, headers: { 'content-type': type } }
          resolve(new Response(Readable.toWeb(incoming), options))
        })
        outgoing.on('error', (thrown) => reject(judge(thrown)))
        init.signal?.addEventListener('abort', () => outgoing.destroy(), { once: true })
        outgoing.end(init.body ?? '')
      }),
    close: () => agent.destroy(),
  }
}

/** Without naming `Headers` or `Request`: what Node loads for them takes 35 ms, which only an answer is worth. */
function plainHeaders(headers: Exclude<RequestInit['headers'], undefined>): OutgoingHttpHeaders {
  return Object.fromEntries(Symbol.iterator in headers ? headers : Object.entries(headers))
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
