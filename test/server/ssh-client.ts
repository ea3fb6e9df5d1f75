import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { type AgentClient, openAgent } from '../../src/agent/client.ts'
import { type RunResult, run, tryRun } from '../../src/lib/index.ts'
import type { Machine } from '../lab/index.ts'

const env = { PATH: process.env.PATH ?? '' }

/** The stock OpenSSH client with a key of its own, on a server of the lab. */
export class SshClient {
  readonly #folder: string
  readonly #server: Machine
  /** The public key in one line. */
  readonly publicKey: string

  private constructor(folder: string, server: Machine, publicKey: string) {
    this.#folder = folder
    this.#server = server
    this.publicKey = publicKey
  }

  static async create(server: Machine): Promise<SshClient> {
    const folder = await mkdtemp(join(tmpdir(), 'pacs-ssh-'))
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a test', '-f', join(folder, 'key')], { env })
    const { hostKey } = server
    await writeFile(join(folder, 'known_hosts'), `[127.0.0.1]:${server.port(22)} ${hostKey}\n`)
    return new SshClient(folder, server, (await readFile(join(folder, 'key.pub'), 'utf8')).trim())
  }

  /** The text of the private key. */
  privateKey(): Promise<string> {
    return readFile(join(this.#folder, 'key'), 'utf8')
  }

  /** Arguments that log in as pacs, or as `user`; `options` stand before the host. */
  #args(options: readonly string[], command: readonly string[], user = 'pacs'): string[] {
    const fixed = ['-F', 'none', '-i', join(this.#folder, 'key'), '-p', String(this.#server.port(22))]
    const settings = ['IdentitiesOnly=yes', `UserKnownHostsFile=${join(this.#folder, 'known_hosts')}`, 'BatchMode=yes']
    const named = ['StrictHostKeyChecking=yes', ...settings].flatMap((setting) => ['-o', setting])
    return [...fixed, ...named, ...options, `${user}@127.0.0.1`, ...command]
  }

  /** Runs `command` on the server as far as sshd lets it. */
  exec(command: readonly string[], options: readonly string[] = []): Promise<RunResult> {
    return tryRun('ssh', this.#args(options, command), { env, timeout: 30_000 })
  }

  /** Opens `-L` or the like and keeps it until disposed; resolves when the client has logged in. */
  async forward(...options: readonly string[]): Promise<AsyncDisposable & { said: () => string }> {
    const child = spawn('ssh', this.#args(['-v', '-N', ...options], []), { env, stdio: 'pipe' })
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('Entering interactive session')) resolve()
      })
      child.once('close', () => reject(new Error(`ssh ended: ${said}`)))
    })
    return { said: () => said, [Symbol.asyncDispose]: () => end(child) }
  }

  /** A client of the agent over SSH sessions. */
  agent(): AgentClient {
    return openAgent(() => {
      const child = spawn('ssh', this.#args([], ['pacs-agent', 'ssh']), { env, stdio: 'pipe' })
      return Duplex.from({ readable: child.stdout, writable: child.stdin })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'close')
}

/** The first bytes that a port of this machine answers to `request`, empty when it closes without any. */
export async function firstAnswer(port: number, request: string): Promise<string> {
  const socket = createConnection(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  socket.on('error', () => {
    // A reset is an end like any other here.
  })
  socket.write(request)
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}
