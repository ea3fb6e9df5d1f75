// What goes between the agent and a child of it that works on data: one request on its standard input, JSON lines on its output.
import { z } from 'zod'
import { exitClass, Failure, type FailureKind, tryRun } from '../../lib/index.ts'
import type { Reporter } from '../transaction/journal.ts'

const failureKinds = Object.keys(exitClass).filter((kind) => kind !== 'ok')

/** One line of a child's output. */
export const childLineSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('step'), step: z.string(), message: z.string() }),
  z.object({ type: z.literal('progress'), message: z.string() }),
  z.object({ type: z.literal('note'), message: z.string() }),
  z.object({ type: z.literal('done'), value: z.unknown() }),
  z.object({
    type: z.literal('failed'),
    kind: z.custom<FailureKind>((value) => typeof value === 'string' && failureKinds.includes(value)),
    message: z.string(),
  }),
])
export type ChildLine = z.infer<typeof childLineSchema>

/** What a child is asked to do, by its name, and what it needs for that. */
export interface Work {
  work: string
  [more: string]: unknown
}

/**
 * Limits of a child's JavaScript heap, in megabytes; what it reads is streamed. A small young generation is collected before garbage
 * fills what a child may have, and what large documents leave is collected as they pass. The documents of a batch live until it is
 * written: a migration would spend a third of its time on copying them out of so small a one.
 */
export function heapLimits({ work }: Work): string[] {
  const young = work === 'migrate' ? ['--max-semi-space-size=4'] : ['--max-semi-space-size=2', '--optimize-for-size']
  return ['--max-old-space-size=128', ...young, '--expose-gc']
}

/** What a child does, in the words of who asked for it. */
const NAMES: Readonly<Record<string, string>> = {
  judge: 'the look at the ledger',
  migrate: 'the migration',
  undo: 'the undo',
  mark: 'the mark',
  backup: 'the backup',
  list: 'the look at the repositories',
  tidy: 'the removal of what was left',
  verify: 'the verification',
  restore: 'the restore',
}

/** Freed buffers go back to the system at once: glibc would keep as many as were ever used. */
export const CHILD_ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_ARENA_MAX: '2' }
/** What the journal keeps of a child's complaints. */
const SAID = 500

export interface ChildOptions {
  /** The agent's own file. */
  script: string
  /** PATH for `docker` and `restic`. */
  path: string
  report: Reporter
  signal?: AbortSignal
  /** Milliseconds. */
  timeout: number
}

/** A line of ours; null for what a migration or a check prints itself, which may be a document and is not passed on. */
function lineOf(text: string): ChildLine | null {
  try {
    return childLineSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** What a killed process ends with: 128 + SIGKILL. */
const KILLED = 137

/**
 * Has a child do `work` and passes on what it says of itself. A secret goes by its standard input, never by argv or environment.
 * @returns what the child's last line holds, also when it was to be ended and had done its work by then.
 * @throws Failure as the child failed; `failed` when it ended without a last line, `error` when it was ended, as for its time.
 */
export async function runChild<T>(work: Work, value: z.ZodType<T>, options: ChildOptions): Promise<T> {
  const { script, path, report, signal, timeout } = options
  let last: Extract<ChildLine, { type: 'done' | 'failed' }> | undefined
  let saying = Promise.resolve()
  const say = (line: ChildLine): Promise<void> | void => {
    if (line.type === 'step') return report.step(line.step, line.message)
    if (line.type === 'progress') return report.progress(line.message)
    if (line.type === 'note') return report.note(line.message)
    last = line
  }
  const { code, stderr } = await tryRun(process.execPath, [...heapLimits(work), script, 'work'], {
    env: { PATH: path, ...CHILD_ENVIRONMENT },
    name: NAMES[work.work] ?? 'the work on the data',
    input: JSON.stringify(work),
    timeout,
    ...(signal ? { signal } : {}),
    onLine: (text, stream) => {
      if (stream === 'stderr') return
      const line = lineOf(text)
      if (!line) return
      saying = saying.then(() => say(line))
      // What could not be told, as on a full disk, is met once the child has ended.
      saying.catch(() => undefined)
    },
  }).catch(async (thrown: unknown) => {
    await saying.catch(() => undefined)
    if (last?.type === 'done') return { code: 0, stderr: '' }
    // Ended by us and not as asked, as for its time: how far it came it alone knows.
    if (last?.type !== 'failed' || signal?.aborted || !(thrown instanceof Failure)) throw thrown
    throw new Failure(thrown.kind, `${thrown.message}: ${last.message}`)
  })
  await saying
  if (last?.type === 'failed') throw new Failure(last.kind, last.message)
  if (last?.type === 'done' && code === 0) return value.parse(last.value)
  if (code === KILLED) {
    throw new Failure(
      'failed',
      'the work on the data was killed, by hand or for want of memory (journalctl -k tells): ask again',
    )
  }
  throw new Failure('failed', `the work on the data ended with ${code}: ${stderr.slice(-SAID) || 'no message'}`)
}
