import type { Socket } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { validator } from 'hono/validator'
import { z } from 'zod'
import { Failure, messageOf } from '../../lib/index.ts'
import {
  type problemSchema,
  reportSchema,
  requestSchema,
  type TransactionEvent,
  transactionIdSchema,
} from '../protocol.ts'
import { type AgentService, Restarting } from './service.ts'

/** A request is a few fields and a registry login; 64 KiB is plenty. */
const MAX_BODY = 64 * 1024

type Problem = z.infer<typeof problemSchema>

export interface ApiOptions {
  service: AgentService
  /** The name of the SSH key that the peer of a connection proved, or `console`. */
  keyOf: (socket: Socket) => string
  /** Called once the answer `restarting` has been given: this process is to end. */
  onRestarting: () => void
  /** Told of errors that are bugs, with their stack. */
  log: (message: string) => void
}

/** The agent's HTTP API over what it can do; see protocol.ts for what goes over it. */
export function createApi({ service, keyOf, onRestarting, log }: ApiOptions) {
  const id = validator('param', (value, context) => {
    const parsed = z.object({ id: transactionIdSchema }).safeParse(value)
    return parsed.success ? parsed.data : context.json(...problem(400, 'bad-input', explain('id', parsed.error)))
  })
  const after = validator('query', (value, context) => {
    const parsed = z.object({ after: z.coerce.number().int().min(0).default(0) }).safeParse(value)
    return parsed.success ? parsed.data : context.json(...problem(400, 'bad-input', explain('query', parsed.error)))
  })
  const request = validator('json', (value, context) => {
    const parsed = requestSchema.safeParse(value)
    return parsed.success ? parsed.data : context.json(...problem(400, 'bad-input', explain('request', parsed.error)))
  })

  const report = validator('json', (value, context) => {
    const parsed = reportSchema.safeParse(value)
    return parsed.success ? parsed.data : context.json(...problem(400, 'bad-input', explain('report', parsed.error)))
  })

  return new Hono<{ Bindings: HttpBindings }>()
    .use(
      bodyLimit({
        maxSize: MAX_BODY,
        onError: (context) =>
          context.json(...problem(413, 'bad-input', `the request is larger than ${MAX_BODY} bytes`)),
      }),
    )
    .onError((thrown, context) => {
      if (thrown instanceof Restarting) {
        // Ended only when the answer is out, so that the client knows to repeat the same id.
        context.env.outgoing.once('close', onRestarting)
        context.header('Retry-After', '1')
        context.header('Connection', 'close')
        return context.json(...problem(503, 'restarting', thrown.message))
      }
      if (thrown instanceof Failure) return context.json(...problemOf(thrown))
      if ('getResponse' in thrown) return context.json(...problem(400, 'bad-input', `the request: ${thrown.message}`))
      log(thrown.stack ?? thrown.message)
      return context.json(
        ...problem(500, 'failed', `the agent met a bug: ${thrown.message} (journalctl -u pacs-agent has the stack)`),
      )
    })
    .notFound((context) =>
      context.json(...problem(404, 'bad-input', `this agent has no ${context.req.method} ${context.req.path}`)),
    )
    .get('/v1/status', async (context) => context.json(await service.status()))
    .get('/v1/releases', async (context) => context.json(await service.releases()))
    .get('/v1/health', async (context) => context.json(await service.health()))
    .get('/v1/backups', async (context) => context.json(await service.backups()))
    .put('/v1/transactions/:id', id, request, async (context) => {
      const transaction = context.req.valid('param').id
      const known = service.events(transaction, 0, AbortSignal.abort()) !== null
      await service.submit(transaction, context.req.valid('json'), keyOf(context.env.incoming.socket))
      return context.json({ id: transaction }, known ? 200 : 201)
    })
    .get('/v1/transactions/:id/events', id, after, (context) => {
      const transaction = context.req.valid('param').id
      const stop = new AbortController()
      const events = service.events(transaction, context.req.valid('query').after, stop.signal)
      if (events === null)
        return context.json(...problem(404, 'bad-input', `no transaction ${transaction} is known here`))
      return new Response(streamLines(events, stop, log), { headers: { 'content-type': 'application/x-ndjson' } })
    })
    .get('/v1/transactions/:id/database', id, async (context) => {
      const { id: transaction } = context.req.valid('param')
      return context.json(await service.database(transaction, keyOf(context.env.incoming.socket)))
    })
    .put('/v1/transactions/:id/report', id, report, async (context) => {
      const { id: transaction } = context.req.valid('param')
      await service.report(transaction, context.req.valid('json'), keyOf(context.env.incoming.socket))
      return context.json({ id: transaction })
    })
    .delete('/v1/transactions/:id', id, async (context) => {
      await service.abort(context.req.valid('param').id)
      return context.json({ id: context.req.valid('param').id })
    })
}

export type AgentApi = ReturnType<typeof createApi>

function problem<Status extends 400 | 404 | 409 | 413 | 500 | 503>(
  status: Status,
  kind: Problem['kind'],
  message: string,
): [Problem, Status] {
  return [{ kind, message }, status]
}

function problemOf(failure: Failure): [Problem, 400 | 409 | 500] {
  if (failure.kind === 'bad-input') return problem(400, 'bad-input', failure.message)
  if (failure.kind === 'locked' || failure.kind === 'refused') return problem(409, failure.kind, failure.message)
  return problem(500, 'failed', failure.message)
}

function explain(what: string, error: z.ZodError): string {
  return error.issues.map((issue) => `${[what, ...issue.path].join('.')}: ${issue.message}`).join('; ')
}

/** The events as JSON lines. A failure cuts the stream, since only a `result` ends one well. */
function streamLines(
  events: AsyncIterable<TransactionEvent>,
  stop: AbortController,
  log: (message: string) => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const iterator = events[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      try {
        const next = await iterator.next()
        if (next.done) controller.close()
        else controller.enqueue(encoder.encode(`${JSON.stringify(next.value)}\n`))
      } catch (thrown) {
        if (!stop.signal.aborted) log(`the events of a transaction could not be read: ${messageOf(thrown)}`)
        controller.error(thrown)
      }
    },
    async cancel() {
      stop.abort()
      await iterator.return?.()
    },
  })
}
