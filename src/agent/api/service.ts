import type { z } from 'zod'
import type {
  AgentStatus,
  HealthReport,
  HeldBackups,
  OpenDatabase,
  RequesterReport,
  releasesSchema,
  TransactionEvent,
  TransactionRequest,
} from '../protocol.ts'

/** What the daemon does, as its API sees it: the one door between the socket and the transaction. */
export interface AgentService {
  status(): Promise<AgentStatus>
  releases(): Promise<z.infer<typeof releasesSchema>>
  health(): Promise<HealthReport>
  /** What the repositories hold, also while a backup is taken. @throws Failure `refused` where nothing with data runs yet */
  backups(): Promise<HeldBackups>
  /**
   * Starts transaction `id`, or does nothing when it is known already: asking twice is asking once.
   * @param key the name of the SSH key that the requester proved, or `console`.
   * @throws Failure `locked` (another transaction runs: holder and since when), `bad-input`, `refused`; {@link Restarting} when a newer agent takes over first.
   */
  submit(id: string, request: TransactionRequest, key: string): Promise<void>
  /** The events of a transaction after `seq`, ending with its `result`; null when the id is unknown. */
  events(id: string, after: number, signal: AbortSignal): AsyncIterable<TransactionEvent> | null
  /**
   * How the requester of a running migration reaches the database.
   * @throws Failure `refused` when none is open to `key` now.
   */
  database(id: string, key: string): Promise<OpenDatabase>
  /**
   * Ends a running migration with what its requester did.
   * @throws Failure `refused` when none is open to `key` now.
   */
  report(id: string, report: RequesterReport, key: string): Promise<void>
  /**
   * Asks an unsealed transaction to undo itself.
   * @throws Failure `refused` when nothing of that id runs.
   */
  abort(id: string): Promise<void>
}

/** Thrown by `submit` when this process ends so that the agent of the asked release takes over; the client repeats the same id. */
export class Restarting extends Error {
  override readonly name = 'Restarting'
}
