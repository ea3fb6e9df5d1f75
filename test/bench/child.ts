import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** Says at the end of a process what it was: the most memory is its own alone, unlike that of `getrusage`, which a parent's counts into. */
const REPORT = `import { readFileSync, writeSync } from 'node:fs'
process.on('exit', () => writeSync(3, readFileSync('/proc/self/status')))`

/** A process that ended well. */
export interface Ran {
  /** Milliseconds from its start to its end. */
  ms: number
  /** The most memory that it ever had, in MB (10^6 bytes): VmHWM. */
  peak: number
  stdout: string
}

export interface RunOptions {
  /** Its standard input, for what must not stand in an argv. */
  input?: string
  env?: Readonly<Record<string, string>>
  cwd?: string
}

/**
 * Runs Node with `args` and measures it.
 * @throws Error with what it printed when it did not end well
 */
export async function runNode(args: readonly string[], { input = '', env = {}, cwd }: RunOptions): Promise<Ran> {
  const report = `data:text/javascript,${encodeURIComponent(REPORT)}`
  const started = performance.now()
  const child = spawn(process.execPath, ['--import', report, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  })
  const status = child.stdio[3]
  if (!child.stdin || !child.stdout || !child.stderr || !status || !('read' in status)) throw new Error('no pipes')
  child.stdin.end(input)
  const said = Promise.all([text(child.stdout), text(child.stderr), text(status)])
  const [code] = await once(child, 'exit')
  const ms = performance.now() - started
  const [stdout, stderr, reported] = await said
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(reported)
  if (code !== 0 || !peak) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout.slice(-500)}${stderr}`)
  return { ms, peak: (Number(peak[1]) * 1024) / 1e6, stdout }
}
