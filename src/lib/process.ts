import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { formatDuration } from './duration.ts'
import { Failure, messageOf } from './errors.ts'
import type { Redact } from './redaction.ts'

/** How a child process is run. Its environment is `env` alone: nothing is inherited. */
export interface RunOptions {
  env: Readonly<Record<string, string>>
  cwd?: string
  /** What it does, for the message when it is ended; its file and first argument where there is none. */
  name?: string
  /** Written to the child's standard input, which is empty otherwise. A stream that breaks ends the child. */
  input?: string | Uint8Array | Readable
  /** An open file that the child finds at {@link HANDED_ON}, which can be run, too. */
  handedOn?: number
  /** Milliseconds until the child is ended (SIGTERM, 5 s later SIGKILL). */
  timeout?: number
  signal?: AbortSignal
  /** Called with every line of output while the child runs. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** Called with every piece of standard output, which is then neither kept nor limited. */
  onBytes?: (bytes: Uint8Array) => void
  /** Hides secrets in the message of a failure. */
  redact?: Redact
}

export interface RunResult {
  stdout: string
  stderr: string
  /** Exit code; 128 + n after signal n. */
  code: number
}

/** Path of the file that a child was handed on. */
export const HANDED_ON = '/proc/self/fd/3'

/** How much output of one child is kept in memory, per stream: 64 MiB. */
const MAX_OUTPUT = 64 * 1024 * 1024
/** Milliseconds that a child has between SIGTERM and SIGKILL. */
const KILL_AFTER = 5000

/** The kernel's `oom_score_adj` of what is ended before any service where the memory of the machine runs out. */
export const ENDED_FIRST = 500

/** Has this process, and the children that it starts from now on, ended before any service where the memory of the machine runs out. */
export function beEndedFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(ENDED_FIRST))
  } catch {
    // A system without it has another way to choose.
  }
}

/** Children that run: none outlives this process when it ends by itself. */
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill()
})

/**
 * Runs `file` with `args`, never through a shell, and waits for its end.
 * @returns output and exit code, whatever the code.
 * @throws Failure `error` when the program cannot be started, takes longer than `timeout`, or prints more than 64 MiB; the signal's reason on abort.
 */
export async function tryRun(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const { signal, timeout, input, onLine, onBytes, name = `${file} ${args[0] ?? ''}` } = options
  signal?.throwIfAborted()
  const child = start(file, args, options)
  children.add(child)
  const timers: NodeJS.Timeout[] = []
  let broken: { reason: unknown } | undefined
  const stop = (reason: unknown) => {
    if (broken) return
    broken = { reason }
    child.kill()
    timers.push(setTimeout(() => child.kill('SIGKILL'), KILL_AFTER))
  }
  const failure = (what: string) => new Failure('error', `${name} ${what}`)
  const onAbort = () => stop(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  if (timeout !== undefined) {
    timers.push(setTimeout(() => stop(failure(`took longer than ${formatDuration(timeout)} and was ended`)), timeout))
  }
  const read = (stream: 'stdout' | 'stderr', take?: (bytes: Uint8Array) => void) =>
    collect(child[stream], {
      take,
      onLine: onLine && ((line) => onLine(line, stream)),
      // What a caller's own function throws ends the child too, and is the caller's to see.
      onFault: (thrown) => stop(thrown ?? failure('printed more than 64 MiB')),
    })
  const [stdout, stderr] = [read('stdout', onBytes), read('stderr')]
  // One that reads nothing, or ends early, is judged by its exit code.
  child.stdin?.on('error', () => undefined)
  if (input instanceof Readable) {
    child.stdin?.on('close', () => input.destroy())
    if (child.stdin) input.on('error', stop).pipe(child.stdin)
  } else child.stdin?.end(input)
  try {
    const code = await ended(child, file)
    if (broken) throw broken.reason
    return { stdout: stdout(), stderr: stderr(), code }
  } finally {
    children.delete(child)
    signal?.removeEventListener('abort', onAbort)
    for (const timer of timers) clearTimeout(timer)
  }
}

function start(file: string, args: readonly string[], { env, cwd, input, handedOn }: RunOptions): ChildProcess {
  try {
    return spawn(file, args, {
      env,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...(handedOn === undefined ? [] : [handedOn])],
      ...(cwd === undefined ? {} : { cwd }),
    })
  } catch (thrown) {
    throw notStarted(file, thrown)
  }
}

/** The exit code of a child, when it has ended and all that it printed was read. */
function ended(child: ChildProcess, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (thrown) => reject(notStarted(file, thrown)))
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}

function notStarted(file: string, thrown: unknown): Failure {
  return new Failure('error', `${file} could not be started (${messageOf(thrown)}): is it installed?`)
}

interface Reading {
  /** Takes the bytes instead of keeping them. */
  take: ((bytes: Uint8Array) => void) | undefined
  onLine: ((line: string) => void) | undefined
  /** Told what `take` or `onLine` threw, or undefined when more came than is kept. */
  onFault: (thrown?: unknown) => void
}

/** Reads what a child prints. @returns what of it was kept, as text without its last line's end */
function collect(stream: Readable | null, { take, onLine, onFault }: Reading): () => string {
  const kept: Uint8Array[] = []
  let size = 0
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const lines = (text: string) => {
    const found = (rest + text).split(/\r?\n/)
    rest = found.pop() ?? ''
    for (const line of found) onLine?.(line)
  }
  const guarded = (work: () => void) => {
    try {
      work()
    } catch (thrown) {
      onFault(thrown)
    }
  }
  stream?.on('data', (bytes: Buffer) => {
    if (onLine) guarded(() => lines(decoder.write(bytes)))
    if (take) return guarded(() => take(bytes))
    size += bytes.length
    if (size > MAX_OUTPUT) onFault()
    else kept.push(bytes)
  })
  stream?.on('end', () => {
    if (onLine && rest !== '') guarded(() => onLine(rest))
  })
  return () =>
    Buffer.concat(kept)
      .toString('utf8')
      .replace(/\r?\n$/, '')
}

/**
 * Runs `file` as {@link tryRun} does and asks for exit code 0.
 * @returns its standard output.
 * @throws Failure `error` with the last 10 lines of what the child said.
 */
export async function run(file: string, args: readonly string[], options: RunOptions): Promise<string> {
  const result = await tryRun(file, args, options)
  if (result.code === 0) return result.stdout
  const said = (result.stderr || result.stdout).split('\n').slice(-10).join('\n')
  const message = `${file} ${args[0] ?? ''} ended with ${result.code}: ${said}`
  throw new Failure('error', options.redact ? options.redact(message) : message)
}
