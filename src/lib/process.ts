import { constants } from 'node:os'
import { execa } from 'execa'
import { Failure } from './errors.ts'
import type { Redact } from './redaction.ts'

/** How a child process is run. Its environment is `env` alone: nothing is inherited. */
export interface RunOptions {
  env: Readonly<Record<string, string>>
  cwd?: string
  /** Written to the child's standard input, which is empty otherwise. */
  input?: string | Uint8Array
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

/** How much output of one child is kept in memory, per stream: 64 MiB. */
const MAX_OUTPUT = 64 * 1024 * 1024

/**
 * Runs `file` with `args`, never through a shell, and waits for its end.
 * @returns output and exit code, whatever the code.
 * @throws Failure `error` when the program cannot be started, takes longer than `timeout`, or prints more than 64 MiB; the signal's reason on abort.
 */
export async function tryRun(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const child = execa(file, [...args], {
    env: options.env,
    extendEnv: false,
    reject: false,
    stripFinalNewline: true,
    maxBuffer: MAX_OUTPUT,
    forceKillAfterDelay: 5000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.onBytes === undefined ? {} : { buffer: { stdout: false } }),
  })
  const { onLine, onBytes } = options
  if (onBytes) {
    for await (const bytes of child.iterable({ binary: true })) onBytes(Buffer.from(bytes))
  }
  if (onLine) {
    await Promise.all(
      (['stdout', 'stderr'] as const).map(async (stream) => {
        for await (const line of child.iterable({ from: stream })) onLine(String(line), stream)
      }),
    )
  }
  const result = await child
  if (result.isCanceled) throw options.signal?.reason
  if (result.timedOut)
    throw new Failure('error', `${file} ${args[0] ?? ''} took longer than ${options.timeout} ms and was ended`)
  if (result.isMaxBuffer) throw new Failure('error', `${file} ${args[0] ?? ''} printed more than 64 MiB`)
  if (result.exitCode === undefined && result.signal === undefined) {
    throw new Failure(
      'error',
      `${file} could not be started (${result.originalMessage ?? 'unknown cause'}): is it installed?`,
    )
  }
  const code = result.exitCode ?? 128 + (result.signal === undefined ? 0 : constants.signals[result.signal])
  return { stdout: String(result.stdout), stderr: String(result.stderr), code }
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
