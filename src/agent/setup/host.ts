// The machine as set-up sees it: few reads, few writes, programs. Tests give one in memory.
import { appendFile, chmod, chown, mkdir, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises'
import { Failure, type RunResult, replaceFile, tryRun } from '../../lib/index.ts'

export interface Owner {
  uid: number
  gid: number
}

export const ROOT: Owner = { uid: 0, gid: 0 }

export interface FileStatus extends Owner {
  directory: boolean
  /** The permission bits. */
  mode: number
}

export interface Host {
  read: (path: string) => Promise<Buffer | null>
  status: (path: string) => Promise<FileStatus | null>
  /** Names in a folder; none when there is no such folder. */
  list: (path: string) => Promise<string[]>
  /** Replaces the file as a whole; its owner is root until {@link Host.own}. */
  write: (path: string, content: string | Uint8Array, mode: number) => Promise<void>
  /** Adds to the end of a file, which is root's own; it is on the disk when the promise resolves. */
  append: (path: string, text: string) => Promise<void>
  makeDirectory: (path: string, mode: number) => Promise<void>
  own: (path: string, owner: Owner) => Promise<void>
  setMode: (path: string, mode: number) => Promise<void>
  removeFile: (path: string) => Promise<void>
  /** @returns whether it is gone: a folder that holds something stays. */
  removeDirectory: (path: string) => Promise<boolean>
  /** Runs a program and tells how it ended; code 127 when there is none of that name. */
  ask: (file: string, args: readonly string[], input?: string) => Promise<RunResult>
}

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }

/** This machine. */
export const thisMachine: Host = {
  read: (path) => readFile(path).catch(() => null),
  status: (path) =>
    stat(path).then(
      (found) => ({ directory: found.isDirectory(), mode: found.mode & 0o7777, uid: found.uid, gid: found.gid }),
      () => null,
    ),
  list: (path) => readdir(path).catch(() => []),
  write: replaceFile,
  append: (path, text) => appendFile(path, text, { mode: 0o600, flush: true }),
  makeDirectory: async (path, mode) => {
    await mkdir(path, { recursive: true, mode })
  },
  own: (path, { uid, gid }) => chown(path, uid, gid),
  setMode: chmod,
  removeFile: (path) => rm(path, { force: true }),
  removeDirectory: (path) =>
    rmdir(path).then(
      () => true,
      () => false,
    ),
  ask: (file, args, input) =>
    tryRun(file, args, { env, ...(input === undefined ? {} : { input }) }).catch(() => ({
      code: 127,
      stdout: '',
      stderr: `${file} is not installed`,
    })),
}

/** Runs a program. @returns its output. @throws Failure `error` with the last lines of what it said. */
export async function system(host: Host, file: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await host.ask(file, args)
  if (code === 0) return stdout
  const said = (stderr || stdout).trim().split('\n').slice(-10).join('\n')
  throw new Failure('error', `${file} ${args[0] ?? ''} ended with ${code}: ${said}`)
}

/** Whether a program ends with 0. */
export async function succeeds(host: Host, file: string, ...args: readonly string[]): Promise<boolean> {
  return (await host.ask(file, args)).code === 0
}

/** The output of a program, or null when it fails or is missing. */
export async function outputOf(host: Host, file: string, ...args: readonly string[]): Promise<string | null> {
  const { code, stdout } = await host.ask(file, args)
  return code === 0 ? stdout : null
}

/** The user's and its group's numbers, or null when there is no such user. */
export async function ownerNamed(host: Host, user: string): Promise<Owner | null> {
  const line = await outputOf(host, 'getent', 'passwd', user)
  const [, , uid, gid] = line?.split(':') ?? []
  return uid === undefined || gid === undefined ? null : { uid: Number(uid), gid: Number(gid) }
}

/** What this machine is that its kernel does not belong to (`docker`, `lxc`), or null. */
export async function containerKind(host: Host): Promise<string | null> {
  const kind = (await outputOf(host, 'systemd-detect-virt', '--container'))?.trim()
  return kind && kind !== 'none' ? kind : null
}
