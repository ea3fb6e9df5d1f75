import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { hc } from 'hono/client'
import type { z } from 'zod'
import { badInput, Failure, messageOf, parsedJson, readJsonLines } from '../lib/index.ts'
import type { AgentApi } from './api/api.ts'
import { type Connect, Cut, duplexHttp } from './api/duplex-http.ts'
import {
  type AgentStatus,
  eventSchema,
  type HealthReport,
  healthSchema,
  type OpenDatabase,
  openDatabaseSchema,
  problemSchema,
  type RequesterReport,
  releasesSchema,
  requestSchema,
  statusSchema,
  type TransactionEvent,
  type TransactionRequest,
  type TransactionRequestInput,
} from './protocol.ts'

export type {
  OpenDatabase,
  RequesterReport,
  TransactionEvent,
  TransactionRequestInput,
  TransactionResult,
  VerificationView,
} from './protocol.ts'
export { throughSchema, verifiableSchema } from './protocol.ts'

/** What a caller can ask of an agent. Each method throws a Failure: `unreachable`, `locked`, `refused`, `bad-input`, `failed` or `unknown`. */
export interface AgentClient {
  status(): Promise<AgentStatus>
  releases(): Promise<z.infer<typeof releasesSchema>>
  health(): Promise<HealthReport>
  /**
   * Asks for transaction `id` and repeats that while the agent restarts or a connection breaks.
   * @throws Failure `unknown` when the request may have arrived but no answer was seen.
   */
  put(id: string, request: TransactionRequestInput): Promise<void>
  /**
   * The events of a transaction after `seq` up to its `result`, across broken connections and restarts of the agent.
   * @throws Failure `unknown` when no result was seen: what is going on then is the server's to say, not the connection's.
   */
  follow(id: string, options?: FollowOptions): AsyncGenerator<TransactionEvent>
  abort(id: string): Promise<void>
  /** How the database is reached while migration `id`, which this client asked for, is open to it. */
  database(id: string): Promise<OpenDatabase>
  /** Ends migration `id` with what was done. */
  report(id: string, report: RequesterReport): Promise<void>
  /** Ends the connections that are kept for the next request. */
  close(): void
}

export interface ClientOptions {
  /** Milliseconds for which a lost agent is looked for again. */
  patience?: number
}

/** The agent ends so that a newer one takes over. */
class Absent extends Error {
  override readonly name = 'Absent'
}

/** A client over the streams that `connect` opens, for example SSH sessions that run `pacs-agent ssh`. */
export function openAgent(connect: Connect, { patience = 60_000 }: ClientOptions = {}): AgentClient {
  const http = duplexHttp(connect)
  const api = hc<AgentApi>('http://pacs-agent', { fetch: http.fetch }).v1
  const events = api.transactions[':id'].events
  // A server that never answered is unreachable at once; one that did is given time to come back.
  let answered = false

  async function ask(request: () => Promise<Response>): Promise<Response> {
    const response = await request()
    const trouble = response.ok ? null : problemOf(response.status, await response.text().catch(cut))
    answered = true
    if (trouble) throw trouble
    return response
  }

  function passes(thrown: unknown): boolean {
    if (thrown instanceof Absent) return true
    return answered && (thrown instanceof Cut || (thrown instanceof Failure && thrown.kind === 'unreachable'))
  }

  async function persist<T>(operation: () => Promise<T>): Promise<T> {
    const pause = backoff(patience)
    for (;;) {
      try {
        return await operation()
      } catch (thrown) {
        if (passes(thrown) && (await pause())) continue
        if (thrown instanceof Cut || thrown instanceof Absent) {
          throw new Failure('unreachable', `the agent does not answer: ${thrown.message}`, { cause: thrown })
        }
        throw thrown
      }
    }
  }

  function get<T>(schema: z.ZodType<T>, request: () => Promise<Response>): Promise<T> {
    return persist(async () => {
      const response = await ask(request)
      return parseAnswer(schema, await response.text().catch(cut))
    })
  }

  async function* follow(id: string, { after = 0, signal }: FollowOptions = {}): AsyncGenerator<TransactionEvent> {
    let seen = after
    let pause = backoff(patience)
    let lost: unknown = 'the stream ended early'
    do {
      try {
        const request = { param: { id }, query: { after: String(seen) } }
        const response = await ask(() => events.$get(request, signal ? { init: { signal } } : {}))
        for await (const event of readJsonLines(bodyOf(response), eventSchema)) {
          if (event.seq <= seen) continue
          pause = backoff(patience)
          seen = event.seq
          yield event
          if (event.type === 'result') return
        }
      } catch (thrown) {
        signal?.throwIfAborted()
        if (thrown instanceof Failure && !passes(thrown)) throw thrown
        lost = thrown
      }
    } while (await pause(signal))
    throw new Failure(
      'unknown',
      `no result of ${id} was seen: the connection was lost after event ${seen} (${messageOf(lost)}); ` +
        `the server goes on by itself, look with: pacs-agent follow ${id}`,
    )
  }

  return {
    status: () => get(statusSchema, () => api.status.$get()),
    releases: () => get(releasesSchema, () => api.releases.$get()),
    health: () => get(healthSchema, () => api.health.$get()),
    async put(id, input) {
      const request = parseRequest(input)
      const pause = backoff(patience)
      let arrived = false
      for (;;) {
        try {
          await drain(await ask(() => api.transactions[':id'].$put({ param: { id }, json: request })))
          return
        } catch (thrown) {
          arrived ||= thrown instanceof Cut
          if ((passes(thrown) || thrown instanceof Cut) && (await pause())) continue
          if (!arrived) throw thrown instanceof Absent ? new Failure('unreachable', thrown.message) : thrown
          const why = `no answer to ${id} was seen (${messageOf(thrown)})`
          throw new Failure('unknown', `${why}; whether it runs, the server says: pacs-agent follow ${id}`)
        }
      }
    },
    follow,
    abort: (id) => persist(async () => drain(await ask(() => api.transactions[':id'].$delete({ param: { id } })))),
    database: (id) => get(openDatabaseSchema, () => api.transactions[':id'].database.$get({ param: { id } })),
    report: (id, report) =>
      persist(async () => drain(await ask(() => api.transactions[':id'].report.$put({ param: { id }, json: report })))),
    close: http.close,
  }
}

/**
 * What the requester did itself as it is reported, whatever came of it, so that nobody waits for one that met a bug.
 * @returns the report, and the bug with its stack, for the requester alone to see: its message may hold a document.
 */
export async function reportOf(own: Promise<RequesterReport>): Promise<{ report: RequesterReport; bug?: unknown }> {
  try {
    return { report: await own }
  } catch (thrown) {
    if (thrown instanceof Failure) {
      const outcome = thrown.kind === 'failed' ? 'failed' : 'refused'
      return { report: { outcome, message: thrown.message.slice(0, 2000) } }
    }
    return { report: { outcome: 'failed', message: 'who asked met a bug, which it shows where it runs' }, bug: thrown }
  }
}

/** A client of the agent on this machine. */
export function openSocket(path: string, options?: ClientOptions): AgentClient {
  return openAgent(async () => {
    const socket = connectSocket(path)
    try {
      await once(socket, 'connect')
    } catch (thrown) {
      throw new Failure('unreachable', `${path}: ${messageOf(thrown)}; does it run? systemctl status pacs-agent`)
    }
    return socket
  }, options)
}

interface FollowOptions {
  after?: number
  signal?: AbortSignal
}

function cut(thrown: unknown): never {
  throw new Cut(messageOf(thrown), { cause: thrown })
}

async function drain(response: Response): Promise<void> {
  await response.arrayBuffer().catch(cut)
}

function bodyOf(response: Response): Readable {
  return response.body ? Readable.fromWeb(response.body) : Readable.from([])
}

function parseRequest(input: TransactionRequestInput): TransactionRequest {
  const parsed = requestSchema.safeParse(input)
  if (parsed.success) return parsed.data
  throw badInput(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
}

function parseAnswer<T>(schema: z.ZodType<T>, text: string): T {
  const parsed = schema.safeParse(parsedJson(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Failure('error', `the agent's answer is not understood (${issue?.path.join('.')}: ${issue?.message})`)
}

/** What the agent said no with; throws when it was no agent. */
function problemOf(status: number, text: string): Error {
  const parsed = problemSchema.safeParse(parsedJson(text))
  if (!parsed.success) throw new Failure('unreachable', `what answers is no pacs-agent: HTTP ${status}`)
  const { kind, message } = parsed.data
  return kind === 'restarting' ? new Absent(message) : new Failure(kind, message)
}

const PAUSES_MS = [100, 200, 400, 800, 1600, 3000]

/** Pauses between attempts: each call waits longer, and the one that would exceed `patience` milliseconds says false. */
function backoff(patience: number): (signal?: AbortSignal) => Promise<boolean> {
  let waited = 0
  let attempts = 0
  return async (signal) => {
    const pause = PAUSES_MS[Math.min(attempts++, PAUSES_MS.length - 1)] ?? 0
    waited += pause
    if (waited > patience) return false
    await delay(pause, undefined, signal ? { signal } : {})
    return true
  }
}
