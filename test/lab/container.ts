import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RunResult } from '../../src/lib/index.ts'
import { docker, tryDocker } from './docker.ts'
import type { InitialFile } from './files.ts'
import { freeze } from './wait.ts'

export interface ExecOptions {
  /** Standard input, empty otherwise. */
  input?: string | Uint8Array
  env?: Readonly<Record<string, string>>
  /** User inside, root otherwise. */
  user?: string
  /** Working directory inside. */
  cwd?: string
  /** Milliseconds until the client is ended; the process inside may go on. */
  timeout?: number
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
}

/** One container of a lab: commands in it, files into it, and what can go wrong with it. */
export class LabContainer {
  /** The container's name on the host's engine. */
  readonly container: string
  readonly network: string
  /** The name by which the other containers of the lab find it: `staging.lab`. */
  readonly hostname: string

  constructor(container: string, network: string, hostname: string) {
    this.container = container
    this.network = network
    this.hostname = hostname
  }

  /** Runs `argv` inside, without a shell, and waits for its end. @returns output and exit code, whatever the code */
  exec(argv: readonly string[], options: ExecOptions = {}): Promise<RunResult> {
    return tryDocker([...this.#execArgs(options), ...argv], runOptions(options))
  }

  /** Runs `argv` inside and asks for exit code 0. @returns its standard output. @throws Failure `error` */
  run(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    return docker([...this.#execArgs(options), ...argv], runOptions(options))
  }

  /**
   * Writes a file inside, with its parent folders, also below /tmp and /run, which `docker cp` cannot reach.
   * @param content a path on the host, or the bytes
   * @param mode such as 0o644
   */
  async copyIn(content: string | Uint8Array, destination: string, mode = 0o644): Promise<void> {
    const input = typeof content === 'string' ? await readFile(content) : content
    await this.run(['install', '-D', '-m', mode.toString(8), '/dev/stdin', destination], { input })
  }

  /** The content of a file inside. */
  readText(path: string): Promise<string> {
    return this.run(['cat', path])
  }

  /** Ends every process at once, as a power cut would. */
  async kill(): Promise<void> {
    await docker(['kill', '--signal', 'KILL', this.container])
  }

  async start(): Promise<void> {
    await docker(['start', this.container])
  }

  async pause(): Promise<void> {
    await freeze(() => docker(['pause', this.container]))
  }

  async unpause(): Promise<void> {
    await docker(['unpause', this.container])
  }

  /** Takes it off the lab's network; its published ports go dead with that. */
  async disconnect(): Promise<void> {
    await docker(['network', 'disconnect', this.network, this.container])
  }

  async connect(): Promise<void> {
    await docker(['network', 'connect', '--alias', this.hostname, this.network, this.container])
  }

  #execArgs({ env = {}, user, cwd, input }: ExecOptions): string[] {
    const args = ['exec']
    if (input !== undefined) args.push('-i')
    for (const [name, value] of Object.entries(env)) args.push('-e', `${name}=${value}`)
    if (user !== undefined) args.push('-u', user)
    if (cwd !== undefined) args.push('-w', cwd)
    return [...args, this.container]
  }
}

/**
 * Puts files into a container that has not been started yet.
 * @param files path inside → content; folders get 0755, those below /root 0700
 * @param scratch a folder of this user alone, for the files on their way
 */
export async function putFiles(
  container: string,
  files: ReadonlyMap<string, InitialFile>,
  scratch: string,
): Promise<void> {
  const folder = await mkdtemp(join(scratch, 'files-'))
  try {
    for (const [path, { content, mode }] of files) {
      const parts = dirname(path).split('/')
      for (let depth = 2; depth <= parts.length; depth += 1) {
        const parent = join(folder, ...parts.slice(0, depth))
        await mkdir(parent, { recursive: true })
        await chmod(parent, path.startsWith('/root/') ? 0o700 : 0o755)
      }
      await writeFile(join(folder, path), content)
      await chmod(join(folder, path), mode)
    }
    await chmod(folder, 0o755)
    await docker(['cp', `${folder}/.`, `${container}:/`])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function runOptions({ input, timeout, onLine }: ExecOptions) {
  return {
    ...(input === undefined ? {} : { input }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(onLine === undefined ? {} : { onLine }),
  }
}
