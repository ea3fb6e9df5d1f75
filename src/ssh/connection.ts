import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { badInput, Failure, messageOf, tryRun } from '../lib/index.ts'
import { files, renderConfig, renderKnownHosts, SERVER } from './config.ts'
import { explainConnect, explainForward, explainSession, type Refusal } from './failures.ts'
import { normalizePrivateKey } from './private-key.ts'
import { ChildStream, collect, type Explain } from './session.ts'
import { fingerprint, type Target, targetSchema } from './target.ts'

/** The one command that is ever asked of a server; the key line there forces it anyway. */
const REMOTE_COMMAND = ['pacs-agent', 'ssh']

/** Pauses in milliseconds before another attempt to connect; refusals are never tried again. */
const PAUSES_MS = [1000, 2000, 4000]
/** Milliseconds for one attempt, from the first packet to the accepted key. */
const OPEN_LIMIT_MS = 30_000
const CLOSE_LIMIT_MS = 2000

export interface ConnectionOptions {
  target: Target
  /** Text of the private key. */
  key: string
  /** A directory that does not exist yet; made 0700 and removed by `close`. */
  directory: string
  /** Environment of the ssh processes: PATH and little else. */
  env: Readonly<Record<string, string>>
  /** Told in one line of what takes time. */
  log?: (message: string) => void
  signal?: AbortSignal
}

/** One authenticated SSH connection; sessions through it cost no new handshake. */
export interface Connection {
  /** The public half of the key, for messages: `SHA256:…`. */
  readonly keyFingerprint: string
  /** Opens a session that runs `pacs-agent ssh`. A connection that broke is made anew first. */
  duplex(): Promise<Duplex>
  /** Opens a stream to a port on the server's own loopback, as far as its sshd permits it. A broken connection is made anew first. */
  forward(port: number): Promise<Duplex>
  /** Ends the connection and removes key and files; never throws, can be called twice. */
  close(): Promise<void>
}

/**
 * Connects to a server with pinned host keys.
 * @throws Failure `bad-input` (key, host key, refused key) or `unreachable` (after 4 attempts), one line each; nothing is left behind.
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const target = parseTarget(options.target)
  const key = normalizePrivateKey('the SSH key', options.key)
  const connection = new OpenSsh(target, options)
  try {
    await connection.prepare(key)
    await connection.connect()
    return connection
  } catch (thrown) {
    await connection.close()
    throw thrown
  }
}

/** Ends a connection whose process was killed, from its directory alone, and removes it. */
export async function closeConnection(directory: string, env: Readonly<Record<string, string>>): Promise<void> {
  const exit = ['-F', files.config, '-O', 'exit', '--', SERVER]
  await tryRun('ssh', exit, { cwd: directory, env, timeout: CLOSE_LIMIT_MS }).catch(() => undefined)
  await rm(directory, { recursive: true, force: true })
}

class OpenSsh implements Connection {
  readonly #target: Target
  readonly #options: ConnectionOptions
  #master: ChildProcess | undefined
  #connecting: Promise<void> | undefined
  #closed = false
  readonly #sessions = new Set<ChildStream>()
  keyFingerprint = ''

  constructor(target: Target, options: ConnectionOptions) {
    this.#target = target
    this.#options = options
  }

  async prepare(key: string): Promise<void> {
    const { directory } = this.#options
    await mkdir(directory, { mode: 0o700 })
    await this.#write(files.key, key)
    await this.#write(files.config, renderConfig(this.#target))
    await this.#write(files.knownHosts, renderKnownHosts(this.#target))
    const { env } = this.#options
    const derived = await tryRun('ssh-keygen', ['-y', '-P', '', '-f', files.key], { cwd: directory, env })
    if (derived.code !== 0) throw badInput(`the SSH key is not readable: ${derived.stderr.split('\n').at(-1)}`)
    this.keyFingerprint = fingerprint(derived.stdout)
  }

  connect(): Promise<void> {
    this.#connecting ??= this.#connectPatiently().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  duplex(): Promise<Duplex> {
    return this.#open(['-T', '--', SERVER, ...REMOTE_COMMAND], (code, said) => explainSession(code, said, this.#target))
  }

  forward(port: number): Promise<Duplex> {
    return this.#open(['-W', `127.0.0.1:${port}`, '--', SERVER], (_code, said) =>
      explainForward(said, port, this.#target),
    )
  }

  async #open(args: readonly string[], explain: Explain): Promise<Duplex> {
    if (this.#closed) throw new Failure('unreachable', 'the SSH connection was closed')
    // A master that is still connecting has not ended either; a session that does not wait for it would connect by itself.
    if (this.#connecting || this.#master?.exitCode !== null || this.#master.signalCode !== null) await this.connect()
    const stream = new ChildStream(this.#spawn(args), explain)
    this.#sessions.add(stream)
    stream.once('close', () => this.#sessions.delete(stream))
    return stream
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const session of this.#sessions) session.destroy()
    const master = this.#master
    const ended = master && master.exitCode === null && master.signalCode === null ? once(master, 'exit') : undefined
    await closeConnection(this.#options.directory, this.#options.env)
    if (!ended) return
    await Promise.race([ended, delay(CLOSE_LIMIT_MS, undefined, { ref: false })])
    master?.kill('SIGKILL')
  }

  async #connectPatiently(): Promise<void> {
    const { signal, log } = this.#options
    for (const pause of [...PAUSES_MS, undefined]) {
      signal?.throwIfAborted()
      const refusal = await this.#attempt()
      if (!refusal) return
      if (!refusal.retry) throw refusal.failure
      if (pause === undefined) {
        const attempts = PAUSES_MS.length + 1
        throw new Failure('unreachable', `${refusal.failure.message} (tried ${attempts} times)`)
      }
      log?.(`${refusal.failure.message}; next attempt in ${pause / 1000} s`)
      await delay(pause, undefined, signal ? { signal } : {})
    }
  }

  async #attempt(): Promise<Refusal | undefined> {
    const control = join(this.#options.directory, files.control)
    await rm(control, { force: true })
    const master = this.#spawn(['-N', '-M', '-o', 'ControlPersist=no', '--', SERVER])
    this.#master = master
    const said = collect(master.stderr)
    const stop = new AbortController()
    const ended = once(master, 'close').catch((thrown) => Promise.reject(new Failure('error', missing(thrown))))
    try {
      const opened = await Promise.race([
        ended.then(() => false),
        exists(control, stop.signal),
        delay(OPEN_LIMIT_MS, undefined, { signal: stop.signal }),
        aborted(this.#options.signal, stop.signal),
      ])
      if (opened === true) return undefined
      if (opened === undefined) master.kill('SIGKILL')
      return explainConnect(
        opened === undefined ? `no accepted key after ${OPEN_LIMIT_MS / 1000} s` : said(),
        this.#target,
      )
    } finally {
      stop.abort()
      ended.catch(() => undefined)
    }
  }

  // src/lib runs children to their end; these are streams that live on.
  #spawn(args: readonly string[]) {
    const { directory, env } = this.#options
    return spawn('ssh', ['-F', files.config, ...args], { cwd: directory, env: { ...env }, stdio: 'pipe' })
  }

  #write(name: string, content: string): Promise<void> {
    return writeFile(join(this.#options.directory, name), content, { mode: 0o600, flag: 'wx' })
  }
}

function parseTarget(value: Target): Target {
  const parsed = targetSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw badInput(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
}

function missing(thrown: unknown): string {
  return `ssh could not be started (${messageOf(thrown)}): install the OpenSSH client on this machine`
}

const POLL_MS = 20

/** True once `path` exists; ssh makes the control socket when the server has accepted the key. */
async function exists(path: string, stop: AbortSignal): Promise<boolean> {
  while (!stop.aborted) {
    try {
      await access(path)
      return true
    } catch {
      await delay(POLL_MS)
    }
  }
  return false
}

function aborted(signal: AbortSignal | undefined, stop: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true, signal: stop })
  })
}
