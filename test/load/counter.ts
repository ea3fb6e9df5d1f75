// A request counter: keep-alive connections that behave as browsers do, and count every answer that a person would call lost.
import { Agent, request } from 'node:https'
import { messageOf } from '../../src/lib/index.ts'
import { people } from '../site/users.ts'
import { type Session, sessionIn } from '../stack/visit.ts'

export interface CounterOptions {
  host: string
  port: number
  servername: string
  /** The authority's certificate (PEM) that the server's must be signed by. */
  ca: string
  connections?: number
  /** What the page asks for, by GET; when left out the reference app's API, with its POST, by somebody who has logged in once. */
  api?: readonly string[]
  /** Paths of images that are fetched as well; each must exist in every release. */
  images?: readonly string[]
  /** Milliseconds between two requests of one connection; what a person's page takes when left out. */
  think?: number
  /** Told how many milliseconds each good answer took. */
  onGood?: (ms: number) => void
}

export interface LostRequest {
  /** Milliseconds since the counter started: when it was asked, and when it was lost. */
  asked: number
  at: number
  request: string
  instance: string | null
  /** What was wrong: a reset, a time-out, a status, a short body. */
  why: string
  status: number | null
}

export interface CounterReport {
  /** When the counter started, in milliseconds of the epoch. */
  startedAt: number
  sent: number
  lost: readonly LostRequest[]
  /** Milliseconds between two good answers at most, over all connections. */
  longestGap: number
  /** Good answers by instance (its i8), in the order in which each was first seen. */
  instances: ReadonlyMap<string, number>
  /** Moves of one connection from an instance to another one. */
  moves: readonly { at: number; from: string; to: string }[]
  seconds: number
}

interface Answer {
  status: number
  cookies: readonly string[] | undefined
  body: Buffer
  instance: string | null
}

/** Milliseconds that a person waits. */
const TIMEOUT = 10_000
/** Between two requests of one connection, so that 16 of them are some 300 requests per second. */
const THINK = 40

/** Counts requests from now until `stop`. */
export class Counter {
  /** Resolves when every connection has had its first answer or lost its first request: from then on none misses a move. */
  readonly begun: Promise<unknown>
  readonly #options: CounterOptions
  readonly #started = performance.now()
  readonly #startedAt = Date.now()
  readonly #lost: LostRequest[] = []
  readonly #instances = new Map<string, number>()
  readonly #moves: { at: number; from: string; to: string }[] = []
  readonly #session: Promise<Session | null>
  readonly #workers: Promise<void>[]
  #sent = 0
  #stopped = false
  #lastGood = performance.now()
  #longestGap = 0

  constructor(options: CounterOptions) {
    this.#options = options
    this.#session = options.api ? Promise.resolve(null) : this.#logIn()
    const connections = Array.from({ length: options.connections ?? 16 }, () => Promise.withResolvers<void>())
    this.begun = Promise.all(connections.map(({ promise }) => promise))
    this.#workers = connections.map(({ resolve }) => this.#work(resolve))
  }

  get sent(): number {
    return this.#sent
  }

  get lost(): readonly LostRequest[] {
    return this.#lost
  }

  /** Milliseconds since the counter started: what `at` counts. */
  get elapsed(): number {
    return performance.now() - this.#started
  }

  async stop(): Promise<CounterReport> {
    this.#stopped = true
    await Promise.all(this.#workers)
    return {
      startedAt: this.#startedAt,
      sent: this.#sent,
      lost: this.#lost,
      longestGap: this.#longestGap,
      instances: this.#instances,
      moves: this.#moves,
      seconds: this.elapsed / 1000,
    }
  }

  /** All connections are those of one person, whom no change of the release may log out. */
  async #logIn(): Promise<Session | null> {
    const agent = new Agent({ ca: this.#options.ca })
    const { name, password } = people.jane
    const answer = await this.#ask(agent, null, 'POST', '/api/session', 201, JSON.stringify({ name, password }))
    agent.destroy()
    return answer && sessionIn([...(answer.cookies ?? [])], answer.body)
  }

  /** One connection: a page, its assets, then what the page asks for. */
  async #work(onBegun: () => void): Promise<void> {
    const session = await this.#session
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: this.#options.ca })
    let last: string | null = null
    const ask = async (method: 'GET' | 'POST', path: string, wanted: number, body?: string) => {
      const answer = await this.#ask(agent, session, method, path, wanted, body)
      if (answer?.instance) {
        if (last !== null && last !== answer.instance)
          this.#moves.push({ at: this.elapsed, from: last, to: answer.instance })
        last = answer.instance
      }
      await new Promise((resolve) => setTimeout(resolve, this.#options.think ?? THINK))
      return answer
    }
    while (!this.#stopped) {
      const page = await ask('GET', '/', 200)
      onBegun()
      for (const [, asset] of page?.body.toString().matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g) ?? []) {
        if (asset) await ask('GET', asset, 200)
      }
      for (const path of this.#options.api ?? ['/api/version']) await ask('GET', path, 200)
      if (!this.#options.api) await ask('POST', '/api/studies/search', 200, JSON.stringify({}))
      for (const image of this.#options.images ?? []) await ask('GET', image, 200)
    }
    // Stopped before it began.
    onBegun()
    agent.destroy()
  }

  #ask(
    agent: Agent,
    session: Session | null,
    method: string,
    path: string,
    wanted: number,
    body?: string,
  ): Promise<Answer | null> {
    const { host, port, servername } = this.#options
    this.#sent += 1
    const asked = performance.now()
    return new Promise((resolve) => {
      const lose = (why: string, answer?: Partial<Answer>) => {
        this.#lost.push({
          asked: asked - this.#started,
          at: this.elapsed,
          request: `${method} ${path}`,
          instance: answer?.instance ?? null,
          why,
          status: answer?.status ?? null,
        })
        resolve(null)
      }
      const headers = {
        host: servername,
        ...(session ? { cookie: session.cookie, 'x-csrf-token': session.csrfToken } : {}),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      }
      const outgoing = request({ agent, host, port, servername, method, path, headers, timeout: TIMEOUT })
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT} ms`)))
      outgoing.on('error', (error) => lose(messageOf(error)))
      outgoing.on('response', (response) => {
        const chunks: Buffer[] = []
        const header = response.headers['x-pacs-instance']
        const answer: Answer = {
          status: response.statusCode ?? 0,
          cookies: response.headers['set-cookie'],
          body: Buffer.alloc(0),
          instance: typeof header === 'string' ? header : null,
        }
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', (error) => lose(`short body: ${messageOf(error)}`, answer))
        response.on('end', () => {
          if (answer.status !== wanted) return lose(`status ${answer.status}`, answer)
          this.#options.onGood?.(performance.now() - asked)
          this.#good(answer.instance)
          resolve({ ...answer, body: Buffer.concat(chunks) })
        })
      })
      outgoing.end(body)
    })
  }

  #good(instance: string | null): void {
    const now = performance.now()
    this.#longestGap = Math.max(this.#longestGap, now - this.#lastGood)
    this.#lastGood = now
    if (instance) this.#instances.set(instance, (this.#instances.get(instance) ?? 0) + 1)
  }
}
