import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect as connectSocket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { z } from 'zod'
import { badInput, Failure, messageOf, parsedJson, readJsonLines } from '../lib/index.ts'
import { type Connect, Cut, duplexHttp } from './api/duplex-http.ts'
import {
  type AgentStatus,
  backupsSchema,
  eventSchema,
  type HealthReport,
  type HeldBackups,
  healthSchema,
  LONGEST_REPORT,
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
  AgentStatus,
  OpenDatabase,
  RequesterReport,
  TransactionEvent,
  TransactionRequestInput,
  TransactionResult,
  VerificationView,
} from './protocol.ts'
export { secondSchema, throughSchema, unjudged, verifiableSchema } from './protocol.ts'

/** What a caller can ask of an agent. Each method throws a Failure: `unreachable`, `locked`, `refused`, `bad-input`, `failed` or `unknown`. */
export interface AgentClient {
  status(): Promise<AgentStatus>
  releases(): Promise<z.infer<typeof releasesSchema>>
  health(): Promise<HealthReport>
  /** What the repositories of backups hold. */
  backups(): Promise<HeldBackups>
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
  // A server that never answered is unreachable at once; one that did is given time to come back.
  let answered = false

  async function ask(...request: Parameters<typeof http.send>): Promise<IncomingMessage> {
    const answer = await http.send(...request)
    const { statusCode = 500 } = answer
    const trouble = statusCode < 300 ? null : problemOf(statusCode, await textOf(answer))
    answered = true
    if (trouble) throw trouble
    return answer
  }

  /** Asks for something of which nobody reads the answer. */
  const tell = async (...request: Parameters<typeof http.send>) => void (await textOf(await ask(...request)))

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

  function get<T>(schema: z.ZodType<T>, path: string): Promise<T> {
    return persist(async () => parseAnswer(schema, await textOf(await ask('GET', path))))
  }

  async function* follow(id: string, { after = 0, signal }: FollowOptions = {}): AsyncGenerator<TransactionEvent> {
    let seen = after
    let pause = backoff(patience)
    let lost: unknown = 'the stream ended early'
    do {
      try {
        const answer = await ask('GET', `${pathOf(id)}/events?after=${seen}`, { ...(signal && { signal }) })
        for await (const event of readJsonLines(answer, eventSchema)) {
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
    status: () => get(statusSchema, '/v1/status'),
    releases: () => get(releasesSchema, '/v1/releases'),
    health: () => get(healthSchema, '/v1/health'),
    backups: () => get(backupsSchema, '/v1/backups'),
    async put(id, input) {
      const request = parseRequest(input)
      const pause = backoff(patience)
      let arrived = false
      for (;;) {
        try {
          return await tell('PUT', pathOf(id), { json: request })
        } catch (thrown) {
          arrived ||= thrown instanceof Cut
          if ((passes(thrown) || thrown instanceof Cut) && (await pause())) continue
          // The agent knows an id that it accepted: what it says no to by now, it never did.
          if (!arrived || isAnswer(thrown))
            throw thrown instanceof Absent ? new Failure('unreachable', thrown.message) : thrown
          const why = `no answer to ${id} was seen (${messageOf(thrown)})`
          throw new Failure('unknown', `${why}; whether it runs, the server says: pacs-agent follow ${id}`)
        }
      }
    },
    follow,
    abort: (id) => persist(() => tell('DELETE', pathOf(id))),
    database: (id) => get(openDatabaseSchema, `${pathOf(id)}/database`),
    report: (id, report) => persist(() => tell('PUT', `${pathOf(id)}/report`, { json: report })),
    close: http.close,
  }
}

/**
 * What the requester did itself as it is reported, whatever came of it, so that nobody waits for one that met a bug.
 * @returns the report, and the bug with its stack, for the requester alone to see: its message may hold a document.
 */
export async function reportOf(own: Promise<RequesterReport>): Promise<{ report: RequesterReport; bug?: unknown }> {
  try {
    const { outcome, message } = await own
    return { report: { outcome, message: fitted(message) } }
  } catch (thrown) {
    if (thrown instanceof Failure) {
      const outcome = thrown.kind === 'failed' ? 'failed' : 'refused'
      return { report: { outcome, message: fitted(thrown.message) } }
    }
    return { report: { outcome: 'failed', message: 'who asked met a bug, which it shows where it runs' }, bug: thrown }
  }
}

/** A message that is too long must not make the agent refuse the report of what was done. */
function fitted(message: string): string {
  return message.length > LONGEST_REPORT ? `${message.slice(0, LONGEST_REPORT - 1)}…` : message
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

function pathOf(id: string): string {
  return `/v1/transactions/${encodeURIComponent(id)}`
}

/** @throws Cut when it ends early. */
async function textOf(answer: IncomingMessage): Promise<string> {
  try {
    let text = ''
    for await (const part of answer.setEncoding('utf8')) text += part
    return text
  } catch (thrown) {
    throw new Cut(messageOf(thrown), { cause: thrown })
  }
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

/** Whether the agent said no, and not that something broke. */
function isAnswer(thrown: unknown): boolean {
  return thrown instanceof Failure && ['locked', 'refused', 'bad-input'].includes(thrown.kind)
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
