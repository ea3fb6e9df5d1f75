// A machine in memory: files with modes and owners, and programs that answer as they are told.
import { dirname } from 'node:path'
import type { FileStatus, Host, Owner } from '../../../src/agent/setup/host.ts'
import type { RunResult } from '../../../src/lib/index.ts'

interface MemoryFile extends Owner {
  content: Buffer
  mode: number
}

/** What a program says, by its command line; `undefined`: it is not answered here. */
export type Answer = (command: string, input: string | undefined) => Partial<RunResult> | string | undefined

export class MemoryHost implements Host {
  readonly files = new Map<string, MemoryFile>()
  readonly directories = new Map<string, FileStatus>()
  /** Folders that a system has from the start. */
  readonly #given = new Set([
    '/',
    '/etc',
    '/etc/docker',
    '/etc/ssh/sshd_config.d',
    '/etc/sysctl.d',
    '/etc/systemd/system',
    '/var/lib',
  ])
  /** Every program that was run, in order. */
  readonly ran: string[] = []
  /** Writes that are still to succeed; then the machine loses its power. */
  writesLeft = Number.POSITIVE_INFINITY
  answer: Answer = () => undefined

  /** Lays a file down as a person would. */
  put(path: string, content: string, mode = 0o644, owner: Owner = { uid: 0, gid: 0 }): void {
    this.files.set(path, { content: Buffer.from(content), mode, ...owner })
  }

  text(path: string): string | null {
    return this.files.get(path)?.content.toString() ?? null
  }

  /** All that lies below `path`: what a hash of the file system would cover. */
  below(path: string): string[] {
    const files = [...this.files].map(
      ([name, { content, mode, uid, gid }]) => `${name} ${mode.toString(8)} ${uid}:${gid} ${content}`,
    )
    const folders = [...this.directories].map(
      ([name, { mode, uid, gid }]) => `${name}/ ${mode.toString(8)} ${uid}:${gid}`,
    )
    return [...files, ...folders].filter((line) => line.startsWith(path)).toSorted()
  }

  read = async (path: string) => this.files.get(path)?.content ?? null

  status = async (path: string) => {
    const file = this.files.get(path)
    return file
      ? { directory: false, mode: file.mode, uid: file.uid, gid: file.gid }
      : (this.directories.get(path) ??
          (this.#given.has(path) ? { directory: true, mode: 0o755, uid: 0, gid: 0 } : null))
  }

  list = async (path: string) =>
    [...this.files.keys(), ...this.directories.keys()]
      .filter((name) => dirname(name) === path)
      .map((name) => name.slice(path.length + 1))

  write = async (path: string, content: string | Uint8Array, mode: number) => {
    this.#lose()
    this.files.set(path, { content: Buffer.from(content), mode, uid: 0, gid: 0 })
  }

  append = async (path: string, text: string) => {
    const before = this.files.get(path)?.content ?? Buffer.alloc(0)
    const whole = Buffer.concat([before, Buffer.from(text)])
    if (this.writesLeft === 0) this.put(path, whole.subarray(0, whole.length - 9).toString(), 0o600)
    this.#lose()
    this.put(path, whole.toString(), 0o600)
  }

  makeDirectory = async (path: string, mode: number) => {
    this.#lose()
    for (let at = path; !this.#given.has(at) && !this.directories.has(at); at = dirname(at))
      this.directories.set(at, { directory: true, mode, uid: 0, gid: 0 })
  }

  own = async (path: string, { uid, gid }: Owner) => {
    this.#lose()
    Object.assign(this.#at(path), { uid, gid })
  }

  setMode = async (path: string, mode: number) => {
    this.#lose()
    Object.assign(this.#at(path), { mode })
  }

  removeFile = async (path: string) => {
    this.#lose()
    this.files.delete(path)
  }

  removeDirectory = async (path: string) => {
    this.#lose()
    if ((await this.list(path)).length > 0) return false
    return this.directories.delete(path)
  }

  ask = async (file: string, args: readonly string[], input?: string) => {
    const command = [file, ...args].join(' ')
    this.ran.push(command)
    const said = this.answer(command, input)
    const result =
      typeof said === 'string' ? { stdout: said } : (said ?? { code: 127, stderr: `${file} is not installed` })
    return { code: 0, stdout: '', stderr: '', ...result }
  }

  #at(path: string): object {
    const found = this.files.get(path) ?? this.directories.get(path)
    if (found === undefined) throw new Error(`ENOENT: ${path}`)
    return found
  }

  #lose(): void {
    if (this.writesLeft-- <= 0) throw new PowerCut()
  }
}

export class PowerCut extends Error {}
