import { EventEmitter, on } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { readdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { appendLine, readJsonLines } from '../../lib/index.ts'
import { eventSchema, type TransactionEvent, type TransactionResult } from '../protocol.ts'
import { Turn } from './turn.ts'

/** What a transaction can say of itself; the journal adds number and time. */
export interface Reporter {
  /** A step begins. */
  step(step: string, message: string): Promise<void>
  /** How far the running step is. */
  progress(message: string): Promise<void>
  note(message: string): Promise<void>
}

/** One JSON-lines file per transaction: what followers see. Nothing is recovered from it. */
export interface Journal {
  has(id: string): boolean
  /** Starts (or goes on with) the file of a transaction. */
  writer(id: string): Promise<JournalWriter>
  /** The events that are on disk now. */
  recorded(id: string): AsyncIterable<TransactionEvent>
  /** Events after `seq`, live, up to the `result`; null for an unknown transaction. */
  follow(id: string, after: number, signal: AbortSignal): AsyncIterable<TransactionEvent> | null
  ids(): Promise<string[]>
}

export interface JournalWriter extends Reporter {
  readonly currentStep: string
  result(result: TransactionResult): Promise<void>
}

/** A killed agent may leave half a line at the end; the next one would be glued to it. */
async function dropTornLine(path: string): Promise<void> {
  const content = await readFile(path)
  const whole = content.lastIndexOf('\n') + 1
  if (whole < content.length) await truncate(path, whole)
}

type Draft = TransactionEvent extends infer E ? (E extends TransactionEvent ? Omit<E, 'seq' | 'at'> : never) : never

/** The journal in `directory`. */
export function openJournal(directory: string, now: () => Date): Journal {
  const live = new EventEmitter().setMaxListeners(0)
  const path = (id: string) => join(directory, `${id}.jsonl`)

  async function* read(id: string, after: number): AsyncGenerator<TransactionEvent> {
    for await (const event of readJsonLines(createReadStream(path(id)), eventSchema)) if (event.seq > after) yield event
  }

  async function* follow(id: string, after: number, signal: AbortSignal): AsyncGenerator<TransactionEvent> {
    if (signal.aborted) return
    // Listening starts before reading, so that nothing falls between the two.
    const news = on(live, id, { signal })
    let seen = after
    for await (const event of read(id, seen)) {
      seen = event.seq
      yield event
      if (event.type === 'result') return
    }
    try {
      for await (const [event] of news) {
        const next = eventSchema.parse(event)
        if (next.seq <= seen) continue
        seen = next.seq
        yield next
        if (next.type === 'result') return
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown
    }
  }

  return {
    has: (id) => existsSync(path(id)),
    recorded: (id) => read(id, 0),
    follow: (id, after, signal) => (existsSync(path(id)) ? follow(id, after, signal) : null),
    async ids() {
      return (await readdir(directory)).filter((name) => name.endsWith('.jsonl')).map((name) => name.slice(0, -6))
    },
    async writer(id) {
      let seq = 0
      let current = ''
      if (existsSync(path(id))) {
        await dropTornLine(path(id))
        for await (const event of read(id, 0)) {
          seq = event.seq
          if (event.type === 'step') current = event.step
        }
      }
      // A step and its progress may be told at once: they stand, and are followed, in the order of their numbers.
      const turn = new Turn()
      const append = (draft: Draft, sync = false) => {
        const event = eventSchema.parse({ seq: ++seq, at: now().toISOString(), ...draft })
        return turn.take(async () => {
          await appendLine(path(id), JSON.stringify(event), 0o640, sync)
          live.emit(id, event)
        })
      }
      return {
        get currentStep() {
          return current
        },
        step(step, message) {
          current = step
          return append({ type: 'step', step, message })
        },
        progress: (message) => append({ type: 'progress', step: current, message }),
        note: (message) => append({ type: 'note', message }),
        result: (result) => append({ type: 'result', result }, true),
      }
    },
  }
}
