import { createHash, randomBytes } from 'node:crypto'
import {
  type AgentClient,
  type AgentStatus,
  type OpenDatabase,
  type RequesterReport,
  reportOf,
  type TransactionEvent,
  type TransactionRequestInput,
  type TransactionResult,
} from '../agent/client.ts'
import { Failure, formatDuration, refused } from '../lib/index.ts'
import { type Heartbeat, type Job, jobContext, log, plain, startHeartbeat, writeOutputs } from '../runner/index.ts'
import { cancelledText } from './cancelled.ts'

/** What must be the same for a run to be taken as going on with what an earlier attempt of it began. */
export interface Purpose {
  environment: string
  /** The release, or `previous`. */
  release: string
}

/** What the requester does itself while its transaction holds the lock; a Failure is reported as what it is. */
export type OwnPart = (database: OpenDatabase, signal: AbortSignal) => Promise<RequesterReport>

/** Is told of the result of a request, also of a red one. */
export type OnResult = (result: TransactionResult) => void

/**
 * Has the agent carry out `request` and follows it to its result; where that is refused because the core comes first, has it carry
 * out `core` and asks again; once more, too, for a verification that the end of the agent interrupted. What an earlier attempt of this
 * workflow run began for the same purpose and still runs is followed instead of asked for again; and no run goes back to the previous
 * release twice, since that is then the one that it left.
 * @returns the result of `request`.
 * @throws Failure of the kind of the first red outcome; `unknown` when the job is cancelled or no result was seen.
 */
export async function carryOut(
  request: TransactionRequestInput,
  core: TransactionRequestInput | null,
  purpose: Purpose,
  agent: AgentClient,
  job: Job,
  own?: OwnPart,
  onResult?: OnResult,
): Promise<TransactionResult> {
  const status = await agent.status()
  const back = earlierRollback(request, purpose, status)
  if (back) {
    log.info('an earlier attempt of this run went back already')
    reportResult(back.transaction, request.kind, back.result, job)
    return back.result
  }
  let running = status.transaction?.id
  const carry = async (asked: TransactionRequestInput, isLast: boolean) => {
    const prefix = transactionPrefix(asked.kind, purpose)
    const attached = running?.startsWith(prefix) ? running : undefined
    running = undefined
    return carryOutOne(attached ?? `${prefix}${randomBytes(4).toString('hex')}`, asked, agent, job, {
      ask: !attached,
      isLast,
      own,
      onResult: asked === request ? onResult : undefined,
    })
  }
  if (core === null) {
    const result = await carry(request, request.kind !== 'verify')
    return result.interrupted ? carry(request, true) : result
  }
  const coreRuns = running?.startsWith(transactionPrefix(core.kind, purpose)) === true
  if (!coreRuns) {
    const result = await carry(request, false)
    if (!result.coreFirst) return result
  }
  await carry(core, false)
  return carry(request, true)
}

/**
 * The rollback by which an earlier attempt of this run went back to the previous release; null when none did.
 * @throws Failure `refused` when nobody can tell
 */
function earlierRollback(
  request: TransactionRequestInput,
  purpose: Purpose,
  { transaction, last }: AgentStatus,
): AgentStatus['last'] {
  if (request.kind !== 'rollback' || request.to !== undefined || jobContext().attempt === 1) return null
  const prefix = transactionPrefix(request.kind, purpose)
  if (transaction?.id.startsWith(prefix)) return null
  if (last?.transaction.startsWith(prefix)) return last.result.outcome === 'deployed' ? last : null
  throw refused(
    'an earlier attempt of this run may have gone back already, and "previous" would then be the release that it left: start a new run, or name the release',
  )
}

async function carryOutOne(
  id: string,
  request: TransactionRequestInput,
  agent: AgentClient,
  job: Job,
  {
    ask,
    isLast,
    own,
    onResult,
  }: {
    ask: boolean
    isLast: boolean
    own: OwnPart | undefined
    onResult: OnResult | undefined
  },
): Promise<TransactionResult> {
  job.signal.throwIfAborted()
  job.onCancel(() => cancelledText(request, id))
  return log.group(`${request.kind} (${id})`, async () => {
    if (ask) await untilAborted(agent.put(id, request), job.signal)
    else log.info('an earlier attempt of this run began this; it still runs and is followed')
    const events = agent.follow(id, { signal: job.signal })
    const result = await show(own ? withOwnPart(events, id, own, agent, job) : events, job)
    job.report.rows.push([request.kind, `${result.outcome} (${id})`])
    if ((result.coreFirst || result.interrupted) && !isLast) return result
    onResult?.(result)
    const red = RED.find((kind) => kind === result.outcome)
    if (request.kind !== 'core' || red) reportResult(id, request.kind, result, job)
    if (red) throw new Failure(red, `${red}: ${plain(result.message)}`)
    return result
  })
}

/** Does the requester's part when its step comes, and reports it; an end that comes first, like an abort, ends that part. */
async function* withOwnPart(
  events: AsyncIterable<TransactionEvent>,
  id: string,
  own: OwnPart,
  agent: AgentClient,
  job: Job,
): AsyncGenerator<TransactionEvent> {
  const over = new AbortController()
  let work: Promise<void> | undefined
  const doIt = async () => {
    const work = own(await agent.database(id), AbortSignal.any([job.signal, over.signal]))
    const { report, bug } = await reportOf(work)
    if (!over.signal.aborted) await agent.report(id, report)
    if (bug !== undefined) throw bug
  }
  try {
    for await (const event of events) {
      if (event.type === 'step' && event.step === 'open') work ??= doIt()
      if (event.type === 'result') over.abort(new Failure('failed', event.result.message))
      yield event
    }
  } finally {
    over.abort(new Failure('unknown', 'the server is not followed any more'))
    await work
  }
}

/** Prints the events as they come and gives the result. */
async function show(events: AsyncIterable<TransactionEvent>, job: Job): Promise<TransactionResult> {
  const stages: { step: string; at: number }[] = []
  let heartbeat: Heartbeat | undefined
  try {
    for await (const event of events) {
      if (event.type === 'note') log.foreign(event.message)
      if (event.type === 'step') {
        log.foreign(`${event.step}: ${event.message}`)
        stages.push({ step: event.step, at: Date.parse(event.at) })
        heartbeat?.stop()
        heartbeat = startHeartbeat(event.step)
      }
      if (event.type === 'progress') heartbeat?.tell(event.message)
      if (event.type !== 'result') continue
      log.foreign(`${event.result.outcome}: ${event.result.message}`)
      const durations = stages.map(({ step, at }, index) => {
        const end = stages[index + 1]?.at ?? Date.parse(event.at)
        return `${plain(step)} ${formatDuration(end - at)}`
      })
      if (durations.length > 0) job.report.rows.push(['stages', durations.join(' · ')])
      return event.result
    }
  } finally {
    heartbeat?.stop()
  }
  throw new Failure('unknown', 'the server sent no result')
}

/** The same for every attempt of a workflow run, so that a re-run finds what it began; short enough for a journal's name. */
export function transactionPrefix(kind: string, { environment, release }: Purpose, context = jobContext()): string {
  const parts = JSON.stringify([context.repository, context.runId, kind, environment, release])
  return `${kind}-${createHash('sha256').update(parts).digest('hex').slice(0, 12)}-`
}

/** Outcomes that are not what was asked for. */
const RED = ['refused', 'unhealthy', 'rolled-back', 'failed', 'locked', 'bad-input'] as const

/** What leaves the app alone. */
const BESIDE = ['backup', 'verify', 'restore']

function reportResult(id: string, kind: string, result: TransactionResult, job: Job): void {
  job.report.message = result.message
  if (!BESIDE.includes(kind)) {
    job.report.rows.push(['serving', result.serving ?? 'nothing'], ['before', result.previous ?? 'nothing'])
  }
  writeOutputs({
    outcome: result.outcome,
    direction: result.direction ?? null,
    serving: result.serving,
    previous: result.previous,
    transaction: id,
  })
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stop = new AbortController()
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: stop.signal })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    stop.abort()
  }
}
