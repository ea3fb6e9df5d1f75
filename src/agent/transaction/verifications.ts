import { readFile, rm } from 'node:fs/promises'
import { z } from 'zod'
import { Failure, messageOf, refused, replaceFile } from '../../lib/index.ts'
import type { RequestOf, TransactionResult } from '../protocol.ts'
import { type Audit, recordResult } from './audit.ts'
import { runningData } from './backup.ts'
import type { Journal, JournalWriter } from './journal.ts'
import type { Planner } from './planner.ts'
import type { World } from './world.ts'

interface Parts {
  world: World
  planner: Planner
  journal: Journal
  /** A file that names the running verification, so that one whose agent died gets its result. */
  marker: string
  audit: Audit
  /** Does it after a while, and nothing once the agent is closed. */
  later(action: () => Promise<void>): void
  log(message: string): void
}

const markerSchema = z.object({ id: z.string() })

/** Verifications of backups: they take no lock, touch nothing that lives, and are known to their journal only. One at a time. */
export class Verifications {
  readonly #parts: Parts
  #running: { id: string; actor: string; stop: AbortController; done: Promise<void> } | null = null
  /** Of the last one, whose result is seen before its marker is gone: it must not take that of the next. */
  #ended: Promise<void> = Promise.resolve()
  /** What one came to whose result could not be written yet. */
  #untold: { id: string; result: TransactionResult } | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws Failure `locked` while another one runs. */
  async start(id: string, request: RequestOf<'verify'>, key: string): Promise<void> {
    const { journal, marker, world, audit } = this.#parts
    if (this.#running) {
      throw new Failure(
        'locked',
        `verification ${this.#running.id} of ${this.#running.actor} runs: wait for it, or follow it`,
      )
    }
    const running = { id, actor: request.actor, stop: new AbortController(), done: Promise.resolve() }
    this.#running = running
    try {
      await this.#ended
      // One whose result could not be written has it now, before its marker is replaced.
      await this.recover()
      const { actor, run } = request
      await audit({ at: new Date(world.now()).toISOString(), transaction: id, kind: 'verify', actor, key, run })
      const writer = await journal.writer(id)
      await replaceFile(marker, JSON.stringify({ id }), 0o640)
      await writer.note(`verify asked by ${actor} with key ${key}${run ? `, ${run}` : ''}`)
      running.done = this.#ended = this.#run(id, writer, request, running.stop.signal)
    } catch (thrown) {
      this.#running = null
      throw thrown
    }
  }

  /** Ends verification `id`. @returns false when it does not run */
  async abort(id: string): Promise<boolean> {
    const running = this.#running
    if (running?.id !== id) return false
    running.stop.abort(refused('an abort was asked for: nothing was proved'))
    await running.done
    return true
  }

  /** Gives the last verification its result where it has none, since its agent died or could not write it; later where that fails. */
  async recover(): Promise<void> {
    try {
      await this.#complete()
    } catch (thrown) {
      this.#parts.log(messageOf(thrown))
      this.#recoverLater()
    }
  }

  #recoverLater(): void {
    this.#parts.later(async () => {
      // The start of the next one has tried it, too.
      if (this.#running) return
      this.#ended = this.recover()
    })
  }

  async #complete(): Promise<void> {
    const { marker, journal, audit, world } = this.#parts
    const text = await readFile(marker, 'utf8').catch(() => null)
    if (text === null) return
    const { id } = markerSchema.parse(JSON.parse(text))
    // One whose agent died before its journal began is not known to anybody: it is asked for again.
    if (journal.has(id)) {
      const writer = await journal.writer(id)
      let last: string | undefined
      for await (const event of journal.recorded(id)) last = event.type
      if (last !== 'result') {
        const why = 'interrupted: nothing was proved; ask again'
        const interrupted = { ...this.#resultOf('refused', why), interrupted: true }
        const result = this.#untold?.id === id ? this.#untold.result : interrupted
        await recordResult(id, result, world.now(), { audit, writer })
      }
    }
    await rm(marker, { force: true })
    this.#untold = null
  }

  async #run(id: string, writer: JournalWriter, request: RequestOf<'verify'>, signal: AbortSignal): Promise<void> {
    const { world, planner, marker, audit, log } = this.#parts
    let result: TransactionResult
    try {
      const data = await runningData(world, planner)
      if (data === null) throw refused('no service with data runs here yet: there is no backup to verify')
      await writer.step('verify', `the ${request.backup} backup is restored beside everything that lives`)
      const work = { data, ...request }
      const { passed, message, ...more } = await world.jobs.verify(work, { report: writer, signal })
      result = { ...this.#resultOf(passed ? 'done' : 'unhealthy', message), ...more }
    } catch (thrown) {
      if (!(thrown instanceof Failure)) log(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown))
      const outcome = thrown instanceof Failure && thrown.kind === 'bad-input' ? 'bad-input' : 'refused'
      result = this.#resultOf(outcome, messageOf(thrown))
    }
    try {
      this.#running = null
      await recordResult(id, result, world.now(), { audit, writer })
      await rm(marker, { force: true })
    } catch (thrown) {
      log(`the result of ${id} (${result.outcome}) could not be written: ${messageOf(thrown)}`)
      this.#untold = { id, result }
      this.#recoverLater()
    }
  }

  #resultOf(outcome: TransactionResult['outcome'], message: string): TransactionResult {
    const serving = this.#parts.world.store.state.serving?.release ?? null
    return { outcome, message, serving, previous: serving }
  }
}
