import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import { createApi } from '../../../src/agent/api/api.ts'
import { listen, ProvenKeys } from '../../../src/agent/api/listen.ts'
import type { AgentService } from '../../../src/agent/api/service.ts'
import type {
  AgentStatus,
  HealthReport,
  HeldBackups,
  OpenDatabase,
  RequesterReport,
  releasesSchema,
  TransactionEvent,
  TransactionRequest,
} from '../../../src/agent/protocol.ts'
import { refused } from '../../../src/lib/index.ts'
import { releaseIdSchema, sha256 } from '../../../src/release/index.ts'

export const status: AgentStatus = {
  agent: { version: '1.2.3', sha256: sha256('agent'), node: 'v24.0.0', engine: '26.1.5' },
  phase: 'idle',
  transaction: null,
  serving: null,
  candidate: null,
  warm: null,
  last: null,
}

export const result: TransactionEvent = {
  seq: 3,
  at: '2026-11-24T10:15:03.000Z',
  type: 'result',
  result: { outcome: 'deployed', message: 'serves', direction: 'forward', serving: null, previous: null },
}

export const twoSteps: TransactionEvent[] = [
  { seq: 1, at: '2026-11-24T10:15:01.000Z', type: 'step', step: 'preflight', message: 'looking' },
  { seq: 2, at: '2026-11-24T10:15:02.000Z', type: 'note', message: 'all fits' },
]

const coreComesFirst: TransactionEvent = {
  ...result,
  type: 'result',
  result: { outcome: 'refused', message: 'the core comes first', coreFirst: true, serving: null, previous: null },
}

const interrupted: TransactionEvent = {
  ...result,
  type: 'result',
  result: { outcome: 'refused', message: 'interrupted', interrupted: true, serving: null, previous: null },
}

/** A transaction engine that records what it is asked and says what the test tells it to. */
export class ScriptedService implements AgentService {
  readonly submitted: { id: string; request: TransactionRequest; key: string }[] = []
  readonly aborted: string[] = []
  readonly reports: { id: string; report: RequesterReport; key: string }[] = []
  readonly followed: number[] = []
  /** Whether a deploy is refused because the core comes first, until the core was asked for. */
  coreFirst = false
  /** How many verifications are still interrupted. */
  interruptions = 0
  /** Thrown by the next submits, in order. */
  readonly troubles: Error[] = []
  held: HeldBackups = { repositories: [] }
  transactions = new Map<string, (after: number, signal: AbortSignal) => AsyncIterable<TransactionEvent>>()
  statusAnswer: () => Promise<AgentStatus> = async () => status

  status(): Promise<AgentStatus> {
    return this.statusAnswer()
  }

  async releases(): Promise<z.infer<typeof releasesSchema>> {
    return { releases: [] }
  }

  async health(): Promise<HealthReport> {
    return { healthy: true, checks: [{ name: 'front', critical: true, ok: true, detail: '200', ms: 3 }] }
  }

  async backups(): Promise<HeldBackups> {
    return this.held
  }

  async submit(id: string, request: TransactionRequest, key: string): Promise<void> {
    const trouble = this.troubles.shift()
    if (trouble) throw trouble
    this.submitted.push({ id, request, key })
    if (request.kind === 'core') this.coreFirst = false
    if (request.kind === 'deploy' && this.coreFirst) {
      this.transactions.set(id, (after) => replay([...twoSteps, coreComesFirst], after))
    }
    if (request.kind === 'verify' && this.interruptions-- > 0) {
      this.transactions.set(id, (after) => replay([...twoSteps, interrupted], after))
    }
    if (!this.transactions.has(id)) this.transactions.set(id, (after) => replay([...twoSteps, result], after))
  }

  events(id: string, after: number, signal: AbortSignal): AsyncIterable<TransactionEvent> | null {
    const transaction = this.transactions.get(id)
    if (transaction === undefined) return null
    if (!signal.aborted) this.followed.push(after)
    return transaction(after, signal)
  }

  async database(id: string, key: string): Promise<OpenDatabase> {
    if (!this.transactions.has(id)) throw refused(`${id} does not run`)
    return {
      port: 27017,
      database: 'pacs',
      username: 'migrations',
      password: `for ${key}`,
      release: releaseIdSchema.parse('20261121t100000z-000000000001'),
      migrations: [],
    }
  }

  async report(id: string, report: RequesterReport, key: string): Promise<void> {
    this.reports.push({ id, report, key })
  }

  async abort(id: string): Promise<void> {
    if (!this.transactions.has(id)) throw refused(`nothing called ${id} runs`)
    this.aborted.push(id)
  }
}

export async function* replay(events: readonly TransactionEvent[], after: number): AsyncGenerator<TransactionEvent> {
  for (const event of events) if (event.seq > after) yield event
}

export interface ListeningDaemon extends AsyncDisposable {
  service: ScriptedService
  socket: string
  sshSocket: string
  restarts: number
  logged: string[]
  stop: () => Promise<void>
  start: () => Promise<void>
}

/** The real API on real sockets in a folder of its own, over a scripted engine. */
export async function listeningDaemon(): Promise<ListeningDaemon> {
  const directory = await mkdtemp(join(tmpdir(), 'pacs-agent-'))
  const service = new ScriptedService()
  const sockets = { socket: join(directory, 'agent.sock'), sshSocket: join(directory, 'ssh.sock') }
  let close = async () => {}
  const daemon: ListeningDaemon = {
    service,
    ...sockets,
    restarts: 0,
    logged: [],
    async start() {
      const keys = new ProvenKeys()
      const api = createApi({
        service,
        keyOf: (socket) => keys.of(socket),
        onRestarting: () => {
          daemon.restarts++
        },
        log: (message) => daemon.logged.push(message),
      })
      close = await listen(api, keys, sockets)
    },
    async stop() {
      await close()
      close = async () => {}
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
  await daemon.start()
  return daemon
}
